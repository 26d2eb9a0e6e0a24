/**
 * Faults of our own code, planted one at a time under a real server: each ends the link it struck, with a code, and
 * nobody else notices. An exception that reached the process would fail the run.
 */
import { once } from "node:events";
import { type IncomingMessage, request, ServerResponse } from "node:http";
import { expect, onTestFinished, test, vi } from "vitest";
import { io as connect } from "../../src/client/index.node.ts";
import { Hub } from "../../src/hub/hub.ts";
import { DrivenPeer } from "../../src/server/driven-peer.ts";
import { Server, type ServerOptions } from "../../src/server/index.ts";
import { ServerSession } from "../../src/session/server-session.ts";
import { PollingLink } from "../../src/transport/node/long-polling.ts";
import { FrameOutput } from "../../src/wire/websocket/output.ts";
import { FrameParser } from "../../src/wire/websocket/parser.ts";
import { type Client, untilConnected } from "../suites/rig.ts";
import { hello, protocols, send, upgrade } from "./strangers.ts";

const planted = new Error("a fault of our own");

interface Scene {
  readonly io: Server;
  readonly url: string;
  readonly errors: unknown[];
}

async function open(options: ServerOptions = {}): Promise<Scene> {
  const errors: unknown[] = [];
  const io = new Server({
    onError: (error) => errors.push(error),
    // nothing is due to the bystander, who would be struck in a victim's stead
    pingInterval: 600_000,
    ...options,
    dialects: ["plain"],
    // an event of which the kernel takes only a part
    maxBufferedBytes: 100_000_000,
  });
  io.on("connection", (socket) => socket.on("echo", (value) => value));
  const { httpServer } = io.listen(0, "127.0.0.1");
  await vi.waitFor(() => expect(httpServer?.listening).toBe(true));
  const address = httpServer?.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/bothways/`;
  // by hand: it has acknowledged what it heard, and says nothing that is to be acknowledged
  const bystander = await upgrade(url, protocols(hello()));
  bystander.socket.send("a1,100,100000");
  await vi.waitFor(() => expect(io.stats().connections).toBe(1));
  onTestFinished(async () => {
    vi.restoreAllMocks();
    for (const frame of ["n1", 'm21["echo","unharmed"]']) bystander.socket.send(frame);
    await vi.waitFor(() => expect(bystander.messages).toContain('m31["unharmed"]'));
    bystander.socket.terminate();
    await vi.waitFor(() => expect(io.stats().openRequests).toBe(0));
    await io.close();
    expect(io.stats().sessions).toBe(0);
  });
  return { io, url, errors };
}

/** The next call of `method` throws. */
function plant<Method extends string>(prototype: Record<Method, unknown>, method: Method): void {
  vi.spyOn(prototype as Record<string, () => unknown>, method).mockImplementationOnce(() => {
    throw planted;
  });
}

async function welcomed(url: string): Promise<{ key: string; sid: string }> {
  return JSON.parse((await send(url, hello())).body.split("\n")[0]?.slice(1) ?? "");
}

test.each<[string, () => void]>([
  ["the parser", () => plant(FrameParser.prototype, "feed")],
  ["the session", () => plant(ServerSession.prototype, "handle")],
  ["the drain of the session", () => plant(ServerSession.prototype, "take")],
  ["the hub", () => plant(Hub.prototype, "receive")],
  ["the output", () => plant(FrameOutput.prototype, "flushOf")],
])("a WebSocket: %s throws", async (_where, fault) => {
  const { url, errors } = await open();
  const victim = await upgrade(url, protocols(hello()));
  for (const frame of ["n1", 'm21["echo",1]']) victim.socket.send(frame);
  await vi.waitFor(() => expect(victim.messages).toContain("m31[1]"));
  fault();
  victim.socket.send('m2["echo",1]');
  expect(await victim.closed).toMatchObject({ code: 4500 });
  expect(errors).toEqual([planted]);
});

test.each<[string, () => void]>([
  ["the hub", () => plant(Hub.prototype, "join")],
  ["the session", () => plant(ServerSession.prototype, "accept")],
])("a WebSocket's hello: %s throws", async (_where, fault) => {
  const { url, errors } = await open();
  fault();
  const victim = await upgrade(url, protocols(hello()));
  expect(await victim.closed).toMatchObject({ code: 4500 });
  expect(errors).toEqual([planted]);
});

test.each<[string, () => void]>([
  ["the hub", () => plant(Hub.prototype, "join")],
  ["the session", () => plant(ServerSession.prototype, "accept")],
  ["the link", () => plant(PollingLink.prototype, "open")],
])("an HTTP hello: %s throws", async (_where, fault) => {
  const { url, errors } = await open();
  fault();
  const answer = await send(url, hello());
  expect(answer.body).toMatch(/^c4500,/m);
  expect(errors).toEqual([planted]);
});

test.each<[string, "q" | "k", () => void]>([
  ["a poll", "q", () => plant(PollingLink.prototype, "poll")],
  ["a batch", "k", () => plant(PollingLink.prototype, "batch")],
  ["the session, in a batch", "k", () => plant(ServerSession.prototype, "handle")],
  ["the hub, in a batch", "k", () => plant(Hub.prototype, "receive")],
  ["the session, in a poll", "q", () => plant(ServerSession.prototype, "handle")],
])("an HTTP exchange: %s throws, and a held poll is answered too", async (_where, kind, fault) => {
  const { io, url, errors } = await open();
  const { key } = await welcomed(url);
  const held = send(url, `q${key},1\na1,100,100000`);
  await vi.waitFor(() => expect(io.stats()).toMatchObject({ connections: 2, openRequests: 1 }));
  fault();
  const answer = await send(url, `${kind}${key},2\nn1\nm2["echo",1]`);
  expect(answer.body).toMatch(/^c4500,/);
  expect((await held).body).toMatch(/^c4500,/);
  expect((await send(url, `q${key},3`)).body).toMatch(/^c4500,/);
  expect(errors).toEqual([planted]);
});

test("a held poll whose client goes away: the session throws, and the link ends", async () => {
  const { io, url, errors } = await open();
  const { key } = await welcomed(url);
  const held = request(url, { method: "POST", agent: false });
  held.on("error", () => {});
  held.end(`q${key},1\na1,100,100000`);
  await vi.waitFor(() => expect(io.stats()).toMatchObject({ connections: 2, openRequests: 1 }));
  plant(ServerSession.prototype, "handle");
  held.destroy();
  await vi.waitFor(() => expect(errors).toEqual([planted]));
  expect((await send(url, `q${key},2`)).body).toMatch(/^c4500,/);
});

test("an event stream that is not read: the account throws when the turn is done, and the stream ends", async () => {
  const { io, url, errors } = await open();
  const subscriber = request(`${url}events`, { agent: false }).end();
  const [response] = (await once(subscriber, "response")) as [IncomingMessage];
  response.on("error", () => {});
  const gone = once(response, "close");
  await vi.waitFor(() => expect(io.stats().connections).toBe(2));
  const { settle } = DrivenPeer.prototype;
  vi.spyOn(DrivenPeer.prototype, "settle").mockImplementation(function (this: DrivenPeer) {
    // of plain clients: what waits in the stream
    if (this.extraBytes === 0 || errors.length > 0) return settle.call(this);
    throw planted;
  });
  io.emit("much", "x".repeat(20_000_000));
  await vi.waitFor(() => expect(errors).toEqual([planted]));
  response.resume();
  await gone;
});

test("an answer that cannot be written cuts its client off, and no request stays open", async () => {
  const { io, url, errors } = await open();
  plant(ServerResponse.prototype as unknown as Record<"writeHead", unknown>, "writeHead");
  await expect(send(url, "what?")).rejects.toThrow("socket hang up");
  await vi.waitFor(() => expect(io.stats().openRequests).toBe(0));
  expect(errors).toEqual([planted]);
});

test("a fault in a deadline ends that session alone", async () => {
  const { url, errors } = await open({ connectTimeout: 1_000 });
  // the next deadline is the victim's, which never shows that it was welcomed
  plant(ServerSession.prototype as unknown as Record<"tick", unknown>, "tick");
  const victim = await upgrade(url, protocols(hello()));
  expect(await victim.closed).toMatchObject({ code: 4500 });
  expect(errors).toEqual([planted]);
});

test("an onError that throws is no worse than one that does not", async () => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const io = new Server({
    onError() {
      throw new Error("onError itself");
    },
  });
  io.on("connection", () => {
    throw new Error("a handler");
  });
  const { httpServer } = io.listen(0, "127.0.0.1");
  await vi.waitFor(() => expect(httpServer?.listening).toBe(true));
  const address = httpServer?.address();
  const client = connect(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, {
    forceNew: true,
  }) as unknown as Client;
  await untilConnected(client);
  await vi.waitFor(() => expect(written).toHaveBeenCalledWith(expect.stringContaining("onError itself")));
  client.disconnect();
  await io.close();
});
