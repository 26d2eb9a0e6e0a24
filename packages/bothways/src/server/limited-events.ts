/** Hands events on as far as `maxRate` allows. */
import { errorTable } from "../model/errors.ts";
import { ACK_ERROR, type Packet } from "../model/packet.ts";
import type { Peer } from "../model/peer.ts";
import type { Driver } from "./driver.ts";
import type { RateLimiter } from "./rate-limit.ts";

/** What exceeds the rate is not handled; who awaits its answer is told, and who goes on is closed. */
export function receiveLimited(rates: RateLimiter, packet: Packet, peer: Peer, driver: Driver): void {
  const [event] = packet.data as [string];
  const verdict = rates.judge(event, driver.platform.now());
  if (verdict === "admit") return driver.hub.receive(peer, packet);
  driver.refused++;
  const { namespace, id } = packet;
  const message = `BW_RATE_LIMIT: ${errorTable.BW_RATE_LIMIT.message}`;
  if (verdict === "close") peer.close("BW_RATE_LIMIT");
  else if (id !== undefined) peer.send({ type: ACK_ERROR, namespace, id, data: { message } });
}
