/**
 * Hostile peers of every kind against a server that also serves honest ones: server, honest clients and crowd are a
 * process each. What matters is in {@link Outcome}.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { HonestResult } from "./honest.ts";
import type { Verdict } from "./server.ts";

export interface RunOptions {
  readonly honest: number;
  readonly hostile: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface Outcome {
  /** Milliseconds from question to answer, of honest clients under attack. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly answers: number;
  readonly failures: readonly string[];
  /** The same before the attack began. */
  readonly quietP99Ms: number;
  /** Of the server while it was attacked, and when everyone had left. */
  readonly attacked: Verdict;
  readonly after: Verdict;
  readonly hasCrashed: boolean;
}

/**
 * The server has a core that the others do not use, where there are two and the system lets us choose; and the second
 * one too, since V8's threads that mark garbage would else take turns with the server itself.
 */
const cores = { server: "0-1", honest: "1", crowd: "1" } as const;
const canPin = availableParallelism() > 1 && spawnSync("taskset", ["-V"]).status === 0;

/** So long at the most until the server has forgotten everyone. */
const FORGET_MS = 40_000;

export async function runHostile({ honest, hostile, seconds, seed }: RunOptions): Promise<Outcome> {
  const children: ChildProcess[] = [];
  const start = (name: keyof typeof cores, ...args: number[]): ChildProcess => {
    const path = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
    const command = [process.execPath, "--max-old-space-size=1024", path, ...args.map(String)];
    const [file = "", ...rest] = canPin ? ["taskset", "-c", cores[name], ...command] : command;
    const child = spawn(file, rest, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    children.push(child);
    return child;
  };
  try {
    const server = start("server");
    const { port } = await message<{ port: number }>(server);
    const quiet = await measure(start("honest", port, honest, 3), async () => {});
    let attacked: Verdict | undefined;
    const underAttack = await measure(start("honest", port, honest, seconds), async () => {
      const crowd = start("crowd", port, hostile, seed);
      // what is measured is what the crowd does to the server, not what it takes from the honest on its own side
      setPriority(Number(crowd.pid), 10);
      await message(crowd);
      return async () => {
        attacked = await judge(server);
        crowd.send("stop");
        await once(crowd, "exit");
      };
    });
    const after = await forgotten(server);
    const sorted = underAttack.latenciesMs.toSorted((one, other) => one - other);
    return {
      p50Ms: at(sorted, 0.5),
      p99Ms: at(sorted, 0.99),
      maxMs: at(sorted, 1),
      answers: sorted.length,
      failures: underAttack.failures,
      quietP99Ms: at(
        quiet.latenciesMs.toSorted((one, other) => one - other),
        0.99,
      ),
      attacked: attacked ?? after,
      after,
      hasCrashed: server.exitCode !== null,
    };
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

/** Honest clients join; `prepare` runs, then they are measured; what it returned runs when they are done. */
async function measure(
  child: ChildProcess,
  prepare: () => Promise<(() => Promise<void>) | void>,
): Promise<HonestResult> {
  await message(child);
  const end = await prepare();
  child.send("begin");
  const result = await message<HonestResult>(child);
  await end?.();
  child.send("end");
  await once(child, "exit");
  return result;
}

function judge(server: ChildProcess): Promise<Verdict> {
  server.send("judge");
  return message<Verdict>(server);
}

async function forgotten(server: ChildProcess): Promise<Verdict> {
  const end = performance.now() + FORGET_MS;
  for (;;) {
    const verdict = await judge(server);
    if (verdict.clients + verdict.openRequests === 0 || performance.now() > end) return verdict;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The child's next message; rejects if it ends first. */
function message<Message = unknown>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`${child.spawnargs[1]} ended with ${code}`));
    child.once("exit", gone);
    child.once("message", (value) => {
      child.off("exit", gone);
      resolve(value as Message);
    });
  });
}

function at(sorted: readonly number[], part: number): number {
  return Number(
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN).toFixed(1),
  );
}
