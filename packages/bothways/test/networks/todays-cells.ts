/**
 * Some cells of the matrix each day, all of them in turn: `npm run networks` runs every one. `NETWORKS_SEED` names another
 * day's, as a run has printed it.
 */
import { type Cell, cells, isPossible, nameOf } from "./cell.ts";
import type { ClientName } from "./clients.ts";

const dayMs = 86_400_000;
/** One of so many cells runs. It shares no factor with the number of transports, so that no transport is left out. */
const oneOf = 29;

export const seed: number = Number(process.env.NETWORKS_SEED ?? Math.floor(Date.now() / dayMs));

/** Names and cells, without those that take a minute. */
export function todaysCells(client: ClientName): (readonly [string, Cell])[] {
  const possible = cells.filter((cell) => cell.client === client && isPossible(cell));
  const todays = possible.filter((cell, index) => (index + seed) % oneOf === 0 && !isLong(cell));
  return todays.map((cell) => [nameOf(cell), cell] as const);
}

function isLong({ carrier, network }: Cell): boolean {
  return carrier === "HTTP/2" && network.isSilent === true;
}
