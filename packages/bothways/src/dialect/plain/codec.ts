/**
 * The two ways in which plain clients are spoken to: JSON over a WebSocket, and blocks of an event stream. A packet is
 * encoded once for each of the two, however many receive it. docs/protocol/plain.md §2, §4.
 */
import type { Packet } from "../../model/packet.ts";
import { encodeEvent, isFieldValue } from "../../wire/eventstream/serializer.ts";
import { stringify } from "../../wire/plain/json.ts";
import { argumentsOf, encodeMessage, parseMessage } from "../../wire/plain/message.ts";
import { type Codec, createMessage } from "../codec.ts";

/** A language of plain clients. */
export interface PlainCodec extends Codec {
  /** Can its clients say anything? */
  readonly hears: boolean;
}

export const jsonCodec: PlainCodec = {
  hears: true,
  toMessage: (packet) => packet.encoded?.plain ?? createMessage("plain", packet, encodeMessage(packet)),
  toPacket: (data, namespace) => (typeof data === "string" ? parseMessage(data, namespace) : undefined),
};

export const eventStreamCodec: PlainCodec = {
  hears: false,
  toMessage: (packet) =>
    packet.encoded?.["event-stream"] ?? createMessage("event-stream", packet, toBlock(packet)),
  toPacket: () => undefined,
};

function toBlock(packet: Packet): string {
  const [name] = packet.data as [string];
  const args = stringify(argumentsOf(packet));
  const id = packet.position;
  if (name !== "" && isFieldValue(name)) return encodeEvent({ event: name, id, data: escapeBreaks(args) });
  return encodeEvent({ id, data: escapeBreaks(`{"event":${stringify(name)},"args":${args}}`) });
}

const breaks: Readonly<Record<string, string>> = {
  "\u0085": "\\u0085",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** JSON has escaped what ends a line in the standard; these do in readers that split text by Unicode's rules. */
function escapeBreaks(json: string): string {
  return json.replace(/[\u0085\u2028\u2029]/g, (character) => breaks[character] ?? "");
}
