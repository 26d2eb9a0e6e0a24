/** The receive buffer that all sockets share: where Node lets us have it, and that no byte is lost on the way to it. */
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import { describe, expect, test } from "vitest";
import { readShared } from "../../src/transport/node/shared-read.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";

const techniques = [
  {
    name: "plain",
    createServer: () => createHttpServer(),
    open: (port: number): Socket => connect(port, "127.0.0.1"),
  },
  {
    name: "TLS",
    createServer: () => createHttpsServer({ cert: certificate, key: privateKey }),
    open: (port: number): Socket => connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }),
  },
];
const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

describe.each(techniques)("$name", ({ createServer, open }) => {
  test("what comes before, after and last arrives, in order, in one buffer for all", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = open((server.address() as AddressInfo).port);
    client.write(request);
    const [, socket] = (await once(server, "upgrade")) as [unknown, Duplex];
    client.write("early ");
    // the socket's own stream has it before anybody reads
    while (socket.readableLength === 0) await once(socket, "readable");

    let heard = "";
    let expected = "early ";
    const buffers = new Set<ArrayBufferLike>();
    const hear = (bytes: Uint8Array): void => {
      heard += Buffer.from(bytes).toString();
      socket.emit("heard");
    };
    const isShared = readShared(socket as Socket, (bytes) => {
      buffers.add(bytes.buffer);
      hear(bytes);
    });
    expect(isShared).toBe(true);
    socket.removeAllListeners("readable").on("data", hear);
    for (const text of ["one ", "two ", "x".repeat(200_000)]) {
      client.write(text);
      expected += text;
      while (heard.length < expected.length) await once(socket, "heard");
    }
    expect(heard).toBe(expected);
    expect(buffers.size).toBe(1);
    const ended = once(socket, "end");
    client.end();
    await ended;
    socket.destroy();
    server.close();
  });
});
