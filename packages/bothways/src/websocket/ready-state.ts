/** The four states of a WebSocket and their constants (WHATWG WebSockets §3.1). */

export const states = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 } as const;

/** `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`, as 0 to 3. */
export type ReadyState = (typeof states)[keyof typeof states];

export function describeState(state: ReadyState): string {
  return `readyState ${state} (${Object.keys(states)[state]})`;
}

/** Gives `target` the constants, not to be changed. */
export function defineStates(target: object): void {
  for (const [name, value] of Object.entries(states)) {
    Object.defineProperty(target, name, { value, enumerable: true });
  }
}
