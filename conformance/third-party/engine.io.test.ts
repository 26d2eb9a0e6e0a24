/** engine.io with `wsEngine`, and engine.io-client, which imports `ws` by itself. */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { attach, type Server, type Socket as ServerSocket } from "engine.io";
import type { Socket } from "engine.io-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Engine, engines, portOf } from "../engines.ts";
import { inPlace } from "./in-place-of-ws.ts";

const client = (await import(import.meta.resolve("engine.io-client"))) as typeof import("engine.io-client");

async function start(
  engine: Engine,
  options: object = {},
): Promise<{ server: Server; http: HttpServer; url: string }> {
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const server = attach(http, { wsEngine: engines[engine].WebSocketServer, ...options });
  onTestFinished(() => {
    server.close();
    http.close();
    http.closeAllConnections();
  });
  return { server, http, url: `ws://127.0.0.1:${portOf(http)}` };
}

function connect(url: string, options: object = { transports: ["websocket"] }): Socket {
  const socket = new client.Socket(url, options);
  onTestFinished(() => void socket.close());
  return socket;
}

function next(socket: Socket, event: "open" | "upgrade" | "close"): Promise<unknown> {
  return new Promise((resolve) => socket.once(event as "close", resolve));
}

describe.each(["bothways", "ws"] as const)(
  "engine.io with wsEngine of %s, engine.io-client on ours",
  (engine) => {
    test("it is ours that the client connects with", async () => {
      const { url } = await start(engine);
      const socket = connect(url);
      await next(socket, "open");
      expect((socket.transport as unknown as { ws: unknown }).ws).toBeInstanceOf(inPlace.WebSocket);
    });

    test("texts and bytes come back, in order", async () => {
      const { server, url } = await start(engine);
      server.on("connection", (socket: ServerSocket) => socket.on("message", (data) => socket.send(data)));
      const socket = connect(url);
      socket.binaryType = "nodebuffer" as never;
      await next(socket, "open");
      const sent = Array.from({ length: 300 }, (_, i) =>
        i % 3 === 0 ? Buffer.from([i & 255, 0, 255]) : `ü${i}`,
      );
      const found: unknown[] = [];
      const all = new Promise<void>((resolve) =>
        socket.on("message", (data) => {
          found.push(data);
          if (found.length === sent.length) resolve();
        }),
      );
      for (const one of sent) socket.send(one);
      await all;
      expect(found).toEqual(sent);
    });

    test("long polling is upgraded to it, and nothing is lost on the way", async () => {
      const { server, url } = await start(engine);
      const counted: number[] = [];
      const all = new Promise<void>((resolve) =>
        server.on("connection", (socket: ServerSocket) =>
          socket.on("message", (data) => {
            counted.push(Number(data));
            if (counted.length === 200) resolve();
          }),
        ),
      );
      const socket = connect(url, { transports: ["polling", "websocket"] });
      await next(socket, "open");
      for (let i = 0; i < 100; i++) socket.send(`${i}`);
      await next(socket, "upgrade");
      for (let i = 100; i < 200; i++) socket.send(`${i}`);
      await all;
      expect(counted).toEqual(Array.from({ length: 200 }, (_, i) => i));
      expect(socket.transport.name).toBe("websocket");
    });

    test("large messages are compressed, as its client asks for by default", async () => {
      const { server, url } = await start(engine, { perMessageDeflate: { threshold: 100 } });
      server.on("connection", (socket: ServerSocket) => socket.on("message", (data) => socket.send(data)));
      const socket = connect(url);
      await next(socket, "open");
      const { ws } = socket.transport as unknown as { ws: InstanceType<typeof inPlace.WebSocket> };
      expect(ws.extensions).toMatch(/^permessage-deflate/);
      const text = "compress me ".repeat(10_000);
      const answer = new Promise((resolve) => socket.on("message", resolve));
      socket.send(text);
      expect(await answer).toBe(text);
      expect((ws._socket as { bytesRead?: number }).bytesRead).toBeLessThan(5_000);
    });

    test("pings keep it open", async () => {
      const { url } = await start(engine, { pingInterval: 10, pingTimeout: 5_000 });
      const socket = connect(url);
      let beats = 0;
      await new Promise<void>((resolve) => socket.on("heartbeat", () => ++beats === 5 && resolve()));
      expect(socket.readyState).toBe("open");
    });

    test("more than maxHttpBufferSize ends it", async () => {
      const { server, url } = await start(engine, { maxHttpBufferSize: 1_000 });
      const ended = new Promise((resolve) =>
        server.on("connection", (socket: ServerSocket) => socket.on("close", (reason) => resolve(reason))),
      );
      const socket = connect(url);
      await next(socket, "open");
      const over = next(socket, "close");
      socket.send("x".repeat(1_001));
      expect([await ended, await over]).toEqual(["transport error", "transport close"]);
    });

    test("either side closes", async () => {
      const { server, url } = await start(engine);
      const accepted = once(server, "connection") as Promise<[ServerSocket]>;
      const first = connect(url);
      const [peer] = await accepted;
      const over = next(first, "close");
      peer.close();
      expect(await over).toBe("transport close");

      const acceptedNext = once(server, "connection") as Promise<[ServerSocket]>;
      const second = connect(url);
      const [other] = await acceptedNext;
      const ended = once(other, "close");
      if (second.readyState !== "open") await next(second, "open");
      second.close();
      expect((await ended)[0]).toBe("transport close");
    });

    test("an application's headers go out with the upgrade", async () => {
      const { server, url } = await start(engine);
      server.on("headers", (headers) => {
        headers["x-served-by"] = "here";
      });
      const socket = connect(url);
      const upgraded = new Promise<string | undefined>((resolve) => {
        const { ws } = socket.transport as unknown as { ws: InstanceType<typeof inPlace.WebSocket> };
        ws.once("upgrade", (response) => resolve(response.headers["x-served-by"] as string));
      });
      expect(await upgraded).toBe("here");
    });
  },
);
