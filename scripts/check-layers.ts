/**
 * Fails where the house differs from its table (scripts/layers.ts); with `--write`, makes it agree. The arrows
 * themselves are kept by `tsc -b`, the forbidden globals by Biome.
 */
import { findBreaches, writeHouse } from "./layers.ts";
import { fromRoot } from "./paths.ts";

const root = fromRoot(".");
if (process.argv.includes("--write")) writeHouse(root);
const breaches = findBreaches(root);
for (const breach of breaches) console.error(breach);
process.exitCode = breaches.length === 0 ? 0 : 1;
