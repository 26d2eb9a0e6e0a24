/** What a plain client is told when the namespace has decided. docs/protocol/plain.md §1, §3. */
import type { Message } from "../../model/message.ts";
import { EVENT, type Refusal } from "../../model/packet.ts";
import type { PlainCodec } from "./codec.ts";

/** A client that was let in, with its rooms. */
export interface Entrant {
  readonly namespace: string;
  /** Its socket's id. */
  readonly sid: string;
  /** What it said that it has reached. */
  readonly since: string | undefined;
  /** What its rooms have reached; `""` where nothing is kept. */
  readonly position: string;
  /** Nothing is missing. */
  readonly recovered: boolean;
  /** How many messages are sent again, behind the greeting. */
  readonly replayed: number;
}

export function greet(codec: PlainCodec, entrant: Entrant): Message[] {
  const { namespace, sid, since, position, recovered, replayed } = entrant;
  // what is sent again has positions of its own: with the newest, a client cut off before them would miss them
  const reached = replayed > 0 || position === "" ? undefined : position;
  const connect = reached === undefined ? ["connect", { sid }] : ["connect", { sid }, reached];
  const greeting = [codec.toMessage({ type: EVENT, namespace, data: connect, position: reached })];
  if (!recovered) greeting.unshift(codec.toMessage({ type: EVENT, namespace, data: ["gap", { since }] }));
  return greeting;
}

export function refuse(codec: PlainCodec, namespace: string, { message, data }: Refusal): Message {
  return codec.toMessage({ type: EVENT, namespace, data: ["connect_error", { message, data }] });
}
