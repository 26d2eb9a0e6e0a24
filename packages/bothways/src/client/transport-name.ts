/** Transports are called by their names, in the `transports` option and by `switchTo`. */
import type { ClientTransport } from "../model/transport.ts";
import { createError } from "./error.ts";

/** Its place. Throws BW_TRANSPORT_NAME where none is called so. */
export function findTransport(transports: readonly ClientTransport[], name: string): number {
  const index = transports.findIndex((transport) => transport.name === name);
  if (index < 0) throw createError("BW_TRANSPORT_NAME", `no transport "${name}"`);
  return index;
}
