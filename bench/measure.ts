/** Measures one work on one server, each time in fresh processes. */
import { Child } from "./ipc.ts";
import type { LoadQuestion } from "./load/main.ts";
import type { ServerQuestion } from "./servers/application.ts";
import type { LoadResult, ServerName, Usage, Work } from "./works.ts";

export interface MeasureOptions {
  /** Length of the measured window. A third of it goes before, unmeasured. */
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

const servers: Readonly<Record<ServerName, URL>> = {
  bothways: new URL("./servers/bothways.ts", import.meta.url),
  floor: new URL("./servers/floor.ts", import.meta.url),
  before: new URL("./servers/before.ts", import.meta.url),
  socketio: new URL("./servers/socketio.ts", import.meta.url),
};
const loadGenerator = new URL("./load/main.ts", import.meta.url);

export async function measure(work: Work, server: ServerName, options: MeasureOptions): Promise<Sample> {
  const { against } = work;
  if (against === undefined) return measureOnce(work, server, options);
  const base = await measureOnce({ ...work, load: against }, server, options);
  const sample = await measureOnce(work, server, options);
  return { ...sample, value: sample.value / base.value };
}

async function measureOnce(
  work: Pick<Work, "load" | "measure">,
  server: ServerName,
  options: MeasureOptions,
): Promise<Sample> {
  const [serverCore, loadCore] = options.cores;
  const flags = options.profile ? ["--cpu-prof", `--cpu-prof-dir=${options.profile}`] : [];
  const subject = new Child(servers[server], serverCore, ["--expose-gc", ...flags]);
  const generator = new Child(loadGenerator, loadCore);
  const askServer = <Answer>(question: ServerQuestion): Promise<Answer> => subject.ask<Answer>(question);
  const askLoad = <Answer>(question: LoadQuestion): Promise<Answer> => generator.ask<Answer>(question);
  try {
    const port = await askServer<number>("port");
    await askLoad({ type: "prepare", task: { load: work.load, server, port } });
    const isTimed = work.load.type !== "connect" && work.load.type !== "round-trips";
    const ms = options.seconds * 1000;
    if (isTimed) await askLoad({ type: "run", ms: ms / 3 });
    const question = work.measure === "settled-rss" ? "settled-usage" : "usage";
    const before = await askServer<Usage>(question);
    const load = await askLoad<LoadResult>({ type: "run", ms });
    const after = await askServer<Usage>(question);
    const cpuUs = after.cpuUs - before.cpuUs;
    const rss = (after.rssBytes - before.rssBytes) / 1024 / load.items;
    const values = {
      cpu: cpuUs / load.items,
      rss,
      "settled-rss": rss,
      load: load.value ?? Number.NaN,
    };
    return {
      value: values[work.measure],
      itemsPerSecond: load.items / load.seconds,
      serverShare: work.measure === "settled-rss" ? undefined : cpuUs / 1e6 / load.seconds,
      load,
    };
  } finally {
    // the generator first: it takes a closed connection for an error
    await generator.stop();
    await subject.stop();
  }
}
