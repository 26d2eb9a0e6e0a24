/**
 * Packets of bothways/1: what a message says. docs/protocol/bothways-1.md §3.
 *
 * Text form: frame kind, packet type, `namespace,` unless it is `/`, id, JSON. A packet with binary values takes the
 * binary form: each such value is a string `!0`, `!1` … in the JSON and an attachment behind it; a string that begins
 * with `!` gets one more.
 *
 * What the data of each type may be is checked by dialect/native/codec.ts, which only the server needs.
 */
import type { Data } from "../../model/message.ts";
import type { Packet, PacketType } from "../../model/packet.ts";
import { joinParts, splitParts, utf8 } from "./parts.ts";

/** Throws what `JSON.stringify` throws: the data is our own caller's. */
export function encodePacket({ type, namespace, id, data }: Packet, volatile?: boolean): Data {
  const head = `${volatile ? "v" : "m"}${type}${namespace === "/" ? "" : `${namespace},`}${id ?? ""}`;
  if (data === undefined) return head;
  if (!hasBinary(data)) return head + JSON.stringify(data);
  const attachments: Uint8Array[] = [];
  const json = JSON.stringify(data, function (this: Record<string, unknown>, key, value) {
    // a Buffer's toJSON has already run: look at the value itself
    const bytes = toBytes(this[key]);
    if (bytes) return `!${attachments.push(bytes) - 1}`;
    return typeof value === "string" && value[0] === "!" ? `!${value}` : value;
  });
  const text = new TextEncoder().encode(head + json);
  return joinParts(text[0] as number, [text.subarray(1), ...attachments]);
}

/** Throws where the message is malformed. */
export function decodePacket(message: Data): Packet {
  if (typeof message === "string") return parse(message);
  // copies: what an application keeps must not hold on to a transport's buffer, nor change under it
  const [text, ...attachments] = splitParts(message, (part, isMarked) => {
    if (isMarked) throw RangeError();
    return new Uint8Array(part);
  });
  return parse(`m${utf8.decode(text)}`, (_key, value) => {
    if (typeof value !== "string" || value[0] !== "!") return value;
    const rest = value.slice(1);
    const data = rest[0] === "!" ? rest : attachments[+rest];
    if (!data) throw RangeError();
    return data;
  });
}

/** `text` begins with the frame's kind, which is not ours. */
function parse(text: string, reviver?: (key: string, value: unknown) => unknown): Packet {
  // by code units: a regular expression and its groups cost as much as all else of a small packet
  const type = text.charCodeAt(1) ^ 48;
  // without the comma what follows is no JSON
  const start = text[2] === "/" ? text.indexOf(",") + 1 : 2;
  let end = start;
  while ((text.charCodeAt(end) ^ 48) < 10) end++;
  if (type > 5 || end - start > 15) throw RangeError();
  return {
    type: type as PacketType,
    namespace: start > 2 ? text.slice(2, start - 1) : "/",
    id: end > start ? +text.slice(start, end) : undefined,
    data: end < text.length ? JSON.parse(text.slice(end), reviver) : undefined,
  };
}

export function toBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

export function hasBinary(value: unknown): boolean {
  return (
    typeof value === "object" &&
    !!value &&
    (!!toBytes(value) || (Array.isArray(value) ? value : Object.values(value)).some(hasBinary))
  );
}
