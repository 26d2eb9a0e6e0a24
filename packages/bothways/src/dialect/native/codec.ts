/** The native dialect: packets to messages and back. */
import { ACK, ACK_ERROR, CONNECT_ERROR, EVENT, type Packet } from "../../model/packet.ts";
import { decodePacket, encodePacket } from "../../wire/native/packet.ts";
import { type Codec, createMessage } from "../codec.ts";

export const nativeCodec: Codec = {
  toMessage: (packet, isVolatile = false) =>
    packet.encoded?.native ?? createMessage("native", packet, encodePacket(packet, isVolatile)),
  toPacket: (data) => {
    try {
      const packet = decodePacket(data);
      return isWellFormed(packet) ? packet : undefined;
    } catch {
      return undefined;
    }
  },
};

function isWellFormed({ type, id, data }: Packet): boolean {
  if ((type === ACK || type === ACK_ERROR) && id === undefined) return false;
  if (type === EVENT) return Array.isArray(data) && typeof data[0] === "string";
  if (type === ACK) return Array.isArray(data);
  if (type !== ACK_ERROR && type !== CONNECT_ERROR) return true;
  return typeof (data as { message?: unknown } | null)?.message === "string";
}
