/** Which events replace each other where they wait for one client. */
import type { Packet } from "../model/packet.ts";

/** Only events of one name replace each other; all of them, where the emit gave no key. */
export function replacementKey({ namespace, data, key }: Packet): string {
  const [event] = data as [string];
  const name = namespace === "/" ? event : `${namespace}\n${event}`;
  return key === undefined ? name : `${name}\n${key}`;
}
