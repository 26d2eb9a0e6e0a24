/** Which transport is tried when, as a table: what happens, and what is dialed at which millisecond. */
import { describe, expect, test } from "vitest";
import { type Chooser, type CreateChooser, hedged, inTurn } from "../../src/client/chooser.ts";
import type { CoreOptions } from "../../src/client/options.ts";
import type { ReportAttempt, Verdict } from "../../src/client/report.ts";
import { createTransports, FakePlatform } from "./fake-world.ts";

const defaults = ["websocket", "stream", "sse", "long-polling"];
let hosts = 0;

/** A chooser whose host writes down what it dials, and does what a line of a script says. */
class Script {
  readonly dialed: string[] = [];
  readonly #platform: FakePlatform;
  readonly #names: readonly string[];
  readonly #startedAt = new Map<string, number>();
  readonly #chooser: Chooser;
  #isOpen = false;
  #cancel: (() => void) | undefined;

  constructor(
    create: CreateChooser,
    url: string,
    platform: FakePlatform,
    names: readonly string[],
    options: Partial<CoreOptions> = {},
  ) {
    this.#platform = platform;
    this.#names = names;
    const { transports } = createTransports(platform, names);
    const told = transports.map((transport) => ({
      ...transport,
      streams: ["stream", "sse"].includes(transport.name),
    }));
    this.#chooser = create(
      url,
      { ...options, transports: told },
      {
        platform,
        dial: (index) => {
          const name = names[index] ?? "";
          this.#startedAt.set(name, platform.now());
          this.dialed.push(`${name} ${platform.now()}`);
        },
        later: (action, delayMs) => {
          this.#cancel?.();
          this.#cancel = platform.setTimer(action, delayMs);
        },
      },
    );
  }

  /** `begin`, `forget`, `500 ms`, `stream opens`, `stream breaks`, `prefer stream`, `stream: buffered`. */
  run(line: string): void {
    const [first = "", second = ""] = line.split(/:? /);
    if (second === "ms") this.#platform.pass(Number(first));
    else if (first === "begin") this.#begin();
    else if (first === "forget") this.#chooser.forget(this.#isOpen);
    else if (first === "prefer") this.#chooser.prefer(this.#indexOf(second));
    else if (second === "opens") this.#open(first);
    else if (second === "breaks") this.#isOpen = false;
    else {
      const index = this.#indexOf(first);
      this.#chooser.judge({ index, row: { ...this.#row(first), reason: second } }, undefined);
      if (second !== "superseded") this.#chooser.failed(index, this.#isOpen);
    }
  }

  #begin(): void {
    this.#cancel?.();
    this.#chooser.begin();
  }

  #open(name: string): void {
    this.#isOpen = true;
    this.#cancel?.();
    this.#chooser.opened({ index: this.#indexOf(name), row: this.#row(name) }, []);
  }

  #row(transport: string): ReportAttempt {
    const startedAt = this.#startedAt.get(transport) ?? Number.NaN;
    const ms = this.#platform.now() - startedAt;
    return {
      transport,
      startedAt,
      ms,
      outcome: "pending",
      verdict: "pending",
      code: 0,
      status: 0,
      reason: "",
    };
  }

  #indexOf(name: string): number {
    const index = this.#names.indexOf(name);
    if (index < 0) throw new Error(`no transport ${name}`);
    return index;
  }
}

interface Row {
  readonly name: string;
  readonly names?: readonly string[];
  readonly options?: Partial<CoreOptions>;
  readonly script: readonly string[];
  readonly dialed: readonly string[];
}

const behindBuffering = ["begin", "websocket: blocked", "stream: buffered", "long-polling opens"];

const rows: readonly Row[] = [
  {
    name: "nothing is answered: one after the other, half a second apart, but one stream at a time",
    script: ["begin", "5000 ms"],
    dialed: ["websocket 0", "stream 500", "long-polling 1000"],
  },
  {
    name: "the first is refused: the next at once",
    script: ["begin", "20 ms", "websocket: blocked"],
    dialed: ["websocket 0", "stream 20"],
  },
  {
    name: "a stream that does not begin: long polling beside it, before the verdict",
    script: ["begin", "100 ms", "websocket: blocked", "600 ms"],
    dialed: ["websocket 0", "stream 100", "long-polling 600"],
  },
  {
    name: "a stream that fails when another technique is tried already: the next stream",
    script: ["begin", "1100 ms", "stream: lost"],
    dialed: ["websocket 0", "stream 500", "long-polling 1000", "sse 1100"],
  },
  {
    name: "a stream that fails otherwise: the next stream",
    script: ["begin", "websocket: blocked", "stream: blocked", "sse: blocked"],
    dialed: ["websocket 0", "stream 0", "sse 0", "long-polling 0"],
  },
  {
    name: "after the verdict no stream in this round",
    script: ["begin", "websocket: blocked", "stream: buffered", "5000 ms"],
    dialed: ["websocket 0", "stream 0", "long-polling 0"],
  },
  {
    name: "nor when something better is tried later, nor when the connection broke, for half an hour",
    script: [...behindBuffering, "16000 ms", "websocket: blocked", "long-polling breaks", "begin", "10 ms"],
    dialed: ["websocket 0", "stream 0", "long-polling 0", "websocket 16000", "long-polling 16000"],
  },
  {
    name: "then everything is tried anew",
    script: [...behindBuffering, "long-polling breaks", "1800000 ms", "begin", "websocket: blocked"],
    options: { upgrade: false },
    dialed: ["websocket 0", "stream 0", "long-polling 0", "websocket 1800000", "stream 1800000"],
  },
  {
    name: "where there are only streams, they are tried all the same",
    names: ["stream", "sse"],
    script: ["begin", "stream: buffered", "begin"],
    dialed: ["stream 0", "stream 0"],
  },
  {
    name: "a round that opened nothing: what was learned is forgotten",
    script: [
      ...behindBuffering,
      "long-polling breaks",
      "begin",
      "long-polling: lost",
      "websocket: lost",
      "begin",
    ],
    options: { upgrade: false },
    dialed: ["websocket 0", "stream 0", "long-polling 0", "long-polling 0", "websocket 0", "websocket 0"],
  },
  {
    name: "another network: what was learned is forgotten, and the better ones are tried soon",
    script: [...behindBuffering, "100 ms", "forget", "1000 ms", "websocket: blocked"],
    dialed: ["websocket 0", "stream 0", "long-polling 0", "websocket 1100", "stream 1100"],
  },
  {
    name: "another network while nothing is open: the next round begins with the best",
    script: [...behindBuffering, "long-polling breaks", "forget", "begin"],
    dialed: ["websocket 0", "stream 0", "long-polling 0", "websocket 0"],
  },
  {
    name: "one that was only slow is tried again in a second, and all that is better than what opened",
    script: ["begin", "1100 ms", "long-polling opens", "1000 ms", "websocket: blocked", "stream: lost"],
    dialed: ["websocket 0", "stream 500", "long-polling 1000", "websocket 2100", "stream 2100", "sse 2100"],
  },
  {
    name: "the best opens after all: nothing more is tried",
    script: ["begin", "600 ms", "stream opens", "1000 ms", "websocket opens", "400000 ms"],
    dialed: ["websocket 0", "stream 500", "websocket 1600"],
  },
  {
    name: "better ones are left alone (option: client upgrade)",
    options: { upgrade: false },
    script: ["begin", "600 ms", "stream opens", "400000 ms"],
    dialed: ["websocket 0", "stream 500"],
  },
  {
    name: "what opened is begun with",
    script: ["begin", "websocket: lost", "20 ms", "stream opens", "stream breaks", "begin", "stream: lost"],
    dialed: ["websocket 0", "stream 0", "stream 20", "websocket 20"],
  },
  {
    name: "one that took long is waited for a second, and no longer",
    script: ["begin", "400 ms", "websocket opens", "websocket breaks", "begin", "5000 ms"],
    dialed: ["websocket 0", "websocket 400", "stream 1200", "long-polling 2000"],
  },
  {
    name: "one that took very long",
    names: ["websocket", "long-polling"],
    script: ["begin", "3000 ms", "websocket opens", "websocket breaks", "begin", "5000 ms"],
    dialed: ["websocket 0", "long-polling 500", "websocket 3000", "long-polling 4000"],
  },
  {
    name: "the delay that is wished (option: client hedgeDelay)",
    options: { hedgeDelay: 50 },
    script: ["begin", "1000 ms"],
    dialed: ["websocket 0", "stream 50", "long-polling 100"],
  },
  {
    name: "the one that is wished is the best",
    script: [
      "begin",
      "websocket opens",
      "prefer sse",
      "sse opens",
      "400000 ms",
      "sse breaks",
      "begin",
      "sse: lost",
    ],
    dialed: ["websocket 0", "sse 400000", "websocket 400000"],
  },
  {
    name: "a wish that fails is tried again, and nothing else",
    script: ["begin", "websocket opens", "prefer sse", "sse: lost", "16000 ms"],
    dialed: ["websocket 0", "sse 16000"],
  },
];

describe("hedged", () => {
  test.each(rows)("$name", ({ names = defaults, options, script, dialed }) => {
    const run = new Script(hedged, `http://chooser-${++hosts}`, new FakePlatform(), names, options);
    for (const line of script) run.run(line);
    expect(run.dialed).toEqual(dialed);
  });

  test("what was learned holds for every connection to the URL, and for no other", () => {
    const platform = new FakePlatform();
    const url = `http://chooser-${++hosts}`;
    const first = new Script(hedged, url, platform, defaults);
    for (const line of behindBuffering) first.run(line);
    const second = new Script(hedged, url, platform, defaults);
    const other = new Script(hedged, `${url}/other`, platform, defaults);
    for (const line of ["begin", "2000 ms"]) for (const script of [second, other]) script.run(line);
    expect(second.dialed).toEqual(["long-polling 0", "websocket 400"]);
    expect(other.dialed).toEqual(["websocket 0", "stream 500", "long-polling 1000"]);
  });

  test("whatever fails in whatever order: every round tries something, and stops only when all was tried", () => {
    const verdicts: readonly Verdict[] = ["lost", "blocked", "buffered", "timeout"];
    for (let seed = 0; seed < 4 ** 4; seed++) {
      const run = new Script(hedged, `http://chooser-${++hosts}`, new FakePlatform(), defaults);
      for (let round = 0; round < 3; round++) {
        const before = run.dialed.length;
        run.run("begin");
        for (let next = before; next < run.dialed.length; next++) {
          const name = run.dialed[next]?.split(" ")[0] ?? "";
          run.run(`${name}: ${verdicts[Math.floor(seed / 4 ** defaults.indexOf(name)) % 4]}`);
        }
        const tried = run.dialed.slice(before).map((entry) => entry.split(" ")[0]);
        expect(tried).toContain("websocket");
        expect(tried).toContain("long-polling");
      }
    }
  });
});

describe("in turn", () => {
  const inTurnRows: readonly Row[] = [
    { name: "one after the other", script: ["begin", "5000 ms", "a: lost"], dialed: ["a 0", "b 5000"] },
    { name: "until all were tried", script: ["begin", "a: lost", "b: lost"], dialed: ["a 0", "b 0"] },
    { name: "what is wished first", script: ["prefer b", "begin", "b: lost"], dialed: ["b 0", "a 0"] },
    {
      name: "a better one is not sought",
      script: ["begin", "a: lost", "b opens", "a: lost"],
      dialed: ["a 0", "b 0"],
    },
  ];

  test.each(inTurnRows)("$name", ({ script, dialed }) => {
    const run = new Script(inTurn, "http://any", new FakePlatform(), ["a", "b"]);
    for (const line of script) run.run(line);
    expect(run.dialed).toEqual(dialed);
  });
});
