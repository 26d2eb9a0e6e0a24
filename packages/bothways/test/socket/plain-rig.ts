/**
 * A server that speaks with plain clients, and such clients. When a test is over everything has left, and the server must
 * be as empty as it was.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, vi } from "vitest";
import { Server, type ServerOptions } from "../../src/server/index.ts";
import { type ReadEvent, readEventStream } from "../wire/eventstream/reader.ts";

export interface Place {
  readonly io: Server;
  readonly port: number;
  /** Ends with the server's path. */
  readonly url: string;
  readonly errors: unknown[];
}

export async function serve(options: ServerOptions = {}): Promise<Place> {
  const errors: unknown[] = [];
  const httpServer = createServer((_request, response) => response.writeHead(418).end());
  const io = new Server(httpServer, {
    dialects: ["plain"],
    onError: (error) => errors.push(error),
    ...options,
  });
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  onTestFinished(async () => {
    await io.close();
    const nothing = { sessions: 0, connections: 0, openRequests: 0, bufferedBytes: 0 };
    await vi.waitFor(() => expect(io.stats()).toMatchObject(nothing));
  });
  const { port } = httpServer.address() as AddressInfo;
  return { io, port, url: `http://127.0.0.1:${port}/bothways/`, errors };
}

/** Hands out what comes in order, to whoever waits for it. */
class Arrivals<Item> {
  readonly all: Item[] = [];
  #taken = 0;
  #wake: () => void = () => {};

  push(item: Item): void {
    this.all.push(item);
    this.#wake();
  }

  async next(): Promise<Item> {
    while (this.#taken >= this.all.length) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.all[this.#taken++] as Item;
  }
}

export interface Stream {
  readonly status: number;
  readonly headers: Headers;
  /** All of it so far. */
  readonly text: () => string;
  next(): Promise<ReadEvent>;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  leave(): void;
}

/** Subscribes by `fetch`, and reads as the standard says. */
export async function subscribe(url: string, headers: Record<string, string> = {}): Promise<Stream> {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(url, { headers, signal: abort.signal });
  const events = new Arrivals<ReadEvent>();
  let text = "";
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const { events: known } = readEventStream(text);
      for (const event of known.slice(events.all.length)) events.push(event);
    }
  };
  const ended = read().catch(() => {});
  return {
    status: response.status,
    headers: response.headers,
    text: () => text,
    next: () => events.next(),
    ended,
    leave: () => abort.abort(),
  };
}

/** What a message of the server may hold. */
export interface PlainMessage {
  readonly event?: string;
  readonly args?: unknown[];
  readonly id?: number;
  readonly ack?: unknown[];
  readonly error?: { readonly message: string; readonly data?: unknown };
  readonly position?: string;
}

export interface PlainClient {
  readonly socket: WebSocket;
  next(): Promise<PlainMessage>;
  /** As JSON, unless it is a text. */
  say(message: object | string): void;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Node's own WebSocket, on which nothing of ours runs. */
export async function connect(url: string): Promise<PlainClient> {
  const socket = new WebSocket(url.replace("http", "ws"));
  onTestFinished(() => socket.close());
  const messages = new Arrivals<PlainMessage>();
  socket.addEventListener("message", ({ data }) => messages.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason })),
  );
  await once(socket, "open");
  const say = (message: object | string): void =>
    socket.send(typeof message === "string" ? message : JSON.stringify(message));
  return { socket, next: () => messages.next(), say, closed };
}
