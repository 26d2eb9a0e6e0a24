/** Measures one work on one server, each time in fresh processes. */
import { fileURLToPath } from "node:url";
import { commandOf, type Program } from "./groups.ts";
import { Child } from "./ipc.ts";
import type { LoadQuestion } from "./load/main.ts";
import type { ServerQuestion } from "./servers/process.js";
import type { LoadResult, Usage, Work } from "./works.ts";

export interface MeasureOptions {
  /** Length of the measured window where the server has its core for itself; where it has not, the window is longer. */
  readonly seconds: number;
  /** Where the server runs and where the load generator does; empty for anywhere. */
  readonly cores: readonly number[];
  /** A folder for CPU profiles of the server. */
  readonly profile: string | undefined;
}

export interface Sample {
  /** In the work's unit. */
  readonly value: number;
  readonly itemsPerSecond: number;
  /** Server CPU time divided by the time that passed; not told where garbage was collected beside the window. */
  readonly serverShare: number | undefined;
  readonly load: LoadResult;
}

/** Rejects with the reason where the server cannot do the work. */
export async function measure(work: Work, program: Program, options: MeasureOptions): Promise<Sample> {
  const reason = work.unable?.[program.name];
  if (reason !== undefined) throw new Error(reason);
  if (work.against === undefined) return measureOnce(work, program, options);
  const base = await measureOnce({ ...work, ...work.against }, program, options);
  const sample = await measureOnce(work, program, options);
  return { ...sample, value: sample.value / base.value };
}

/** A window is at most so many times as long as it would be on an idle machine. */
const mostStretch = 3;

async function measureOnce(work: Work, program: Program, options: MeasureOptions): Promise<Sample> {
  const [serverCore, loadCore] = options.cores;
  const { application, seconds = options.seconds } = work;
  const task = work.loads?.[program.name] ?? work.load;
  const command = commandOf(program, options.profile);
  const server = new Child([...command, JSON.stringify(application ?? {})], serverCore);
  const generator = new Child(
    [process.execPath, fileURLToPath(new URL("./load/main.ts", import.meta.url))],
    loadCore,
  );
  const askServer = <Answer>(question: ServerQuestion): Promise<Answer> => server.ask<Answer>(question);
  const askLoad = <Answer>(question: LoadQuestion): Promise<Answer> => generator.ask<Answer>(question);
  try {
    const { port } = await askServer<{ port: number }>({ type: "port" });
    await askLoad({ type: "prepare", task: { load: task, application, server: program.name, port } });
    const isTimed = task.type !== "connect" && task.type !== "round-trips";
    // what clients bring with them as they begin to talk is no growth
    const warmSeconds = work.measure === "growth" ? seconds : seconds / 3;
    const share = isTimed ? await warmUp(askServer, askLoad, warmSeconds) : 1;
    const ms = seconds * 1000 * Math.min(1 / share, mostStretch);
    const isSettled = work.measure === "settled-rss" || work.measure === "growth";
    const question: ServerQuestion = { type: isSettled ? "settled-usage" : "usage" };
    const before = await askServer<Usage>(question);
    const load = await askLoad<LoadResult>({ type: "run", ms });
    const after = await askServer<Usage>(question);
    const cpuUs = after.cpuUs - before.cpuUs;
    const grownKib = (after.rssBytes - before.rssBytes) / 1024;
    const values = {
      cpu: cpuUs / load.items,
      rss: grownKib / load.items,
      "settled-rss": grownKib / load.items,
      growth: grownKib / 1024,
      load: load.value ?? Number.NaN,
    };
    return {
      value: values[work.measure],
      itemsPerSecond: load.items / load.seconds,
      serverShare: isSettled ? undefined : cpuUs / 1e6 / load.seconds,
      load,
    };
  } finally {
    // the generator first: it takes a closed connection for an error
    await generator.stop();
    await server.stop();
  }
}

/**
 * Runs the load unmeasured until the server has used that much CPU time, since it is code that gets warm and not the
 * clock. Returns the share of a core that the server got.
 */
async function warmUp(
  askServer: (question: ServerQuestion) => Promise<Usage>,
  askLoad: (question: LoadQuestion) => Promise<LoadResult>,
  seconds: number,
): Promise<number> {
  const { cpuUs: before } = await askServer({ type: "usage" });
  let passed = 0;
  let used = 0;
  while (used < seconds * 0.7 && passed < seconds * mostStretch) {
    passed += (await askLoad({ type: "run", ms: seconds * 1000 })).seconds;
    used = ((await askServer({ type: "usage" })).cpuUs - before) / 1e6;
  }
  return used / passed;
}
