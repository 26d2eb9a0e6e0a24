/** `npm run fuzz -- --seconds 600 --seed 7`: the mutation fuzzer for as long as is wanted; the default is a minute. */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzzer.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string", default: `${Date.now()}` } },
});
const end = performance.now() + Number(values.seconds) * 1_000;
console.log(`seed ${values.seed}`);
const { runs, outcomes, kept } = fuzz(Number(values.seed), () => performance.now() > end);
for (const [outcome, count] of [...outcomes].sort()) console.log(`${String(count).padStart(9)}  ${outcome}`);
console.log(`${runs} inputs, ${kept} kept, nothing found`);
