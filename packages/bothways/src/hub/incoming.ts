/**
 * Hands an event of the peer to the application, and the application's answer back.
 *
 * A handler answers by calling the callback it finds behind the event's arguments. One that does not declare that
 * parameter answers by what it returns: a value other than `undefined`, or a promise of any value.
 */
import type { Entry } from "../model/emitter.ts";
import { ACK, ACK_ERROR, type Packet, type Refusal } from "../model/packet.ts";
import { callHandler, internalError, toRefusal } from "./handler.ts";

/** How an event that waits for an answer is answered. The first word counts. */
export class Reply {
  /** What handlers find behind the event's arguments. */
  readonly callback: (...answers: unknown[]) => void = (...answers) => this.#settle(ACK, answers);
  readonly #namespace: string;
  readonly #id: number;
  readonly #failed: (error: unknown) => void;
  #send: ((packet: Packet) => void) | undefined;

  constructor(
    namespace: string,
    id: number,
    send: (packet: Packet) => void,
    failed: (error: unknown) => void,
  ) {
    this.#namespace = namespace;
    this.#id = id;
    this.#send = send;
    this.#failed = failed;
  }

  refuse(refusal: Refusal): void {
    this.#settle(ACK_ERROR, refusal);
  }

  #settle(type: typeof ACK | typeof ACK_ERROR, data: unknown): void {
    const send = this.#send;
    this.#send = undefined;
    const packet = { namespace: this.#namespace, id: this.#id };
    try {
      send?.({ type, ...packet, data });
    } catch (error) {
      // The answer cannot be encoded; the one who waits must not wait for ever.
      this.#failed(error);
      send?.({ type: ACK_ERROR, ...packet, data: internalError });
    }
  }
}

/** Calls the handlers of one event with its arguments. */
export function callHandlers(
  handlers: readonly Entry[],
  self: object,
  args: readonly unknown[],
  reply: Reply | undefined,
  failed: (error: unknown) => void,
): void {
  const given = reply === undefined ? args : [...args, reply.callback];
  const refused = (error: unknown): void => {
    failed(error);
    reply?.refuse(toRefusal(error));
  };
  for (const { listener } of handlers) {
    const answer = reply !== undefined && listener.length <= args.length ? reply.callback : undefined;
    const value = callHandler(listener, self, given, refused, answer);
    if (value !== undefined) answer?.(value);
  }
}

/** Calls those that listen to any event with its name and arguments. They may answer by the callback only. */
export function callObservers(
  observers: readonly Entry[],
  self: object,
  data: readonly unknown[],
  reply: Reply | undefined,
  failed: (error: unknown) => void,
): void {
  const given = reply === undefined ? data : [...data, reply.callback];
  for (const { listener } of observers) callHandler(listener, self, given, failed);
}
