/**
 * What plain clients and servers say to each other over a WebSocket, as text. docs/protocol/plain.md §2.
 *
 * Invariant: what comes out of a parser is of the shape it claims; nothing of the client's JSON is used unchecked.
 */
import { ACK, ACK_ERROR, EVENT, type Packet } from "../../model/packet.ts";
import { isRecord, parse, stringify } from "./json.ts";

const MAX_ID = 999_999_999_999_999;

/** An event as it is said to plain clients: where it has a position, that stands beside the arguments. */
export function argumentsOf({ data, position }: Packet): readonly unknown[] {
  const [, ...args] = data as unknown[];
  if (position !== undefined) args.pop();
  return args;
}

/** Of an event, or of an answer. */
export function encodeMessage(packet: Packet): string {
  const { type, id, data, position } = packet;
  if (type === ACK) return `{"id":${id},"ack":${stringify(data)}}`;
  if (type === ACK_ERROR) return `{"id":${id},"error":${stringify(data)}}`;
  const [name] = data as [string];
  const tail = `${id === undefined ? "" : `,"id":${id}`}${position === undefined ? "" : `,"position":${stringify(position)}`}`;
  return `{"event":${stringify(name)},"args":${stringify(argumentsOf(packet))}${tail}}`;
}

/** A packet for `namespace`; `undefined` where the message is malformed. */
export function parseMessage(text: string, namespace: string): Packet | undefined {
  const value = parse(text);
  if (!isRecord(value)) return undefined;
  const { event, args = [], id, ack, error } = value;
  if (!isId(id)) return undefined;
  if (typeof event === "string")
    return Array.isArray(args) ? { type: EVENT, namespace, id, data: [event, ...args] } : undefined;
  if (id === undefined) return undefined;
  if (Array.isArray(ack)) return { type: ACK, namespace, id, data: ack };
  if (!isRecord(error) || typeof error.message !== "string") return undefined;
  return { type: ACK_ERROR, namespace, id, data: { message: error.message, data: error.data } };
}

/** The first message of a client that announced one. */
export function parseAuth(text: string): { readonly auth: unknown } | undefined {
  const value = parse(text);
  return isRecord(value) && "auth" in value ? { auth: value.auth } : undefined;
}

/** What `POST <path>emit` asks for. docs/protocol/plain.md §5. */
export interface Publication {
  readonly namespace: string;
  /** `undefined`: everyone. */
  readonly rooms: readonly string[] | undefined;
  readonly event: string;
  readonly args: readonly unknown[];
}

/** A text says what is wrong with it. */
export function parsePublication(text: string): Publication | string {
  const value = parse(text);
  if (!isRecord(value)) return "the body is no JSON object";
  const { namespace = "/", rooms, event, args = [] } = value;
  if (typeof event !== "string") return "event is no text";
  if (!Array.isArray(args)) return "args is no array";
  if (typeof namespace !== "string") return "namespace is no text";
  if (rooms !== undefined && !isTexts(rooms)) return "rooms is no array of texts";
  return { namespace, rooms, event, args };
}

function isId(id: unknown): id is number | undefined {
  return id === undefined || (Number.isInteger(id) && (id as number) >= 0 && (id as number) <= MAX_ID);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}
