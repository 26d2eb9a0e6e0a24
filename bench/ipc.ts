/** Questions and answers between the run and its child processes, over Node's IPC channel. One question at a time. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The cores this process may use, where the system tells and lets us choose among them. */
export function findCores(): number[] {
  if (spawnSync("taskset", ["-V"]).status !== 0) return [];
  const [, list = ""] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

export class Child {
  readonly #process: ChildProcess;
  readonly #script: string;

  /** `core` is where it stays, or `undefined` for anywhere. */
  constructor(script: URL, core: number | undefined, flags: readonly string[] = []) {
    const command = [process.execPath, ...flags, fileURLToPath(script)];
    const [file = "", ...args] = core === undefined ? command : ["taskset", "-c", String(core), ...command];
    this.#script = script.pathname;
    this.#process = spawn(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  ask<Answer>(question: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const exited = (): void => reject(new Error(`${this.#script} ended before it answered`));
      this.#process.once("exit", exited);
      this.#process.once("message", (answer) => {
        this.#process.off("exit", exited);
        resolve(answer as Answer);
      });
      this.#process.send(question as object, (error) => error && exited());
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) return resolve();
      this.#process.once("exit", () => resolve());
      this.#process.disconnect();
    });
  }
}

/** The child's side. It ends when the run lets go of it. */
export function answer<Question>(handle: (question: Question) => unknown): void {
  process.on("message", async (question) => process.send?.(await handle(question as Question)));
  process.on("disconnect", () => process.exit());
}

/** User and system time of this process so far, in µs. */
export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
