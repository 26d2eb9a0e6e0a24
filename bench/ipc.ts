/** Questions and answers between the run and its child processes, over Node's IPC channel. One question at a time. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

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
  readonly #name: string;

  /** `core` is where it stays, or `undefined` for anywhere. */
  constructor(command: readonly string[], core: number | undefined) {
    const [file = "", ...args] = core === undefined ? command : ["taskset", "-c", String(core), ...command];
    this.#name = command.join(" ");
    this.#process = spawn(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  ask<Answer>(question: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const exited = (): void => reject(new Error(`${this.#name} ended before it answered`));
      this.#process.once("exit", exited);
      this.#process.once("message", (answer: object) => {
        this.#process.off("exit", exited);
        if ("failed" in answer) reject(new Error(String(answer.failed)));
        else resolve(answer as Answer);
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
  process.on("message", async (question) => {
    try {
      process.send?.(await handle(question as Question));
    } catch (error) {
      process.send?.({ failed: String(error) });
    }
  });
  process.on("disconnect", () => process.exit());
}
