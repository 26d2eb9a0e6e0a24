/** A link's driver that writes down what it is told and lets a test wait for it. */
import type { Data } from "../../../src/model/message.ts";
import type { LinkHandler } from "../../../src/model/transport.ts";

export class RecordingHandler implements LinkHandler {
  /** What was told, in order: `receive <text>`, `receive [bytes]`, `lost <code> <closeCode> <reason>` or the bare name. */
  readonly events: string[] = [];
  readonly data: Data[] = [];
  /** Called after each event. */
  onEvent: (event: string) => void = () => {};
  readonly #waiting: Set<() => void> = new Set();

  receive(data: Data): void {
    this.data.push(data);
    this.#add(typeof data === "string" ? `receive ${data}` : `receive [${data}]`);
  }

  received(): void {
    this.#add("received");
  }

  writable(): void {
    this.#add("writable");
  }

  blocked(): void {
    this.#add("blocked");
  }

  position(): string {
    return "a0,10,1000";
  }

  lost(code: string, closeCode?: number, reason?: string): void {
    this.#add(`lost ${code} ${closeCode} ${reason}`);
  }

  /** Resolves once an event that begins with `start` has been told `count` times. */
  until(start: string, count = 1): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.events.filter((event) => event.startsWith(start)).length < count) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  /** The events so far, which are then forgotten. */
  take(): string[] {
    return this.events.splice(0);
  }

  #add(event: string): void {
    this.events.push(event);
    this.onEvent(event);
    for (const check of [...this.#waiting]) check();
  }
}
