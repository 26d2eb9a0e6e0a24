/**
 * `npm run chaos`: 40 guests for two minutes. `--guests`, `--seconds` and `--seed` make it another party. Exits 1 where a
 * promise of docs/guide/delivery.md was broken.
 */
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";

const number = (fallback: number) => ({ type: "string", default: String(fallback) }) as const;
const { values } = parseArgs({ options: { guests: number(40), seconds: number(120), seed: number(1) } });
const options = {
  guests: Number(values.guests),
  seconds: Number(values.seconds),
  seed: Number(values.seed),
};

const { faults, struck, heard, answers, after } = await runChaos(options);
console.log(`${heard} events up, ${answers} answers, both ways; left on the server:`, after);
console.table(struck);
for (const fault of faults) console.log(`FAIL ${fault}`);
console.log(`${faults.length} promises broken`);
process.exit(faults.length ? 1 : 0);
