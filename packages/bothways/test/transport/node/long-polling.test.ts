/** The polling rules of docs/protocol: each state of a link against each thing that can happen to it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import type { LinkHandler } from "../../../src/model/transport.ts";
import type { Answer } from "../../../src/transport/node/exchange-link.ts";
import { PollingLink } from "../../../src/transport/node/long-polling.ts";

class FakeAnswer implements Answer {
  isOver = false;
  onGone: (() => void) | undefined;
  readonly sent: { status: number; frames: readonly Data[] }[] = [];

  send(status: number, frames: readonly Data[]): void {
    this.isOver = true;
    this.sent.push({ status, frames });
  }

  leave(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onGone?.();
  }
}

interface Bench {
  readonly link: PollingLink;
  readonly events: string[];
  /** What is held before the call under test. */
  readonly held: FakeAnswer;
  /** Of the call under test. */
  readonly answer: FakeAnswer;
  onReceive: (data: Data) => void;
}

function createBench(): Bench {
  const events: string[] = [];
  const link = new PollingLink();
  const bench: Bench = {
    link,
    events,
    held: new FakeAnswer(),
    answer: new FakeAnswer(),
    onReceive: () => {},
  };
  const handler: LinkHandler = {
    receive(data) {
      events.push(`receive ${data}`);
      bench.onReceive(data);
    },
    received: () => events.push("received"),
    writable: () => events.push("writable"),
    blocked: () => events.push("blocked"),
    position: () => "a7,100,1000",
    lost: (code) => events.push(`lost ${code}`),
  };
  link.bind(handler);
  return bench;
}

const states: Record<string, (bench: Bench) => void> = {
  fresh: () => {},
  open: ({ link, held }) => link.open(held),
  idle: ({ link }) => {
    const answer = new FakeAnswer();
    link.poll(5, [], answer);
    answer.leave();
  },
  held: ({ link, held }) => link.poll(5, [], held),
  filled: ({ link, held }) => {
    link.poll(5, [], held);
    link.send({ data: "m1" });
  },
  ended: ({ link }) => link.close(4409, "taken over"),
};

const calls: Record<string, (bench: Bench) => void> = {
  "poll 1": ({ link, answer }) => link.poll(1, ["a3,9,9"], answer),
  "poll 5": ({ link, answer }) => link.poll(5, ["a3,9,9"], answer),
  "poll 6": ({ link, answer }) => link.poll(6, ["a3,9,9"], answer),
  "poll 6, gone": ({ link, answer }) => {
    answer.leave();
    link.poll(6, ["a3,9,9"], answer);
  },
  batch: ({ link, answer }) => link.batch(1, ["mx", "my"], answer),
  flush: ({ link }) => link.flush(),
  gone: ({ held }) => held.leave(),
  close: ({ link }) => link.close(4000, "bye"),
};

/** [events of the call, what the call's own answer says, what the held one says] */
type Outcome = readonly [events: string, answer?: string, held?: string];

const ack = "receive a3,9,9; received";
const held = `${ack}; writable`;
const batch = "receive mx; receive my; received";
const end = "409 c4409,taken over";

const outcomes: Record<string, Record<string, Outcome>> = {
  fresh: {
    "poll 1": [held],
    "poll 5": [held],
    "poll 6": [held],
    "poll 6, gone": [ack],
    batch: [batch, "200 a7,100,1000"],
    flush: [""],
    gone: [""],
    close: [""],
  },
  open: {
    "poll 1": [held, undefined, "200 "],
    "poll 5": [held, undefined, "200 "],
    "poll 6": [held, undefined, "200 "],
    "poll 6, gone": [`${ack}; blocked`, undefined, "200 "],
    batch: [batch, "200 a7,100,1000"],
    flush: [""],
    gone: ["blocked"],
    close: ["", undefined, "200 c4000,bye"],
  },
  idle: {
    "poll 1": [ack, "200 "],
    "poll 5": [ack, "200 "],
    "poll 6": [held],
    "poll 6, gone": [ack],
    batch: [batch, "200 a7,100,1000"],
    flush: [""],
    gone: [""],
    close: [""],
  },
  held: {
    "poll 1": [ack, "200 "],
    "poll 5": [ack, "200 "],
    "poll 6": [held, undefined, "200 "],
    "poll 6, gone": [`${ack}; blocked`, undefined, "200 "],
    batch: [batch, "200 a7,100,1000"],
    flush: [""],
    gone: ["blocked"],
    close: ["", undefined, "200 c4000,bye"],
  },
  filled: {
    "poll 1": [ack, "200 "],
    "poll 5": [ack, "200 "],
    "poll 6": [held, undefined, "200 "],
    "poll 6, gone": [`${ack}; blocked`, undefined, "200 "],
    batch: [batch, "200 a7,100,1000"],
    flush: ["blocked", undefined, "200 m1"],
    gone: ["blocked"],
    close: ["", undefined, "200 m1|c4000,bye"],
  },
  ended: {
    "poll 1": ["", end],
    "poll 5": ["", end],
    "poll 6": ["", end],
    "poll 6, gone": ["", end],
    batch: ["", end],
    flush: [""],
    gone: [""],
    close: [""],
  },
};

function describeSent({ sent }: FakeAnswer): string | undefined {
  expect(sent.length).toBeLessThanOrEqual(1);
  const first = sent[0];
  return first && `${first.status} ${first.frames.join("|")}`;
}

const pairs = Object.entries(outcomes).flatMap(([state, row]) =>
  Object.entries(row).map(([call, outcome]) => [state, call, outcome] as const),
);

describe("each state × each call", () => {
  test.each(pairs)("%s × %s", (state, call, [events, answer, held]) => {
    const bench = createBench();
    states[state]?.(bench);
    bench.events.length = 0;
    calls[call]?.(bench);
    expect(bench.events.join("; ")).toBe(events);
    expect(describeSent(bench.answer)).toBe(answer);
    expect(describeSent(bench.held)).toBe(held);
  });

  test("is in the table", () => {
    expect(pairs.length).toBe(Object.keys(states).length * Object.keys(calls).length);
  });
});

describe("polling", () => {
  test("a batch that was not flushed when the poll went away is not sent with the next one", () => {
    const { link, held, answer } = createBench();
    link.open(held);
    link.send({ data: "m1" });
    held.leave();
    link.poll(1, [], answer);
    link.flush();
    expect(answer.sent).toEqual([]);
  });

  test("the client's position is known before the link is writable", () => {
    const { link, events, answer } = createBench();
    link.poll(1, ["a1,9,9"], answer);
    expect(events.indexOf("receive a1,9,9")).toBeLessThan(events.indexOf("writable"));
  });

  test("a link closed by what a batch held answers the batch with its end and reads no further", () => {
    const bench = createBench();
    bench.link.open(bench.held);
    bench.onReceive = () => bench.link.close(4400, "not a frame");
    bench.link.batch(1, ["?", "my"], bench.answer);
    expect(bench.events).toEqual(["writable", "receive ?"]);
    expect(describeSent(bench.answer)).toBe("200 c4400,not a frame");
    expect(describeSent(bench.held)).toBe("200 c4400,not a frame");
  });

  test("a batch that comes again is answered, and its frames are not taken twice", () => {
    const bench = createBench();
    bench.link.batch(1, ["vx"], new FakeAnswer());
    bench.events.length = 0;
    bench.link.batch(1, ["vx"], bench.answer);
    expect(bench.events).toEqual([]);
    expect(describeSent(bench.answer)).toMatch(/^200 a/);
    bench.link.batch(2, ["vy"], new FakeAnswer());
    expect(bench.events).toContain("receive vy");
  });

  test("an older held poll that ends late does not block the newer one", () => {
    const { link, events, held, answer } = createBench();
    link.poll(1, [], held);
    link.poll(2, [], answer);
    held.onGone?.();
    link.send({ data: "m1" });
    link.flush();
    expect(events).toEqual(["received", "writable", "received", "writable", "blocked"]);
    expect(describeSent(answer)).toBe("200 m1");
  });

  test("whatever happens, each request is answered once, is gone, or is the one held", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("poll" as const), sequence: fc.nat(6) }),
      fc.record({ kind: fc.constantFrom("batch" as const, "write" as const) }),
      fc.record({ kind: fc.constant("leave" as const), index: fc.nat(6) }),
      fc.record({ kind: fc.constant("close" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { link, events } = createBench();
        const answers: FakeAnswer[] = [];
        const isWritable = () => events.findLast((event) => /writable|blocked/.test(event)) === "writable";
        const take = () => answers[answers.push(new FakeAnswer()) - 1] as FakeAnswer;
        let isClosed = false;
        link.open(take());
        for (const step of steps) {
          if (step.kind === "poll") link.poll(step.sequence, [], take());
          else if (step.kind === "batch") link.batch(1, [], take());
          else if (step.kind === "leave") answers[step.index]?.leave();
          else if (step.kind === "close") {
            link.close(4000, "bye");
            isClosed = true;
          } else if (isWritable() && !isClosed) {
            link.send({ data: "m1" });
            link.flush();
          }
          const open = answers.filter((answer) => !answer.isOver);
          expect(answers.every(({ sent }) => sent.length <= 1)).toBe(true);
          expect(open.length).toBe(!isClosed && isWritable() ? 1 : 0);
        }
        const datas = answers
          .flatMap(({ sent }) => sent.flatMap(({ frames }) => frames))
          .filter((f) => f === "m1");
        expect(datas.length).toBe(events.filter((event) => event === "blocked").length - gone(answers));
      }),
    );
  });
});

/** Answers that were held when their client left: each blocked the link without carrying anything. */
function gone(answers: FakeAnswer[]): number {
  return answers.filter(({ isOver, sent }) => isOver && sent.length === 0).length;
}
