/** docs/protocol/bothways-1.md, "Scripts", on the wire: the techniques `iframe` and `jsonp` by hand against the server. */
import { runInNewContext } from "node:vm";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { longPolling } from "../../src/client/transports.node.ts";
import type { ServerOptions } from "../../src/server/index.ts";
import { Rig, type Technique } from "../suites/rig.ts";
import { type Answer, hello, send } from "./strangers.ts";

const technique: Technique = {
  platform: "Node",
  name: "long-polling",
  create: longPolling,
  other: longPolling,
};
const transports = ["long-polling", "sse", "iframe", "jsonp"] as const;
const claim = "claim-of-128-random-bits";

async function open(options: ServerOptions = {}): Promise<{ rig: Rig; url: string }> {
  const rig = await Rig.open(technique, { transports, ...options });
  // what strangers leave behind is not waited for
  onTestFinished(() => rig.io.close());
  return { rig, url: `${rig.url}/bothways/` };
}

function get(url: string, body: string, headers: Record<string, string> = {}): Promise<Answer> {
  return send(`${url}?a=1&bothways=${encodeURIComponent(body)}&callback=bothways_1`, "", headers, "GET");
}

/** The frames that a script's callback is called with. */
function framesOf({ status, body }: Answer): string[] {
  let text = "";
  expect(status).toBe(200);
  runInNewContext(body, {
    bothways_1: (given: string) => {
      text = given;
    },
  });
  return text.split("\n");
}

/** The key of a link whose hello was said and heard. */
async function attach(url: string): Promise<string> {
  expect((await send(url, `${hello()}\ntjsonp,${claim}`)).status).toBe(204);
  const [welcome = ""] = framesOf(await get(url, `q${claim},0`));
  return JSON.parse(welcome.slice(1)).key;
}

describe("jsonp", () => {
  test("a conversation", async () => {
    const { rig, url } = await open();
    rig.io.on("connection", (socket) => socket.on("say", (text, answer) => answer(text)));
    expect(await send(url, `${hello()}\ntjsonp,${claim}`)).toMatchObject({ status: 204, body: "" });
    const [welcome = "", ...joined] = framesOf(await get(url, `q${claim},0`));
    expect(joined).toEqual(["n1", expect.stringMatching(/^m0/)]);
    const { key } = JSON.parse(welcome.slice(1));
    const poll = get(url, `q${key},1\na1,100,100000`);
    await send(url, `k${key},1\nn1\nm21["say","</script>\u2028"]`);
    expect(framesOf(await poll)).toEqual([
      "k1",
      expect.stringMatching(/^a1,/),
      "n2",
      'm31["</script>\u2028"]',
    ]);
    await send(url, `k${key},2\nc4000,bye`);
    expect(framesOf(await get(url, `q${key},2\na2,100,100000`))).toEqual([expect.stringMatching(/^c4000/)]);
  });

  test("every answer is a script that nobody keeps, guesses at, or opens", async () => {
    const { url } = await open();
    const answers = [await get(url, `q${claim},0`), await get(url, "qK,1")];
    for (const answer of answers) {
      expect(answer.headers).toMatchObject({
        "content-type": "text/javascript; charset=utf-8",
        "x-content-type-options": "nosniff",
        "content-disposition": 'attachment; filename="f.txt"',
        "cache-control": "no-store",
        vary: "Origin",
      });
      expect(answer.body).toMatch(/^\/\*\*\/typeof bothways_1===/);
      expect(framesOf(answer)).toEqual([expect.stringMatching(/^c4410,/)]);
    }
  });

  test("a refusal is told under the claim, in the words of authenticate", async () => {
    const { url } = await open({
      authenticate() {
        throw new Error("not you </script>");
      },
    });
    expect((await send(url, `${hello()}\ntjsonp,${claim}`)).status).toBe(204);
    expect(framesOf(await get(url, `q${claim},0`))).toEqual(["c4401,not you </script>"]);
    expect(framesOf(await get(url, `q${claim},0`))).toEqual([expect.stringMatching(/^c4410,/)]);
  });

  test("who asks while authenticate thinks is answered when it has thought", async () => {
    let decide = (): void => {};
    const verdict = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const { url } = await open({ authenticate: () => verdict });
    await send(url, `${hello()}\ntjsonp,${claim}`);
    const answer = get(url, `q${claim},0`);
    decide();
    expect(framesOf(await answer)[0]).toMatch(/^w/);
  });

  test("an answer that nobody asks for is forgotten (options: connectTimeout, maxTotalBufferedBytes)", async () => {
    const { rig, url } = await open({ connectTimeout: 2_000, maxTotalBufferedBytes: 60_000 });
    const claims = Array.from({ length: 12 }, (_, count) => `${claim}-${count}`);
    const answers = await Promise.all(claims.map((each) => send(url, `${hello()}\ntjsonp,${each}`)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204, 507]));
    await vi.waitFor(() => expect(rig.io.stats()).toMatchObject({ sessions: 0, bufferedBytes: 0 }));
    expect(framesOf(await get(url, `q${claim}-0,0`))).toEqual([expect.stringMatching(/^c4410,/)]);
  });

  test.each([
    ["no claim", "tjsonp", 400],
    ["a short claim", "tjsonp,short", 400],
    ["a long claim", `tjsonp,${"x".repeat(129)}`, 400],
    ["a claim of other characters", `tjsonp,${claim}"`, 400],
    ["another technique", "tjsonpx", 406],
  ])("a hello with %s", async (_, name, status) => {
    const { url } = await open();
    expect(await send(url, `${hello()}\n${name}`)).toMatchObject({ status });
  });

  test("a hello that is repeated begins nothing, and takes nothing away", async () => {
    const { rig, url } = await open();
    const body = `${hello()}\ntjsonp,${claim}`;
    await send(url, body);
    await send(url, body);
    expect(rig.io.stats().sessions).toBe(1);
    expect(framesOf(await get(url, `q${claim},0`))[0]).toMatch(/^w/);
  });

  test("is off until the server's option names it (option: transports)", async () => {
    const { url } = await open({ transports: undefined });
    for (const name of [`tjsonp,${claim}`, "tiframe"])
      expect(await send(url, `${hello()}\n${name}`)).toMatchObject({
        status: 406,
        body: "c4406,the transport is not one of those the server offers",
      });
    const answer = await get(url, "qK,1");
    expect(answer).toMatchObject({ status: 406, body: expect.stringMatching(/^c4406,/) });
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
  });

  test("no script polls a link that is not made for it, and takes nothing from it", async () => {
    const { url } = await open();
    const { body } = await send(url, hello());
    const { key } = JSON.parse(body.split("\n")[0]?.slice(1) ?? "");
    expect(framesOf(await get(url, `q${key},1\na0,100,100000`))).toEqual([expect.stringMatching(/^c4400,/)]);
    const stream = await send(url, `${hello()}\ntsse`);
    const { key: other } = JSON.parse(stream.body.slice(1));
    expect(framesOf(await get(url, `q${other},1\na0,100,100000`))).toEqual([
      expect.stringMatching(/^c4400,/),
    ]);
  });

  test("a stolen key of a POST's link is not a script's, and a hello or batch never a GET's", async () => {
    const { url } = await open();
    const key = await attach(url);
    for (const body of [hello(), `k${key},1\nn1\nm2["x"]`]) expect((await get(url, body)).status).toBe(405);
  });
});

describe("iframe", () => {
  async function start(headers: Record<string, string>): Promise<Answer> {
    const { url } = await open({ maxStreamBytes: 1, origins: ["https://app.example"] });
    const welcome = await send(url, `${hello()}\ntiframe`, headers);
    const { key } = JSON.parse(welcome.body.slice(1));
    return get(url, `s${key},1`, { Referer: `${headers.Origin ?? new URL(url).origin}/page` });
  }

  test("is a page for the origin of the hello, that loads nothing and runs nothing else", async () => {
    const { headers, body, status } = await start({ Origin: "https://app.example" });
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store, no-transform",
      "referrer-policy": "no-referrer",
    });
    const policy = String(headers["content-security-policy"]);
    const nonce = /'nonce-([\w-]+)'/.exec(policy)?.[1];
    expect(policy).toBe(
      `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; ` +
        "frame-ancestors 'self' https://app.example",
    );
    expect(body).toContain('parent.postMessage(text,"https://app.example")');
    for (const [script] of body.matchAll(/<script[^>]*>/g)) expect(script).toBe(`<script nonce="${nonce}">`);
    // the last block says that it is the last
    expect(body).toMatch(/>b\(""\)<\/script>$/);
  });

  test("of a hello without Origin is for pages of the server alone", async () => {
    const { headers, body } = await start({});
    expect(headers["content-security-policy"]).toMatch(/frame-ancestors 'self'$/);
    expect(body).toContain('parent.postMessage(text,"/")');
  });
});
