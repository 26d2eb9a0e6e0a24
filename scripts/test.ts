/**
 * `npm test`: Chromium, nginx and haproxy, build, every static check, every test. The last line is
 * `total: N passed, N failed`, in which each static check counts as one.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks, type Totals } from "./check.ts";
import { ensureChromium } from "./chromium.ts";
import { fromRoot } from "./paths.ts";
import { ensureProgram } from "./system-packages.ts";

const { passed, failed } = runAll();
console.log(`\ntotal: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function runAll(): Totals {
  if (!ensureChromium()) {
    console.error("No Chromium found: install `chromium` (Debian, Ubuntu) or set CHROMIUM_PATH.");
    return { passed: 0, failed: 1 };
  }
  const missing = ["nginx", "haproxy"].filter((name) => !ensureProgram(name));
  if (missing.length > 0) {
    console.error(
      `Not found: install ${missing.join(" and ")} (Debian, Ubuntu), which some tests run behind.`,
    );
    return { passed: 0, failed: 1 };
  }
  if (!run("npm", ["run", "--silent", "build"])) return { passed: 0, failed: 1 };
  const checks = runChecks();
  const tests = runVitest();
  return { passed: checks.passed + tests.passed, failed: checks.failed + tests.failed };
}

function runVitest(): Totals {
  const folder = mkdtempSync(join(tmpdir(), "bothways-test-"));
  const report = join(folder, "report.json");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const isGreen = run("vitest", args);
  const { passed, failed } = readReport(report);
  rmSync(folder, { recursive: true });
  // A suite that fails to load, or an error outside any test, fails the run with no failed test to count.
  return { passed, failed: isGreen ? failed : Math.max(failed, 1) };
}

function readReport(path: string): Totals {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(path, "utf8"));
    return { passed: Number(numPassedTests), failed: Number(numFailedTests) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { cwd: fromRoot("."), stdio: "inherit" }).status === 0;
}
