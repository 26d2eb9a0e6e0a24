/**
 * The client's side of the opening handshake (RFC 6455 §4.1): what it asks and what answer it accepts.
 */
import type { ErrorCode } from "../../model/errors.ts";
import type { Headers } from "../../model/handshake.ts";
import { parseExtensions } from "./extensions.ts";
import { isKey, websocketVersion } from "./handshake-key.ts";
import { encodeHeaderLines, hasToken, singleHeader } from "./header-text.ts";
import { checkDeflateAnswer, type DeflateParameters } from "./permessage-deflate.ts";
import type { ResponseHead } from "./response-head.ts";
import { areSubprotocols } from "./server-handshake.ts";

/** What a request is made of. */
export interface UpgradeRequestParts {
  /** Host and, unless it is the default one, port. */
  readonly host: string;
  /** Path and query, percent-encoded; begins with a slash. */
  readonly path: string;
  /** From `createKey`. */
  readonly key: string;
  /** The subprotocols offered, preferred first. */
  readonly protocols?: readonly string[] | undefined;
  /** From `formatExtensions`. */
  readonly extensions?: string | undefined;
  /** More of them. */
  readonly headers?: Headers | undefined;
}

/** The whole request. Throws on parts that cannot stand in one. */
export function encodeUpgradeRequest(parts: UpgradeRequestParts): string {
  const { host, path, key, protocols = [], extensions, headers = {} } = parts;
  if (!isRequestTarget(path)) throw new TypeError(`invalid path ${JSON.stringify(path)}`);
  if (!isKey(key)) throw new TypeError("the key is not 16 bytes in base64");
  if (!areSubprotocols(protocols)) throw new TypeError("a subprotocol is not a token or is given twice");
  const own = {
    Host: host,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": websocketVersion,
    "Sec-WebSocket-Protocol": protocols.length > 0 ? protocols.join(", ") : undefined,
    "Sec-WebSocket-Extensions": extensions,
  };
  return `GET ${path} HTTP/1.1\r\n${encodeHeaderLines(own)}${encodeHeaderLines(headers)}\r\n`;
}

/** What the answer has to fit. */
export interface UpgradeExpectation {
  /** `acceptKey` of the key that was sent. */
  readonly accept: string;
  /** The subprotocols that were offered. */
  readonly protocols: readonly string[];
  /** What was offered by `offerDeflate`, if it was. */
  readonly deflate?: DeflateParameters | undefined;
}

/** The verdict on an answer. */
export type UpgradeResponseCheck =
  | {
      readonly ok: true;
      readonly protocol: string | undefined;
      /** What was agreed, where the server took the offer. */
      readonly deflate?: DeflateParameters | undefined;
    }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/** Judges the server's answer. */
export function checkUpgradeResponse(
  response: ResponseHead,
  expected: UpgradeExpectation,
): UpgradeResponseCheck {
  const { status, headers } = response;
  if (status !== 101) return refuse(`status is ${status}`, "BW_WS_HANDSHAKE");
  if (singleHeader(headers, "upgrade")?.toLowerCase() !== "websocket")
    return refuse("Upgrade is not websocket");
  if (!hasToken(headers, "connection", "upgrade")) return refuse("Connection lacks Upgrade");
  if (singleHeader(headers, "sec-websocket-accept") !== expected.accept)
    return refuse("Sec-WebSocket-Accept is wrong");
  const deflate = checkExtensions(response, expected.deflate);
  if (typeof deflate === "string") return refuse(deflate);
  const protocol = singleHeader(headers, "sec-websocket-protocol");
  if (protocol === undefined) {
    // Browsers too fail where they offered subprotocols and none was taken.
    const isUnanswered = headers["sec-websocket-protocol"] !== undefined || expected.protocols.length > 0;
    return isUnanswered ? refuse("no subprotocol was chosen") : { ok: true, protocol, deflate };
  }
  if (!expected.protocols.includes(protocol)) return refuse("the subprotocol was not offered");
  return { ok: true, protocol, deflate };
}

/** RFC6455-4.1-40: an extension we did not offer ends it. A string says why it ends. */
function checkExtensions(
  { headers }: ResponseHead,
  offered: DeflateParameters | undefined,
): DeflateParameters | undefined | string {
  const lines = headers["sec-websocket-extensions"];
  if (lines === undefined) return undefined;
  if (offered === undefined) return "an extension was not asked for";
  const answer = parseExtensions(lines.join());
  return answer === undefined ? "Sec-WebSocket-Extensions is malformed" : checkDeflateAnswer(answer, offered);
}

function refuse(detail: string, code: ErrorCode = "BW_WS_ACCEPT"): UpgradeResponseCheck {
  return { ok: false, code, detail };
}

/** Visible ASCII from a slash on; a space or line break would end the request line early. */
function isRequestTarget(path: string): boolean {
  for (let i = 0; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return false;
  }
  return path.startsWith("/");
}
