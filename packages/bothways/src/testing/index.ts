/** The entry `bothways/testing`: what tests of a real-time application need and no library has. */
export { FaultProxy } from "./fault-proxy.ts";
export type {
  Admission,
  CutOnNextOptions,
  CutOptions,
  Direction,
  FaultProxyOptions,
  HalfOpenOnNextOptions,
  LaneFaultOptions,
  ProxyStats,
  StallOptions,
  Strike,
  Target,
} from "./faults.ts";
export type { NetworkShape } from "./network-shape.ts";
