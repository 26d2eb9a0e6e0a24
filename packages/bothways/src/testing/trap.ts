/**
 * A fault armed to strike when bytes meet it, so that it surely strikes while a message is under way.
 *
 * Invariant: bytes are counted per connection, from the arming on, and a trap springs once.
 */
import type { Direction, Strike } from "./faults.ts";

export interface TrapOptions {
  readonly direction: Direction;
  /** Chunks smaller than this pass uncounted. */
  readonly minBytes: number;
  /** How many bytes pass before the fault. */
  readonly passBytes: number;
  /** The trap springs when this byte, counted from 1, arrives. */
  readonly springAt: number;
  /** Strikes the connection that met the trap. */
  readonly strike: (connectionId: number) => Strike;
  readonly resolve: (strike: Strike) => void;
  readonly reject: (error: Error) => void;
}

export class Trap {
  readonly #options: TrapOptions;
  readonly #seen: Map<number, number> = new Map();

  constructor(options: TrapOptions) {
    this.#options = options;
  }

  /** How many of these bytes may pass if the trap springs on them; undefined if it does not. */
  test(connectionId: number, direction: Direction, bytes: number, parcelBytes: number): number | undefined {
    const { minBytes, passBytes, springAt } = this.#options;
    if (direction !== this.#options.direction || parcelBytes < minBytes) return undefined;
    const seen = this.#seen.get(connectionId) ?? 0;
    if (seen + bytes >= springAt) return passBytes - seen;
    this.#seen.set(connectionId, seen + bytes);
    return undefined;
  }

  spring(connectionId: number): void {
    this.#options.resolve(this.#options.strike(connectionId));
  }

  abandon(): void {
    this.#options.reject(new Error("the fault proxy was closed before the armed fault struck"));
  }
}
