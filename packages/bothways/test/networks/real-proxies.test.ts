/** The server behind nginx and HAProxy, as they come and as the guide sets them up; clients of Node.js. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type Socket as Client, io as connect, type IoOptions } from "../../src/client/index.node.ts";
import { Server, type ServerOptions, type Socket } from "../../src/server/index.ts";
import { FaultProxy } from "../../src/testing/index.ts";
import { certificate } from "../fixtures/localhost-certificate.ts";
import { Ear, messageOf } from "./conversation.ts";
import { fronts } from "./daemon.ts";
import { until } from "./networks.ts";

const maxBufferedBytes = 67_108_864;
const messages = 1_000;

class Place {
  readonly server: Server;
  readonly url: string;
  /** Of the server, behind the proxy. */
  readonly port: number;
  readonly sockets: Socket[] = [];
  readonly up = new Ear("up");
  readonly down = new Ear("down");
  readonly #clients: Client[] = [];

  /** `url` is that of the proxy, or of the way to it. */
  private constructor(server: Server, url: string, port: number) {
    this.server = server;
    this.url = url;
    this.port = port;
    server.on("connection", (socket) => {
      this.sockets.push(socket);
      socket.on("n", (number, message) => this.up.take(number, message));
      socket.on("echo", () => true);
    });
  }

  /** `rttMs` is between the client and the proxy. */
  static async open(name: keyof typeof fronts, options: ServerOptions = {}, rttMs = 0): Promise<Place> {
    const http = createServer().listen(0, "127.0.0.1");
    await once(http, "listening");
    const server = new Server(http, { maxBufferedBytes, trustProxy: 1, ...options });
    const { port } = http.address() as AddressInfo;
    const front = await fronts[name](port);
    const { protocol, port: frontPort } = new URL(front.url);
    const way = await FaultProxy.listen({
      target: { port: Number(frontPort) },
      latencyMs: rttMs / 2,
      handshakeRtt: true,
    });
    const place = new Place(server, `${protocol}//127.0.0.1:${way.port}`, port);
    onTestFinished(async () => {
      for (const client of place.#clients) client.disconnect();
      await way.close();
      await front.close();
      await server.close();
    });
    return place;
  }

  client(options: IoOptions = {}): Client {
    const client = connect(this.url, {
      forceNew: true,
      reconnectionDelay: 50,
      maxBufferedBytes,
      tls: { ca: certificate },
      ...options,
    });
    client.on("n", (number, message) => this.down.take(number, message));
    this.#clients.push(client);
    return client;
  }

  /** So many messages each way; nothing is lost, repeated or out of order. */
  async converse(client: Client, from = 0): Promise<void> {
    await until("both sides are connected", () => client.connected && this.sockets.length > 0);
    const end = from + messages;
    for (let number = from; number < end; number++) {
      client.emit("n", number, messageOf(number));
      this.sockets[0]?.emit("n", number, messageOf(number));
      if (number % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await until("all is heard", () => this.up.heard >= end && this.down.heard >= end);
    await client.emitWithAck("echo");
    expect([this.up.heard, this.down.heard]).toEqual([end, end]);
    expect([...this.up.wrong, ...this.down.wrong]).toEqual([]);
    expect(this.sockets).toHaveLength(1);
  }
}

/**
 * On a quick machine it takes less than 1.5 s. What is asserted is that nothing was waited for but the hedge: not
 * `timeout`, and not the `hedgeDelay` of those where what fails says so.
 */
async function connectedInTime(client: Client): Promise<void> {
  const begunAt = performance.now();
  await new Promise<void>((resolve) => void client.once("connect", resolve));
  const ms = performance.now() - begunAt;
  console.log(`connected by ${client.io.transport} after ${ms.toFixed(0)} ms`);
  expect(ms).toBeLessThan(8_000);
}

const lostUpgrade = {
  transport: "websocket",
  outcome: "failed",
  verdict: "blocked",
  status: 426,
  reason: "BW_WS_UPGRADE: the Upgrade header is missing: a proxy on the way has removed it",
};

test("nginx by default, far away: connected by a stream in time, and the report says what became of the WebSocket", async () => {
  const place = await Place.open("nginx by default", {}, 50);
  const client = place.client({ hedgeDelay: 10_000 });
  await connectedInTime(client);
  await place.converse(client);
  const { summary, attempts } = client.report();
  expect(summary).toBe("A proxy removed the Upgrade header; using stream.");
  expect(attempts[0]).toMatchObject(lostUpgrade);
});

test("nginx that keeps answers back, far away: connected by long polling in time, and no stream is tried again", async () => {
  const place = await Place.open("nginx that gathers", {}, 50);
  // where the WebSocket is refused before the hedge begins, however slow the machine is
  const client = place.client({ hedgeDelay: 1_000 });
  await connectedInTime(client);
  await place.converse(client);
  const { transport, attempts, summary } = client.report();
  expect(transport).toBe("long-polling");
  expect(attempts[0]).toMatchObject(lostUpgrade);
  expect(summary).toBe(
    "A proxy removed the Upgrade header; a proxy keeps answers back until they end; using long-polling.",
  );
});

test("nginx by default: a page is refused, and told which origins were compared", async () => {
  const place = await Place.open("nginx by default");
  for (const transport of ["websocket", "long-polling"]) {
    const client = place.client({ transports: [transport], extraHeaders: { Origin: place.url } });
    const error = await new Promise<Error>((resolve) => void client.once("connect_error", resolve));
    const compared = `origin "${place.url}" is not the server's "http://127.0.0.1:${place.port}"`;
    expect(error.message).toBe(transport === "websocket" ? `BW_ORIGIN: ${compared}` : compared);
    expect(client.report().attempts[0]).toMatchObject({ verdict: "refused" });
  }
});

test.each(["nginx", "nginx with HTTP/2", "haproxy"] as const)(
  "%s as in the guide: WebSocket and long polling work",
  async (name) => {
    const place = await Place.open(name);
    const client = place.client({ extraHeaders: { Origin: place.url }, hedgeDelay: 10_000 });
    await place.converse(client);
    expect(client.io.transport).toBe("websocket");
    expect(client.report().attempts).toMatchObject([{ transport: "websocket", outcome: "open", reason: "" }]);
    const [socket] = place.sockets;
    expect(socket?.handshake).toMatchObject({ address: "127.0.0.1", secure: name === "nginx with HTTP/2" });

    client.io.switchTo("long-polling");
    await until("long polling carries the session", () => client.io.transport === "long-polling");
    await place.converse(client, messages);
    expect(client.report().attempts.at(-1)).toMatchObject({
      transport: "long-polling",
      outcome: "open",
      reason: "",
    });
  },
);

test.each(["websocket", "long-polling"])(
  "HAProxy cuts off what is silent: %s resumes, nothing is lost",
  async (transport) => {
    const place = await Place.open("haproxy in a hurry");
    const client = place.client({ transports: [transport] });
    const reasons: unknown[] = [];
    client.on("disconnect", (reason) => reasons.push(reason));
    await place.converse(client);
    const reason = transport === "websocket" ? "the connection broke" : "status 504";
    const cutOff = () => client.report().attempts.find((attempt) => attempt.reason === reason);
    // where something was just being written, the system has another word for it
    await until("HAProxy has cut it off twice, and in silence", () => reasons.length >= 2 && !!cutOff());
    expect(cutOff()).toMatchObject({
      outcome: "closed",
      verdict: "lost",
      status: transport === "websocket" ? 0 : 504,
    });
    await place.converse(client, messages);
    expect(new Set(reasons)).toEqual(new Set(["transport close"]));
  },
);
