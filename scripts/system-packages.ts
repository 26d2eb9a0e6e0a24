/** Programs of the system that tests drive: found, or installed with apt-get where we may; never a download of our own. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a daemon is found on `PATH` or where systems keep daemons; `undefined` where there is none. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Installs Debian's package of that name where there is no such program. False where there is still none. */
export function ensureProgram(name: string): boolean {
  if (findProgram(name) === undefined) installPackage(name);
  return findProgram(name) !== undefined;
}

/** Installs Debian's package, without starting what it holds. Does nothing where we may not. */
export function installPackage(name: string): void {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return;
  console.log(`Installing ${name} with apt-get for the tests.`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  withoutServices(() => {
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", name]]) {
      spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
    }
  });
}

/** Debian asks this file before it starts a service (101: not allowed). */
const policyFile = "/usr/sbin/policy-rc.d";

function withoutServices(act: () => void): void {
  if (existsSync(policyFile)) return act();
  writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  act();
  rmSync(policyFile);
}
