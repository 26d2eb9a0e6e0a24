/** Bun as a peer: its binary comes with npm, and is run as it is, without the package's install script. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const folder = dirname(fileURLToPath(import.meta.url));

/** Undefined on platforms that Bun has no package for. */
export function findBun(): string | undefined {
  const { platform, arch } = process;
  const packages = [`bun-${platform}-${arch === "arm64" ? "aarch64" : arch}`].flatMap((name) => [
    name,
    `${name}-musl`,
  ]);
  const modules = join(dirname(createRequire(import.meta.url).resolve("bun/package.json")), "..");
  return packages
    .map((name) => join(modules, "@oven", name, "bin", platform === "win32" ? "bun.exe" : "bun"))
    .find((path) => existsSync(path));
}

/** Runs a file of this folder until the test is over. What it prints comes line by line. */
export function runBun(file: string, ...args: string[]): AsyncIterableIterator<string> {
  const child = spawn(findBun() ?? "", ["run", join(folder, file), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" },
  });
  onTestFinished(() => void child.kill());
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}
