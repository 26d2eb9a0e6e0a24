/** Advisories about what text is put into: scripts, pages, event streams, parts. The rule of each is in README.md. */
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { EventStreamParser } from "../../src/wire/eventstream/parser.ts";
import { createMultipartReader } from "../../src/wire/multipart/parser.ts";
import { decodeBody } from "../../src/wire/native/body.ts";
import { type Answer, hello, send } from "../socket/strangers.ts";
import { open, type Place } from "./place.ts";

const transports = ["websocket", "long-polling", "sse", "multipart", "iframe", "jsonp"] as const;
const claim = "claim-of-128-random-bits";

/** Names and payloads of events that try to get out of what holds them. */
const hostile = [
  "</script><script>alert(1)</script>",
  "<!--<script>",
  "--></script>",
  "]]><img src=x onerror=alert(1)>",
  '");alert(1)//',
  "');alert(1)//",
  '\\");alert(1)//',
  "\u2028alert(1)\u2029",
  "\0",
  "a\0b\r\n\r\nevent: forged\r\ndata: m2[1]\r\n\r\n",
  "id: 7\ndata: m2[1]\n\n",
  "\rretry: 1\rdata:x\r\r",
  "\r\n--bothways\r\nContent-Length: 2\r\n\r\nm2\r\n--bothways--\r\n",
  "n99\nm2[1]",
  "c4000,bye",
  "\ufeff한글 😀 \ud800",
  "CWS\u0007\u000e000x\u009c=\u008d1n\u0083",
];

function get(url: string, body: string, headers: Record<string, string> = {}, more = ""): Promise<Answer> {
  return send(`${url}?bothways=${encodeURIComponent(body)}${more}`, "", headers, "GET");
}

/** What the callback `bothways_1`, or a page's parent, is told by a script. */
function run(script: string): string {
  let text = "";
  const tell = (given: string): void => {
    text += `${given}\n`;
  };
  runInNewContext(script, {
    bothways_1: tell,
    parent: { postMessage: tell },
    document: { currentScript: { remove() {} } },
  });
  return text;
}

/** A link whose server said all that is hostile as soon as it was open, and its key. Streams end when they have brought it. */
async function attach(name: string): Promise<{ place: Place; key: string }> {
  const place = await open({ transports, maxStreamBytes: 1 });
  place.io.on("connection", (socket) => {
    for (const text of hostile) socket.emit(text, text);
  });
  const isJsonp = name === "jsonp";
  const posted = await send(place.url, `${hello()}\nt${name}${isJsonp ? `,${claim}` : ""}`);
  const asked = isJsonp && (await get(place.url, `q${claim},0`, {}, "&callback=bothways_1"));
  const [welcome = ""] = (asked ? run(asked.body) : posted.body).split("\n");
  const { key } = JSON.parse(welcome.slice(1));
  await send(place.url, `k${key},1\na0,1000,1000000`);
  return { place, key };
}

const readers: Record<string, (answer: Answer) => string[]> = {
  jsonp: ({ body }) => run(body).split("\n"),
  iframe: ({ body }) => {
    // as HTML reads it: a script ends at the first thing that looks like its end, and nothing else is markup
    const scripts = [...body.matchAll(/<script nonce="[\w-]+">(.*?)<\/script/gs)].map(([, source]) => source);
    expect(body.match(/</g)).toHaveLength(4 + 2 * scripts.length);
    return run(scripts.join(";")).split("\n");
  },
  sse: ({ body }) => {
    const events = new EventStreamParser(1e6).push(new TextEncoder().encode(body)) ?? [];
    expect(events.every(({ type, lastEventId }) => type === "message" && lastEventId === "")).toBe(true);
    return events.map(({ data }) => data);
  },
  multipart: ({ body }) => {
    const read = createMultipartReader(1e6, decodeBody);
    return read(new TextEncoder().encode(body)).flat().map(String);
  },
};

describe("CVE-2026-33128, GHSA-p6xx-57qc-3wxr, CVE-2014-4671: no name and no payload gets out of", () => {
  test.each(Object.keys(readers))("%s", async (name) => {
    const { place, key } = await attach(name);
    const answer = await get(
      place.url,
      name === "jsonp" ? `q${key},1\na0,1000,1000000` : `s${key},1`,
      {},
      "&callback=bothways_1",
    );
    const frames = readers[name]?.(answer) ?? [];
    const events = frames.filter((frame) => /^m2/.test(frame)).map((frame) => JSON.parse(frame.slice(2)));
    expect(events).toEqual(hostile.map((text) => [text, text]));
    expect(frames.filter((frame) => !/^(a|k|n1$|m0|m2|$)/.test(frame))).toEqual([]);
    if (name === "jsonp" || name === "iframe") expect(answer.body).not.toMatch(/[\r\n\0\u2028\u2029]/);
  });
});

describe("CVE-2014-4671 (Rosetta Flash), and JSONP in general", () => {
  test.each([
    "",
    "alert",
    "bothways_",
    "bothways_1.call",
    "bothways_1%3Balert(1)",
    "bothways_1%0D%0AX:%20y",
    "bothways_1%00",
    "bothways_1%E2%80%A8",
    "%3Cscript%3E",
    "opener.document.body.firstElementChild.click",
    `bothways_${"a".repeat(49)}`,
    "CWSMIKI0hCD0Up0IZUnnnnnnnnnnnnnnnnnnnUU5nnnnnn3Snn7iiudIbEAt333swW0ssG03",
  ])("the callback %j is refused, and not said back", async (callback) => {
    const { url } = await open({ transports });
    const answer = await get(url, "qK,1", {}, `&callback=${callback}`);
    expect(answer).toMatchObject({ status: 400, body: "c4400,the request is not one of this protocol" });
    expect(answer.headers).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
    });
  });

  test("the first bytes are ours, and the answer is a script, or a file to whoever opens it", async () => {
    const { url } = await open({ transports });
    const answer = await get(url, "qK,1", {}, "&callback=bothways_1");
    expect(answer.body).toMatch(/^\/\*\*\/typeof bothways_1==="function"&&bothways_1\("/);
    expect(answer.headers).toMatchObject({
      "content-type": "text/javascript; charset=utf-8",
      "x-content-type-options": "nosniff",
      "content-disposition": 'attachment; filename="f.txt"',
    });
  });

  test("nothing is given to a script that has no key: a hello in a URL is refused", async () => {
    const { url } = await open({ transports });
    for (const body of [hello(), `${hello()}\ntjsonp,${claim}`])
      expect((await get(url, body, {}, "&callback=bothways_1")).status).toBe(405);
  });
});

describe("cross-site requests: every technique that GETs judges the page as the others do", () => {
  const own = "http://127.0.0.1:PORT";
  const matrix: readonly (readonly [headers: Record<string, string>, isAllowed: boolean])[] = [
    [{ Origin: own }, true],
    [{ Origin: "HTTP://127.0.0.1:PORT" }, true],
    [{ Origin: "https://evil.example" }, false],
    [{ Origin: "null" }, false],
    [{ Origin: "http://127.0.0.1:1" }, false],
    [{ Origin: "http://127.0.0.1.evil.example:PORT" }, false],
    [{ Cookie: "id=1" }, false],
    [{ Cookie: "id=1", "Sec-Fetch-Site": "same-origin" }, true],
    [{ Cookie: "id=1", Referer: `${own}/page` }, true],
    [{ "Sec-Fetch-Site": "cross-site" }, false],
    [{ "Sec-Fetch-Site": "same-site" }, false],
    [{ "Sec-Fetch-Site": "cross-site", Referer: "https://evil.example/" }, false],
    [{ "Sec-Fetch-Site": "cross-site", Referer: `https://evil.example/?${own}` }, false],
    [{ "Sec-Fetch-Site": "cross-site", Referer: "https://app.example/page" }, true],
  ];

  test.each(["sse", "iframe", "jsonp"])("%s", async (name) => {
    const { url, port } = await open({ transports, origins: ["https://app.example"] });
    const body = name === "jsonp" ? "qK,1" : "sK,1";
    for (const [template, isAllowed] of matrix) {
      const headers = JSON.parse(JSON.stringify(template).replaceAll("PORT", String(port)));
      const answer = await get(url, body, headers, "&callback=bothways_1");
      expect([template, answer.body.includes("4403")]).toEqual([template, !isAllowed]);
      // refused or not, it may not be kept, or be given to another page
      expect(answer.headers).toMatchObject({ "cache-control": "no-store", vary: "Origin" });
      if (!isAllowed) expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    }
  });

  test("a hello whose answer nobody reads names its Origin, or begins nothing", async () => {
    const { io, url } = await open({ transports });
    const body = `${hello()}\ntjsonp,${claim}`;
    const forged: readonly Record<string, string>[] = [
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { "Sec-Fetch-Site": "cross-site", Referer: url },
    ];
    for (const headers of forged) {
      expect((await send(url, body, headers)).status).toBe(403);
      const answer = await get(url, `q${claim},0`, {}, "&callback=bothways_1");
      expect(run(answer.body)).toMatch(/^c4410,/);
    }
    expect(io.stats().sessions).toBe(0);
  });
});

test("clickjacking, hidden frames: only the page that began the link may frame its document", async () => {
  const { url } = await open({ transports, maxStreamBytes: 1, origins: "*" });
  const headers = { Origin: "https://app.example" };
  const { body } = await send(url, `${hello()}\ntiframe`, headers);
  const { key } = JSON.parse(body.slice(1));
  const page = await get(url, `s${key},1`, { Referer: "https://evil.example/" });
  expect(page.headers["content-security-policy"]).toMatch(
    /^default-src 'none'; .*; frame-ancestors 'self' https:\/\/app\.example$/,
  );
  expect(page.body).toContain('parent.postMessage(text,"https://app.example")');
});
