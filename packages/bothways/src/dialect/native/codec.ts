/**
 * The native dialect: packets to messages and back. A packet is encoded once, however many receive it.
 */
import type { Data, Message } from "../../model/message.ts";
import { ACK, ACK_ERROR, CONNECT_ERROR, EVENT, type Packet } from "../../model/packet.ts";
import { decodePacket, encodePacket } from "../../wire/native/packet.ts";
import { replacementKey } from "../replacement-key.ts";

export const dialect = "native";

export function toMessage(packet: Packet, isVolatile: boolean): Message {
  const known = packet.encoded?.[dialect];
  if (known) return known;
  const isAnswer = packet.type === ACK || packet.type === ACK_ERROR;
  const isKept = packet.type !== EVENT;
  const key = isKept ? undefined : replacementKey(packet);
  const { policy, encoded } = packet;
  const data = encodePacket(packet, isVolatile);
  const isShared = encoded !== undefined;
  const message: Message = { data, isAnswer, isKept, key, policy, isShared, framed: undefined };
  if (encoded) encoded[dialect] = message;
  return message;
}

/** `undefined` where it is malformed. */
export function toPacket(data: Data): Packet | undefined {
  const packet = decodePacket(data);
  return packet && isWellFormed(packet) ? packet : undefined;
}

function isWellFormed({ type, id, data }: Packet): boolean {
  if ((type === ACK || type === ACK_ERROR) && id === undefined) return false;
  if (type === EVENT) return Array.isArray(data) && typeof data[0] === "string";
  if (type === ACK) return Array.isArray(data);
  if (type !== ACK_ERROR && type !== CONNECT_ERROR) return true;
  return typeof (data as { message?: unknown } | null)?.message === "string";
}
