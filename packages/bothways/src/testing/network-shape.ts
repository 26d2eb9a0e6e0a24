/** How the bytes of a fault proxy travel: delay, rate and bounds. */

export interface NetworkShape {
  /** One-way delay in each direction, so a round trip takes twice this. Order is kept, throughput is not lowered. Default 0. */
  latencyMs: number;
  /** Rate of each direction of each connection. Default Infinity. */
  bytesPerSecond: number;
  /** Bytes that may wait in each direction of each connection before its sender is paused. Default 4 MiB. */
  maxBufferedBytes: number;
  /** How long the first bytes of a new connection are held, besides the latency. Default 0. */
  connectDelayMs: number;
  /**
   * Holds the first bytes of a new connection one round trip (2 × `latencyMs`) more, as TCP's own handshake would:
   * on loopback it takes no time. Default false.
   */
  handshakeRtt: boolean;
}

export const defaultShape: Readonly<NetworkShape> = {
  latencyMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  maxBufferedBytes: 4 * 1_024 * 1_024,
  connectDelayMs: 0,
  handshakeRtt: false,
};

/** The shape with the changes applied; throws a RangeError if the result is none. */
export function changeShape(shape: Readonly<NetworkShape>, changes: Partial<NetworkShape>): NetworkShape {
  const changed = { ...shape, ...changes };
  checkRange("latencyMs", changed.latencyMs, 0);
  checkRange("connectDelayMs", changed.connectDelayMs, 0);
  checkRange("bytesPerSecond", changed.bytesPerSecond, 1);
  checkRange("maxBufferedBytes", changed.maxBufferedBytes, 1);
  return changed;
}

export function checkRange(name: string, value: number, least: number): void {
  if (!(value >= least)) throw new RangeError(`${name} must be at least ${least}, not ${value}`);
}
