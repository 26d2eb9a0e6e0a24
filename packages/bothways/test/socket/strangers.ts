/** Requests as anyone may make them, by hand. */
import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { WebSocket } from "ws";

export const helloFields = {
  version: 1,
  attempt: "an-attempt-of-a-stranger",
  generation: 1,
  received: 0,
  credit: [100, 100_000],
  join: [["/"]] as unknown,
};

let count = 0;

/** A hello frame of an attempt of its own; `changes` may break it. */
export function hello(changes: object = {}): string {
  return `h${JSON.stringify({ ...helloFields, attempt: `attempt-${++count}`.padEnd(22, "-"), ...changes })}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export async function send(
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  method = "POST",
): Promise<Answer> {
  const outgoing = request(url, { method, headers, agent: false });
  outgoing.end(body);
  const [response] = await once(outgoing, "response");
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

export interface Upgraded {
  /** 101, or that of the refusal. */
  readonly status: number;
  readonly body: string;
  readonly socket: WebSocket;
  /** Resolves when it was closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Every message so far. */
  readonly messages: string[];
}

/** Upgrades with these subprotocols; `headers` may claim anything. */
export async function upgrade(
  url: string,
  protocols: readonly string[],
  headers: Record<string, string> = {},
): Promise<Upgraded> {
  const socket = new WebSocket(url.replace("http", "ws"), [...protocols], { headers });
  const messages: string[] = [];
  socket.on("message", (data) => messages.push(String(data)));
  socket.on("error", () => {});
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  return new Promise((resolve) => {
    socket.on("open", () => resolve({ status: 101, body: "", socket, closed, messages }));
    socket.on("unexpected-response", async (_request, response) => {
      resolve({ status: response.statusCode ?? 0, body: await text(response), socket, closed, messages });
      socket.terminate();
    });
  });
}

/** The subprotocols that carry a hello. */
export function protocols(frame: string): string[] {
  return ["bothways.1", Buffer.from(frame).toString("base64url")];
}

/** Sends these bytes over a connection of its own, and gives what comes back until the server ends it. */
export async function rawAnswer(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.write(bytes);
  return text(socket);
}

/** Sends these bytes. Returns what makes it vanish. */
export function visit(port: number, bytes: string): (how: "reset" | "end") => void {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(bytes);
  return (how) => void (how === "reset" ? socket.resetAndDestroy() : socket.destroy());
}
