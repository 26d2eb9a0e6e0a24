/** What can be asked of a fault proxy and what it reports: types only. */
import type { NetworkShape } from "./network-shape.ts";

/** "up" runs from the client to the target, "down" from the target to the client. */
export type Direction = "up" | "down";

/** Where a proxy leads and how bytes travel through it. */
export interface FaultProxyOptions extends Partial<NetworkShape> {
  /** The server behind the proxy; `host` defaults to "127.0.0.1". */
  readonly target: Target;
  /**
   * Shown all that is about to be delivered. A fault struck from inside it meets exactly these bytes:
   * with `cut()` or `halfOpen()` they are lost.
   */
  readonly onData?: (direction: Direction, chunk: Uint8Array, connectionId: number) => void;
}

/** Where a server listens. */
export interface Target {
  /** Default `"127.0.0.1"`. */
  readonly host?: string;
  /** Its port. */
  readonly port: number;
}

/** What happens to new connections: refused ones are reset at once, those in a black hole open and are never answered. */
export type Admission = "pass" | "refuse" | "blackhole";

interface Selection {
  /** Ids of the connections to strike, as `onData` and `Strike` give them. Default: all. */
  readonly connectionIds?: readonly number[];
}

/** Options of `cut`. */
export interface CutOptions extends Selection {
  /** End both sides by FIN in place of RST. Bytes under way are lost all the same. Default false. */
  readonly graceful?: boolean;
}

/** Options of `halfOpen`. */
export interface LaneFaultOptions extends Selection {
  /** Which direction goes silent or waits. Default "both". */
  readonly affects?: Direction | "both";
}

/** Options of `stall`. */
export interface StallOptions extends LaneFaultOptions {
  /** Release after this time; without it, only `resume()` does. */
  readonly forMs?: number;
}

interface TriggerOptions {
  /** Bytes in this direction spring the fault. */
  readonly direction: Direction;
  /** How many bytes of a connection, counted from this call, still pass; the next one is lost. Default 0. */
  readonly afterBytes?: number;
  /** Chunks smaller than this pass uncounted, so that heartbeats do not spring it. Default 1. */
  readonly minBytes?: number;
  /** Strike only the connection that sprang it, or all of them, as when a whole network goes. Default "connection". */
  readonly scope?: "connection" | "all";
}

/** Options of `cutOnNext`. */
export interface CutOnNextOptions extends TriggerOptions, Pick<CutOptions, "graceful"> {}

/** Options of `halfOpenOnNext`. */
export interface HalfOpenOnNextOptions extends TriggerOptions, Pick<LaneFaultOptions, "affects"> {}

/** What a fault struck, read at the instant before it struck. */
export interface Strike {
  /** The instant, on the clock of `performance.now()`. */
  readonly atMs: number;
  /** How many connections were struck. */
  readonly connections: number;
  /** Which ones, as `onData` gives them. */
  readonly connectionIds: readonly number[];
  /** Bytes accepted from the clients and not yet delivered to the target. */
  readonly bytesInFlightUp: number;
  /** Bytes accepted from the target and not yet delivered to the clients. */
  readonly bytesInFlightDown: number;
}

/** What `stats` tells. */
export interface ProxyStats {
  /** Connections accepted so far, refused ones included. */
  readonly opened: number;
  /** Connections that were refused. */
  readonly refused: number;
  /** Connections over which bytes can still cross in at least one direction. */
  readonly live: number;
  /** Bytes delivered to the target. */
  readonly bytesUp: number;
  /** Bytes delivered to the clients. */
  readonly bytesDown: number;
  /** Bytes accepted from the clients and not yet delivered to the target. */
  readonly inFlightUp: number;
  /** Bytes accepted from the target and not yet delivered to the clients. */
  readonly inFlightDown: number;
}
