/** Bytes as the parser of `ws`, an independent implementation, reads them. */
import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { hex } from "./harness.ts";

interface WsReceiver extends Writable {
  on(event: string, listener: (...args: never[]) => void): this;
}

const { Receiver } = createRequire(import.meta.url)("ws") as {
  Receiver: new (options: { isServer: boolean; maxPayload: number }) => WsReceiver;
};

export type Line = readonly (string | number)[];

/** The events, as `parse` of ours gives them; a fault has its close code. */
export async function parseWithWs(
  bytes: Uint8Array,
  maxPayload: number,
  role: Role = "server",
): Promise<Line[]> {
  const lines: Line[] = [];
  const receiver = new Receiver({ isServer: role === "server", maxPayload });
  receiver.on("message", (data: Buffer, isBinary: boolean) =>
    lines.push(isBinary ? ["binary", hex(data)] : ["text", data.toString()]),
  );
  receiver.on("ping", (data: Buffer) => lines.push(["ping", hex(data)]));
  receiver.on("pong", (data: Buffer) => lines.push(["pong", hex(data)]));
  receiver.on("conclude", (code: number, reason: Buffer) =>
    lines.push(["peerClose", code, reason.toString()]),
  );
  receiver.on("error", (error: Error) => {
    const status = Object.getOwnPropertySymbols(error).find((symbol) => symbol.description === "status-code");
    lines.push(["fault", (error as unknown as Record<symbol, number>)[status as symbol] ?? 0]);
  });
  await new Promise<void>((resolve) => receiver.write(Buffer.from(bytes), () => resolve()));
  return lines;
}
