/** What a client of bothways/1 says on any transport (docs/protocol/bothways-1.md). */
import { randomBytes } from "node:crypto";
import { eventNames, payload } from "./conversation.ts";

export const path = "/bothways/";
export const messages: Readonly<Record<string, string>> = Object.fromEntries(
  eventNames.map((name) => [name, `m2${JSON.stringify([name, payload])}`]),
);
const windowMessages = 1_024;
const windowBytes = 1_048_576;
/** An acknowledgement waits so long for more to acknowledge, in ms. */
export const tellDelayMs = 1_000;

export function createHello(): string {
  const attempt = randomBytes(16).toString("base64url");
  const credit = [windowMessages, windowBytes];
  return `h${JSON.stringify({ version: 1, attempt, generation: 1, received: 0, credit, join: [["/"]] })}`;
}

/** What came in, to be acknowledged (§4.2). */
export class Position {
  #messages = 0;
  #bytes = 0;
  #told = 0;
  #toldBytes = 0;

  count(bytes: number, messages = 1): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }

  get isDue(): boolean {
    return this.#messages - this.#told >= windowMessages / 4 || this.#bytes - this.#toldBytes >= 65_536;
  }

  tell(): string {
    this.#told = this.#messages;
    this.#toldBytes = this.#bytes;
    return `a${this.#messages},${this.#messages + windowMessages},${this.#bytes + windowBytes}`;
  }
}
