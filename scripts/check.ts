/** `npm run check`: every static check, each to its end, so that one run shows all that is wrong. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { fromRoot } from "./paths.ts";

const checks: readonly string[] = ["types", "lint", "check:layers", "check:dead", "check:package", "size"];

export interface Totals {
  readonly passed: number;
  readonly failed: number;
}

/** Runs the checks on what has been built; prints what fails as it fails. */
export function runChecks(): Totals {
  const failed = checks.filter((name) => {
    console.log(`\n> ${name}`);
    const { status } = spawnSync("npm", ["run", "--silent", name], { cwd: fromRoot("."), stdio: "inherit" });
    return status !== 0;
  });
  if (failed.length > 0) console.error(`\nFailed checks: ${failed.join(", ")}`);
  return { passed: checks.length - failed.length, failed: failed.length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = runChecks().failed === 0 ? 0 : 1;
