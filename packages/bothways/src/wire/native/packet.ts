/**
 * Packets of bothways/1: what a message says. docs/protocol/bothways-1.md §3.
 *
 * Text form: frame kind, packet type, `namespace,` unless it is `/`, id, JSON. A packet with binary values takes the
 * binary form: each such value is a string `!0`, `!1` … in the JSON and an attachment behind it; a string that begins
 * with `!` gets one more.
 *
 * Invariant: malformed input decodes to `undefined` and never throws.
 */
import type { Data } from "../../model/message.ts";
import { ACK, ACK_ERROR, CONNECT_ERROR, EVENT, type Packet, type PacketType } from "../../model/packet.ts";

/** Throws what `JSON.stringify` throws: the data is our own caller's. */
export function encodePacket(packet: Packet, volatile?: boolean): Data {
  const { namespace, id, data } = packet;
  const head = `${volatile ? "v" : "m"}${packet.type}${namespace === "/" ? "" : `${namespace},`}${id ?? ""}`;
  if (data === undefined) return head;
  if (!hasBinary(data)) return head + JSON.stringify(data);
  const attachments: Uint8Array[] = [];
  const json = JSON.stringify(data, function (this: Record<string, unknown>, key, value: unknown) {
    // a Buffer's toJSON has already run: look at the value itself
    const bytes = toBytes(this[key]);
    if (bytes) return `!${attachments.push(bytes) - 1}`;
    return typeof value === "string" && value[0] === "!" ? `!${value}` : value;
  });
  return join(new TextEncoder().encode(head + json), attachments);
}

export function decodePacket(message: Data): Packet | undefined {
  try {
    if (typeof message === "string") return parse(message);
    const [text, ...attachments] = split(message);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return parse(`m${decoder.decode(text)}`, (_key, value) => {
      if (typeof value !== "string" || value[0] !== "!") return value;
      if (value[1] === "!") return value.slice(1);
      const attachment = attachments[+value.slice(1)];
      if (!attachment) throw RangeError();
      return attachment;
    });
  } catch {
    return undefined;
  }
}

/** `text` begins with the frame's kind, which is not ours. */
function parse(text: string, reviver?: (key: string, value: unknown) => unknown): Packet | undefined {
  const [head, digit, comma, digits] = /^.([0-5])(?:(\/[^,]*),)?(\d{0,15})/.exec(text) ?? [""];
  const namespace = comma ?? "/";
  const type = +(digit ?? NaN) as PacketType;
  const id = digits ? +digits : undefined;
  const json = text.slice(head.length);
  const data: unknown = json ? JSON.parse(json, reviver) : undefined;
  if (isPacket(type, id, data)) return { type, namespace, id, data };
}

function isPacket(type: PacketType, id: number | undefined, data: unknown): boolean {
  if (type === EVENT || type === ACK) {
    return Array.isArray(data) && (type === ACK ? id !== undefined : typeof data[0] === "string");
  }
  if (type !== ACK_ERROR && type !== CONNECT_ERROR) return type >= 0;
  return (
    typeof (data as { message?: unknown } | null)?.message === "string" &&
    (type === CONNECT_ERROR || id !== undefined)
  );
}

function toBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

function hasBinary(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (toBytes(value)) return true;
  return Object.values(value).some(hasBinary);
}

/** The kind byte, then text and attachments, each behind its length. */
function join(text: Uint8Array, attachments: readonly Uint8Array[]): Uint8Array {
  const parts = [text.subarray(1), ...attachments];
  const message = new Uint8Array(parts.reduce((total, part) => total + 4 + part.length, 1));
  const view = new DataView(message.buffer);
  message[0] = text[0] as number;
  let offset = 1;
  for (const part of parts) {
    view.setUint32(offset, part.length);
    message.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return message;
}

/** Copies: what an application keeps must not hold on to a transport's buffer, nor change under it. */
function split(message: Uint8Array): Uint8Array[] {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const parts: Uint8Array[] = [];
  for (let offset = 1; offset < message.length; ) {
    const end = offset + 4 + view.getUint32(offset);
    if (end > message.length) throw RangeError();
    parts.push(new Uint8Array(message.subarray(offset + 4, end)));
    offset = end;
  }
  return parts;
}
