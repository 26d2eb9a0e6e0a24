/**
 * What a dialect is to a server: how packets become messages for its clients, and what they say becomes packets.
 *
 * Invariant: a packet is encoded once for each dialect, however many receive it.
 */
import type { Data, Message } from "../model/message.ts";
import { ACK, ACK_ERROR, EVENT, type Packet } from "../model/packet.ts";

export interface Codec {
  /** Throws what `JSON.stringify` throws. */
  toMessage(packet: Packet, isVolatile?: boolean): Message;
  /** `undefined` where it is malformed. `namespace` is the client's, in dialects that know only one. */
  toPacket(data: Data, namespace: string): Packet | undefined;
}

/** The message of this packet in a dialect, where none was made yet: all its receivers share it from here on. */
export function createMessage(dialect: string, packet: Packet, data: Data): Message {
  const { type, policy, encoded } = packet;
  const message: Message = {
    data,
    isAnswer: type === ACK || type === ACK_ERROR,
    isKept: type !== EVENT,
    key: type === EVENT ? replacementKey(packet) : undefined,
    policy,
    isShared: encoded !== undefined,
    framed: undefined,
  };
  if (encoded) encoded[dialect] = message;
  return message;
}

/** Only events of one name replace each other; all of them, where the emit gave no key. */
function replacementKey({ namespace, data, key }: Packet): string {
  const [event] = data as [string];
  const name = namespace === "/" ? event : `${namespace}\n${event}`;
  return key === undefined ? name : `${name}\n${key}`;
}
