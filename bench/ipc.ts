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
  #failure: Error;
  #settle: ((answer: unknown) => void) | undefined;

  /** `core` is where it stays, or `undefined` for anywhere. */
  constructor(command: readonly string[], core: number | undefined) {
    const [file = "", ...args] = core === undefined ? command : ["taskset", "-c", String(core), ...command];
    this.#failure = new Error(`${command.join(" ")} ended before it answered`);
    this.#process = spawn(file, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#process.on("message", (answer: object) => {
      if ("failed" in answer) this.#failure = new Error(String(answer.failed));
      else this.#settle?.(answer);
    });
  }

  /** Rejects with what the child has told as its failure. */
  ask<Answer>(question: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const exited = (): void => reject(this.#failure);
      this.#process.once("exit", exited);
      this.#settle = (answer) => {
        this.#process.off("exit", exited);
        resolve(answer as Answer);
      };
      if (this.#hasEnded) return exited();
      this.#process.send(question, () => {});
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasEnded) return resolve();
      this.#process.once("exit", () => resolve());
      if (this.#process.connected) this.#process.disconnect();
    });
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}
