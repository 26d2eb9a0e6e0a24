/** Plants each fault in a copy of the package and lets the simulation look for it. The shipped code has no switches. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PlantedFault, plantedFaults } from "./planted.ts";

const home = fileURLToPath(new URL("../..", import.meta.url));
const maxSeeds = 1000;

/** True where every fault (or the one named) was found. */
export function runPlanted(only: string | undefined): boolean {
  const faults = plantedFaults.filter(({ name }) => only === undefined || name.includes(only));
  const copy = mkdtempSync(join(tmpdir(), "planted-"));
  let missed = 0;
  try {
    for (const part of ["src", "test/sim", "package.json"]) {
      cpSync(join(home, part), join(copy, part), { recursive: true });
    }
    for (const fault of faults) {
      const verdict = lookFor(fault, copy);
      if (verdict === undefined) missed++;
      console.log(`${fault.name.padEnd(48)} ${verdict ?? `NOT FOUND in ${maxSeeds} seeds`}`);
    }
  } finally {
    rmSync(copy, { recursive: true });
  }
  console.log(`${faults.length - missed} of ${faults.length} planted faults found`);
  return missed === 0 && faults.length > 0;
}

/** How the fault showed itself, or `undefined`. */
function lookFor(fault: PlantedFault, copy: string): string | undefined {
  const originals = new Map<string, string>();
  for (const { file, find, replace } of fault.edits) {
    const path = join(copy, "src", file);
    const text = readFileSync(path, "utf8");
    const { length } = text.split(find);
    if (length !== 2) throw new Error(`"${fault.name}": its text is ${length - 1} times in ${file}`);
    if (!originals.has(path)) originals.set(path, text);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  const main = join(copy, "test/sim/main.ts");
  const options = ["--seeds", String(maxSeeds), "--brief"];
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...options], { encoding: "utf8" });
  for (const [path, text] of originals) writeFileSync(path, text);
  if (status === 0) return undefined;
  const found = /^seed (\d+) failed: (.*)/m.exec(stdout);
  if (!found) throw new Error(`"${fault.name}": the simulation itself failed\n${stdout}${stderr}`);
  return `seed ${found[1]}: ${found[2]}`;
}
