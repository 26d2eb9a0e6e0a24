/**
 * A client as the load generator sees it. Each dialect speaks its protocol by hand over the same sockets
 * (`websocket.ts`, `http.ts`), so that the generator costs the same for each, and little.
 */

import type { Transport } from "../works.ts";

/** Events sent, all with the same payload. */
export type EventName = "echo" | "enter" | "shout" | "furnish" | "visit" | "up";

export const eventNames: readonly EventName[] = ["echo", "enter", "shout", "furnish", "visit", "up"];

/** So many rooms the server joins its client to for each `furnish`. */
export const roomsPerFurnish = 1_000;

/** A small message, as applications send them. */
export const payload = { id: 7, text: "hello from the other side" };

export interface Conversation {
  /** Sends that many events, in one write. Over HTTP it resolves when the server has answered. */
  send(event: EventName, count: number): unknown;
}

/** Of who only hears. */
export const mute: Conversation = {
  send() {
    throw new Error("this client only hears");
  },
};

/** Told how many events came, once per chunk or answer. */
export type Heard = (events: number) => void;

/** Connects, joins the default namespace, and resolves when the server has said so. */
export type Join = (port: number, heard: Heard) => Promise<Conversation>;

/** How it joins, for each transport it knows. */
export type Dialect = Partial<Readonly<Record<Transport, Join>>>;

/** Joins `count` times, some at once. */
export async function joinAll<T>(count: number, join: (index: number) => Promise<T>): Promise<T[]> {
  const joined: T[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) joined.push(await join(next++));
  };
  await Promise.all(Array.from({ length: 32 }, work));
  return joined;
}

/** One request at a time: what is sent meanwhile goes with the next. */
export function queued(request: (event: EventName, count: number) => Promise<void>): Conversation {
  let waiting = 0;
  let isBusy = false;
  return {
    async send(event, count) {
      waiting += count;
      if (isBusy) return;
      isBusy = true;
      while (waiting > 0) {
        const batch = waiting;
        waiting = 0;
        await request(event, batch);
      }
      isBusy = false;
    },
  };
}
