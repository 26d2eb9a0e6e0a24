/** Transports are called by their names, in the `transports` option and by `switchTo`. */
import type { ClientTransport } from "../model/transport.ts";
import { createError } from "./error.ts";

/** Its place, and the transport. Throws BW_TRANSPORT_NAME where none is called so. */
export function findTransport(
  transports: readonly ClientTransport[],
  name: string,
): [index: number, transport: ClientTransport] {
  const index = transports.findIndex((transport) => transport.name === name);
  const transport = transports[index];
  if (!transport) throw createError("BW_TRANSPORT_NAME", `there is no transport "${name}"`);
  return [index, transport];
}
