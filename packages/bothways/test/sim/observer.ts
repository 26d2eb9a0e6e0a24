/**
 * Watches a world from outside the shipped code: whether a promise was broken, which faults struck, and which situations
 * were met ("marks"), since a fault that never bites proves nothing.
 */
import type { Data } from "../../src/model/message.ts";

/** Situations that thousands of seeds have to meet often. */
export const marks = [
  "resumed",
  "resumed during a switch",
  "switched live",
  "ack lost",
  "welcome lost",
  "two resumes race",
  "hello twice",
  "rotated secret's answer lost",
  "late poll",
  "duplicate batch",
  "duplicate message",
  "replayed",
  "hedge won",
  "hedge lost",
  "fenced frames ignored",
  "fenced request refused",
  "half-open detected",
  "gap: expired",
  "gap: overflow",
  "gap: server-lost",
  "unknown fate reported",
  "unsent sent in the new session",
  "credit exhausted",
  "answer overtook",
  "stall then resume",
  "pause",
  "clock jump",
  "volatile dropped",
  "overflow dropped",
  "overflow ended",
  "taken over",
  "left and came back",
  "dialled inside a handler",
  "hostile credit",
  "driver: recovered",
  "driver: began anew",
  "driver: switched",
  "driver: woke",
  "page hidden",
] as const;
export type Mark = (typeof marks)[number];

export class Observer {
  /** The first broken promise. */
  failure: string | undefined;
  /** Faults that met something. */
  strikes = 0;
  /** Reliable messages delivered. */
  delivered = 0;
  readonly marks: Map<string, number> = new Map();
  /** Of everything that happened, so that two runs can be compared. */
  hash = 0x811c9dc5;
  readonly trace: ((line: string) => void) | undefined;

  constructor(trace: ((line: string) => void) | undefined) {
    this.trace = trace;
  }

  fail(reason: string): void {
    this.trace?.(`FAILED ${reason}`);
    this.failure ??= reason;
  }

  check(isRight: boolean, reason: () => string): void {
    if (!isRight) this.fail(reason());
  }

  mark(name: Mark): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  struck(name: string): void {
    this.strikes++;
    this.mix(name.length);
    this.trace?.(`  strike: ${name}`);
  }

  mix(value: number): void {
    this.hash = Math.imul(this.hash ^ value, 0x01000193);
    this.hash ^= this.hash >>> 15;
  }

  /** Something was said; its place in the order of things, its speaker, and what it looks like. */
  note(who: number, data: Data): void {
    this.mix(who);
    this.mix(data.length);
    const { length } = data;
    if (typeof data !== "string") this.mix(data[length - 1] ?? 0);
    else for (let index = 0; index < length && index < 12; index++) this.mix(data.charCodeAt(index));
  }

  /** Looks at what the network loses. */
  lostFrame(frame: Data): void {
    if (frame[0] === "a") this.mark("ack lost");
    else if (frame[0] === "w") this.mark("welcome lost");
  }
}

/** Frames for the eye. */
export function describeFrame(data: Data): string {
  const text = typeof data === "string" ? data : `binary(${data.length})`;
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
