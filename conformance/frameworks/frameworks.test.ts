/** Beside Express and Fastify on one HTTP server: each answers at its own paths, and neither notices the other. */
import { once } from "node:events";
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { Server } from "bothways";
import { io as connect } from "bothways/client";
import { longPolling, multipart, shortPolling, sse, stream, webSocket } from "bothways/client/transports";
import express, { type Express } from "express";
import fastify from "fastify";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { portOf } from "../engines.ts";

function expressApp(seen: string[]): Express {
  const app = express();
  app.use((request, response, next) => {
    seen.push(request.originalUrl);
    response.set("x-middleware", "passed");
    next();
  });
  app.use(express.json());
  app.get("/hello/:name", (request, response) => void response.json({ hello: request.params.name }));
  app.post("/echo", (request, response) => void response.json(request.body));
  app.use((_request, response) => void response.status(404).send("their own 404"));
  return app;
}

async function fastifyServer(seen: string[]): Promise<HttpServer> {
  const app = fastify();
  app.addHook("onRequest", async (request, reply) => {
    seen.push(request.url);
    reply.header("x-middleware", "passed");
  });
  app.get<{ Params: { name: string } }>("/hello/:name", async ({ params }) => ({ hello: params.name }));
  app.post("/echo", async ({ body }) => body);
  app.setNotFoundHandler((_request, reply) => reply.code(404).send("their own 404"));
  await app.ready();
  return app.server;
}

const techniques = [webSocket(), stream(), sse(), multipart(), longPolling(), shortPolling({ interval: 50 })];

/** How the two come together. */
const sites: Readonly<
  Record<string, (seen: string[], serve: (http: HttpServer) => void) => Promise<HttpServer>>
> = {
  async "Express, then ours"(seen, serve) {
    const http = createServer(expressApp(seen));
    serve(http);
    return http;
  },
  async "ours, then Express"(seen, serve) {
    const http = createServer();
    serve(http);
    const app = expressApp(seen);
    http.on("request", (request: IncomingMessage, response: ServerResponse) => app(request, response));
    return http;
  },
  async Fastify(seen, serve) {
    const http = await fastifyServer(seen);
    serve(http);
    return http;
  },
};

/** With somebody else's WebSockets at `/theirs`, who destroys all others. `seen`: paths that the middleware has seen. */
async function open(name: string): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  let io: Server | undefined;
  const http = await sites[name]?.(seen, (shared) => {
    io = new Server(shared);
    io.on("connection", (socket) => socket.on("echo", (value) => value));
  });
  if (http === undefined) throw new Error(`no site "${name}"`);
  const theirs = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    if (request.url !== "/theirs") return socket.destroy();
    theirs.handleUpgrade(request, socket, head, (client) => client.send("theirs"));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  onTestFinished(() => {
    for (const client of theirs.clients) client.terminate();
    http.closeAllConnections();
    return io?.close();
  });
  return { seen, url: `http://127.0.0.1:${portOf(http)}` };
}

describe.each(Object.keys(sites))("%s", (name) => {
  test("its routes, middleware, parsers and 404 are as they were", async () => {
    const { url, seen } = await open(name);
    const hello = await fetch(`${url}/hello/Ada`);
    expect(await hello.json()).toEqual({ hello: "Ada" });
    const body = JSON.stringify({ text: "한글 😀" });
    const echo = await fetch(`${url}/echo`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(await echo.text()).toBe(body);
    const strange = ["/nowhere", "/bothwaysx/", "/bothways/none", "/a/bothways/"];
    for (const path of strange) {
      const missing = await fetch(url + path);
      expect([path, missing.status, await missing.text()]).toEqual([path, 404, "their own 404"]);
      expect(missing.headers.get("x-middleware")).toBe("passed");
    }
    expect(seen).toEqual(["/hello/Ada", "/echo", ...strange]);
  });

  test.each(techniques)(
    "our path is ours: $name carries a session, and its middleware sees nothing of it",
    async (technique) => {
      const { url, seen } = await open(name);
      const socket = connect(url, { forceNew: true, transports: [technique] });
      onTestFinished(() => void socket.disconnect());
      const value = { text: "한글 😀", bytes: Uint8Array.of(0, 1, 255) };
      expect(await socket.emitWithAck("echo", value)).toEqual(value);
      expect(socket.io.transport).toBe(technique.name);
      const client = await fetch(`${url}/bothways/client.js`);
      expect(client.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
      expect(client.headers.get("x-middleware")).toBeNull();
      expect(seen).toEqual([]);
    },
  );

  test("WebSockets at other paths go to others", async () => {
    const { url, seen } = await open(name);
    const theirs = new WebSocket(`${url.replace("http", "ws")}/theirs`);
    const [message] = await once(theirs, "message");
    expect(String(message)).toBe("theirs");
    const nobodys = new WebSocket(`${url.replace("http", "ws")}/nowhere`);
    const [error] = await once(nobodys, "error");
    expect(error.message).toBe("socket hang up");
    expect(seen).toEqual([]);
  });
});
