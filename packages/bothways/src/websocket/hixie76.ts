/**
 * Upgrades from before the RFC, where the option `hixie76` allows them: reads the bytes behind the request's head, which
 * Node's parser leaves alone, and answers the challenge.
 */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { errorTable } from "../model/errors.ts";
import { Hixie76Connection } from "../wire/websocket/hixie76.ts";
import {
  type Hixie76Accepted,
  hixie76AnswerLines,
  hixie76Challenge,
  hixie76KeyBytes,
} from "../wire/websocket/hixie76-handshake.ts";
import type { UpgradeRefused } from "../wire/websocket/server-handshake.ts";
import type { ChannelOptions } from "./options.ts";
import { refuse } from "./refusal.ts";

/** What is said where the option does not allow it. */
export const hixie76Refused: UpgradeRefused = {
  ok: false,
  code: "BW_WS_HANDSHAKE",
  status: errorTable.BW_WS_HANDSHAKE.httpStatus,
  headers: {},
  detail: "this is the handshake from before RFC 6455 (hixie-76), which the server's option hixie76 allows",
};

/** What is answered: the lines of the head but for the subprotocol, and what stands behind it. */
export interface Hixie76Answer {
  readonly lines: string[];
  /** The digest, a character a byte. */
  readonly body: string;
}

/** Waits for the last of the challenge and gives the answer to it, unless it does not come. */
export function answerHixie76(
  accepted: Hixie76Accepted,
  { url = "/", socket: { encrypted = false } }: IncomingMessage & { socket: { encrypted?: boolean } },
  { socket, head, timeout }: { readonly socket: Duplex; readonly head: Buffer; readonly timeout: number },
  answered: (answer: Hixie76Answer) => void,
): void {
  const stop = (): void => {
    clearTimeout(timer);
    socket.off("readable", read);
    socket.off("close", stop);
  };
  const read = (): void => {
    const key: Buffer | null = socket.read(hixie76KeyBytes);
    if (key === null) return;
    stop();
    // a client sends nothing more until it is answered
    const isExact = key.length === hixie76KeyBytes && socket.readableLength === 0;
    if (!isExact) return refuse(socket, 400, "the challenge is not eight bytes");
    const challenge = hixie76Challenge(accepted.numbers, key);
    answered({
      lines: hixie76AnswerLines(accepted, url, encrypted),
      body: createHash("md5").update(challenge).digest().toString("latin1"),
    });
  };
  const { httpStatus, message } = errorTable.BW_WS_HANDSHAKE_TIMEOUT;
  const expire = (): void => {
    stop();
    refuse(socket, httpStatus, message);
  };
  const timer = timeout > 0 ? setTimeout(expire, timeout) : undefined;
  if (head.length > 0) socket.unshift(head);
  socket.on("close", stop);
  socket.on("readable", read);
}

/** There are no pings: a peer that falls silent is not noticed. */
export function hixie76Options(options: ChannelOptions): ChannelOptions {
  return {
    ...options,
    heartbeatInterval: 0,
    connect: (given, host) => new Hixie76Connection(given, host),
  };
}
