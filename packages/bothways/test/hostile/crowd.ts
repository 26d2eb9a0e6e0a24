/** The hostile peers of a run, in a process of their own: as many of each kind, until they are told to stop. */
import { Random } from "../sim/random.ts";
import { kinds } from "./peers.ts";

const [port, count, seed] = process.argv.slice(2).map(Number) as [number, number, number];
const stop = new AbortController();
const attacks = Object.values(kinds);

process.once("message", () => {
  stop.abort();
  process.exit();
});
// not all in one moment, which would be one kind only
for (let index = 0; index < count; index++) {
  const random = new Random(seed * 100_003 + index);
  attacks[index % attacks.length]?.({ port, random, signal: stop.signal });
  if (index % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 20));
}
process.send?.("ready");
