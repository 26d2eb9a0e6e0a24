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
export type {
  Answer,
  Policies,
  PolicyProxyOptions,
  PolicyStats,
  ProxiedRequest,
  RequestFault,
  RequestFilter,
  RequestStrike,
} from "./policies.ts";
export { captivePortal } from "./policies.ts";
export { PolicyProxy } from "./policy-proxy.ts";
