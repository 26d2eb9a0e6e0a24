/** Ours with the WebSockets of others: their clients at our server, our client at their servers. */
import { once } from "node:events";
import { createServer } from "node:http";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { useChromium } from "../../packages/bothways/test/browser/chromium.ts";
import { engines, portOf } from "../engines.ts";
import { findBun, runBun } from "./bun.ts";
import { type EchoServer, faye, serveEcho, serveEchoByFaye } from "./echo-server.ts";
import { exercise, expected, type StandardSocket } from "./exercise.ts";

type Class = new (url: string, protocols?: string[]) => StandardSocket;

const isBunThere = findBun() !== undefined;
/** What servers are told by a client that went through the exercise. */
const told = ["4001 enough ü", "4002 enough", "1005 "];

/** The closes of all three connections; the last may come behind its client's. */
async function closesOf(server: EchoServer): Promise<readonly string[]> {
  await vi.waitFor(() => expect(server.closes).toHaveLength(3), { interval: 5 });
  // Who began a close is told what the answer says; it need not repeat the reason, and ours does not.
  return server.closes.map((one) => (one === "4001 " ? "4001 enough ü" : one));
}

/** faye-websocket takes no bytes but Buffers, and says 1000 where no code was given. */
class FayeClient extends faye.Client {
  override send(data: string | Uint8Array): void {
    super.send(typeof data === "string" ? data : Buffer.from(data));
  }
}
const expectedOfFaye = { ...expected, closedWithoutCode: { code: 1000, reason: "", wasClean: true } };
const toldByFaye = told.with(2, "1000 ");

const contextsKept = { serverNoContextTakeover: false, clientNoContextTakeover: false };
const compressions = [
  { how: "in the clear", perMessageDeflate: false },
  { how: "compressed", perMessageDeflate: true },
  { how: "compressed with what came before", perMessageDeflate: contextsKept },
] as const;

describe.each(compressions)("a server of ours, $how", ({ perMessageDeflate }) => {
  const clients: Readonly<Record<string, unknown>> = {
    bothways: class extends engines.bothways.WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { perMessageDeflate });
      }
    },
    ws: engines.ws.WebSocket,
    "Node's own": globalThis.WebSocket,
  };
  const start = (): Promise<EchoServer> => serveEcho("bothways", { perMessageDeflate });
  const isCompressed = perMessageDeflate !== false;

  test.each(Object.keys(clients))("a client of %s", async (name) => {
    const server = await start();
    expect(await exercise({ Class: clients[name] as Class, url: server.url })).toEqual(expected);
    expect(await closesOf(server)).toEqual(told);
    expect(server.compressed).toBe(isCompressed ? 3 : 0);
  });

  test("a client of faye-websocket, which does not compress", async () => {
    const server = await start();
    const report = await exercise({ Class: FayeClient as unknown as Class, url: server.url });
    // It does not know of wasClean.
    const clean = { wasClean: true };
    expect({
      ...report,
      closedByServer: { ...report.closedByServer, ...clean },
      closedByClient: { ...report.closedByClient, ...clean },
      closedWithoutCode: { ...report.closedWithoutCode, ...clean },
    }).toEqual(expectedOfFaye);
    expect(await closesOf(server)).toEqual(toldByFaye);
    expect(server.compressed).toBe(0);
  });

  test.runIf(isBunThere)("a client of Bun's", async () => {
    const server = await start();
    const { value } = await runBun("bun-client.ts", server.url).next();
    expect(JSON.parse(value)).toEqual(expected);
    expect(await closesOf(server)).toEqual(told);
    expect(server.compressed).toBe(isCompressed ? 3 : 0);
  });

  const browser = useChromium();

  test("a client of Chromium's", async () => {
    const server = await start();
    const http = createServer((_, response) => response.end("<!doctype html>")).listen(0, "127.0.0.1");
    await once(http, "listening");
    const page = await browser().newPage();
    onTestFinished(async () => {
      await page.close();
      http.close();
    });
    await page.goto(`http://127.0.0.1:${portOf(http)}/`);
    expect(await page.evaluate(exercise, { url: server.url })).toEqual(expected);
    expect(await closesOf(server)).toEqual(told);
    expect(server.compressed).toBe(isCompressed ? 3 : 0);
  });
});

describe.each(compressions)("a client of ours, $how", ({ perMessageDeflate }) => {
  class Client extends engines.bothways.WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { perMessageDeflate });
      this.once("open", () => {
        if (this.extensions.startsWith("permessage-deflate")) compressed++;
      });
    }
  }
  let compressed = 0;
  beforeEach(() => {
    compressed = 0;
  });

  const servers: Readonly<Record<string, () => Promise<EchoServer>>> = {
    ws: () => serveEcho("ws", { perMessageDeflate: true }),
    "faye-websocket": serveEchoByFaye,
    ...(isBunThere && { "Bun's": serveEchoByBun }),
  };

  describe.each(Object.keys(servers))("a server of %s", (name) => {
    const serve = servers[name] as () => Promise<EchoServer>;
    const isFaye = name === "faye-websocket";

    test("goes through the exercise", async () => {
      const server = await serve();
      const report = await exercise({ Class: Client as unknown as Class, url: server.url });
      expect(report).toEqual(isFaye ? expectedOfFaye : expected);
      expect([...(await closesOf(server))].sort()).toEqual([...(isFaye ? toldByFaye : told)].sort());
      expect(compressed).toBe(isFaye || perMessageDeflate === false ? 0 : 3);
    });

    test("sends a message in fragments, with a ping between that is answered", async () => {
      const server = await serve();
      const socket = new Client(server.url, ["two"]);
      onTestFinished(() => socket.terminate());
      await once(socket, "open");
      const [pong, message] = [once(socket, "pong"), once(socket, "message")];
      const text = Buffer.from(`ünïcode 😀 in parts ${"x".repeat(5_000)}`);
      socket.send(text.subarray(0, 1), { binary: false, fin: false });
      socket.ping("there?");
      socket.send(text.subarray(1, 12), { fin: false });
      socket.send("", { fin: false });
      socket.send(text.subarray(12));
      expect([String((await pong)[0]), String((await message)[0])]).toEqual(["there?", String(text)]);
    });
  });
});

async function serveEchoByBun(): Promise<EchoServer> {
  const lines = runBun("bun-server.ts");
  const { value: port } = await lines.next();
  const closes: string[] = [];
  void (async () => {
    for await (const line of lines) closes.push(line.replace(/^close /, ""));
  })();
  return { url: `ws://127.0.0.1:${port.replace(/^port /, "")}/`, closes, compressed: 0 };
}
