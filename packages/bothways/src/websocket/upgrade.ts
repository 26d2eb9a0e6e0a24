/**
 * A server's handshake: which requests may become a WebSocket (RFC 6455 §4.2; over HTTP/2, RFC 8441 §5; from before the
 * RFC, where the option `hixie76` allows it), and the head of the answer.
 *
 * Invariant: 101 or 200 is answered only to a request that is right in everything.
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { errorTable } from "../model/errors.ts";
import { nodePrimitives } from "../platform/node.ts";
import { acceptStream, isHttp2Stream } from "../transport/node/http2.ts";
import { formatAnswer } from "../transport/node/per-message-deflate.ts";
import { acceptKey } from "../wire/websocket/handshake-key.ts";
import { trimSpace } from "../wire/websocket/header-text.ts";
import { checkHixie76, isHixie76 } from "../wire/websocket/hixie76-handshake.ts";
import type { DeflateParameters } from "../wire/websocket/permessage-deflate.ts";
import { checkUpgrade, type UpgradeRefused } from "../wire/websocket/server-handshake.ts";
import { answerHixie76, hixie76Options, hixie76Refused } from "./hixie76.ts";
import { type ChannelOptions, defaultHandshakeTimeout, noBytes, type ServerOptions } from "./options.ts";

/** A request that may be taken. */
export interface Upgrade {
  /** The subprotocols offered. */
  readonly protocols: string[];
  /** The head of the answer but for the subprotocol. */
  readonly lines: string[];
  /** Behind the head, a character a byte. */
  readonly body?: string;
  /** What of compression was agreed on. */
  readonly deflate?: DeflateParameters | undefined;
  readonly options: ChannelOptions;
}

/** Where a request came in: its socket, and what was read behind its head. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** RFC6455-9.1-1 */
const malformedExtensions: UpgradeRefused = {
  ok: false,
  code: "BW_WS_HANDSHAKE",
  status: errorTable.BW_WS_HANDSHAKE.httpStatus,
  headers: {},
  detail: "Sec-WebSocket-Extensions is malformed",
};

/** Calls `take`, perhaps later; or returns why the request may not be taken. */
export function readUpgrade(
  arrival: Arrival,
  options: ServerOptions,
  channelOptions: ChannelOptions,
  take: (upgrade: Upgrade) => void,
): UpgradeRefused | undefined {
  const { method = "", httpVersion, headers } = arrival.request;
  const checked = checkUpgrade({ method, httpVersion, headers, earlyBytes: arrival.head.length });
  if (!checked.ok) return isHixie76(headers) ? readOld(arrival, options, channelOptions, take) : checked;
  const deflate = channelOptions.deflate?.accept(headers);
  if (deflate === null) return malformedExtensions;
  const { protocols, key } = checked;
  const lines = key === undefined ? ["HTTP/2 200"] : linesOf101(key);
  if (deflate) lines.push(`Sec-WebSocket-Extensions: ${formatAnswer(deflate)}`);
  take({ protocols, lines, deflate: deflate?.agreed, options: channelOptions });
  return undefined;
}

function readOld(
  { request, socket, head }: Arrival,
  { hixie76, handshakeTimeout: timeout = defaultHandshakeTimeout }: ServerOptions,
  channelOptions: ChannelOptions,
  take: (upgrade: Upgrade) => void,
): UpgradeRefused | undefined {
  const { method = "", httpVersion, headers } = request;
  const checked = hixie76 ? checkHixie76({ method, httpVersion, headers }) : hixie76Refused;
  if (!checked.ok) return checked;
  const { protocols } = checked;
  const options = hixie76Options(channelOptions);
  answerHixie76(checked, request, { socket, head, timeout }, (answer) =>
    take({ protocols, options, ...answer }),
  );
  return undefined;
}

function linesOf101(key: string): string[] {
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptKey(key, nodePrimitives)}`,
  ];
}

/** What is to be sent in front of the frames. HTTP/2 has heads that are no bytes of the stream: there it is sent here. */
export function beginAnswer(socket: Duplex, lines: readonly string[], body = ""): Buffer {
  if (!isHttp2Stream(socket)) return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1");
  const headers: Record<string, string[]> = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    headers[name] = [...(headers[name] ?? []), trimSpace(line.slice(colon + 1))];
  }
  acceptStream(socket, headers);
  return noBytes;
}
