/** The rules of docs/protocol, "HTTP streams", for the server's half: each state of a link against each thing that can happen. */
import { describe, expect, test } from "vitest";
import type { Data } from "../../../src/model/message.ts";
import type { LinkHandler } from "../../../src/model/transport.ts";
import { createMultipartDecoder } from "../../../src/transport/client/multipart.ts";
import { multipartForm } from "../../../src/transport/node/multipart.ts";
import { sseForm } from "../../../src/transport/node/sse.ts";
import { streamForm } from "../../../src/transport/node/stream.ts";
import {
  type Stream,
  type StreamAnswer,
  type StreamForm,
  StreamLink,
} from "../../../src/transport/node/stream-link.ts";
import { EventStreamParser } from "../../../src/wire/eventstream/parser.ts";
import { createBodyDecoder } from "../../../src/wire/native/body-decoder.ts";

class FakeStream implements Stream {
  onGone: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  unsentBytes = 0;
  isFull = false;
  isStuck = false;
  readonly written: Data[] = [];

  write(chunk: Data): void {
    this.written.push(chunk);
    if (!this.isStuck) return;
    this.unsentBytes += chunk.length;
    this.isFull = this.unsentBytes > 10;
  }

  end(isUnread = false): void {
    this.written.push(isUnread ? "CUT" : "END");
  }

  drain(): void {
    this.isStuck = false;
    this.isFull = false;
    this.unsentBytes = 0;
    this.onDrain?.();
  }
}

class FakeAnswer implements StreamAnswer {
  isOver = false;
  onGone: (() => void) | undefined;
  readonly stream = new FakeStream();
  /** Status and frames, or what was written. */
  sent = "";

  send(status: number, frames: readonly Data[]): void {
    this.sent = `${status} ${frames.join("|")}`;
  }

  begin(contentType: string): Stream | undefined {
    if (this.isOver) return undefined;
    this.sent = contentType;
    return this.stream;
  }

  /** All that happened to it. */
  get said(): string {
    return [this.sent, ...this.stream.written].filter((each) => each !== "").join(" ");
  }
}

const form: StreamForm = { contentType: "text/x", prologue: "^", wrap: (frames) => `<${frames.join("|")}>` };

interface Bench {
  readonly link: StreamLink;
  readonly events: string[];
  readonly held: FakeAnswer;
  readonly answer: FakeAnswer;
  now: number;
}

function createBench(maxBytes = 100, maxAgeMs = 1000): Bench {
  const events: string[] = [];
  const bench: Bench = {
    events,
    held: new FakeAnswer(),
    answer: new FakeAnswer(),
    now: 0,
    link: new StreamLink("x", form, { maxBytes, maxAgeMs, now: (): number => bench.now }),
  };
  const handler: LinkHandler = {
    receive: (data) => events.push(`receive ${data}`),
    received: () => events.push("received"),
    writable: (goesOn) => events.push(goesOn ? "goes on" : "writable"),
    blocked: () => events.push("blocked"),
    position: () => "a7",
    buffered: (bytes) => events.push(`buffered ${bytes}`),
    lost: (code) => events.push(`lost ${code}`),
  };
  bench.link.bind(handler);
  return bench;
}

const states: Record<string, (bench: Bench) => void> = {
  fresh: () => {},
  open: ({ link, held }) => link.open(held),
  streaming: ({ link, held }) => link.start(5, [], held),
  filled: ({ link, held }) => {
    link.start(5, [], held);
    link.send({ data: "m1" });
  },
  full: ({ link, held }) => {
    link.start(5, [], held);
    held.stream.isStuck = true;
    link.send({ data: "m-long-enough" });
    link.flush();
  },
  idle: ({ link, held }) => {
    link.start(5, [], held);
    held.stream.onGone?.();
  },
  ended: ({ link }) => link.close(4409, "taken over"),
};

const calls: Record<string, (bench: Bench) => void> = {
  "start 5": ({ link, answer }) => link.start(5, ["a3"], answer),
  "start 6": ({ link, answer }) => link.start(6, ["a3"], answer),
  "start 6, gone": ({ link, answer }) => {
    answer.isOver = true;
    link.start(6, ["a3"], answer);
  },
  batch: ({ link, answer }) => link.batch(1, ["mx", "my"], answer),
  send: ({ link }) => {
    link.send({ data: "m2" });
    link.flush();
  },
  gone: ({ held }) => held.stream.onGone?.(),
  drained: ({ held }) => held.stream.drain(),
  close: ({ link }) => link.close(4000, "bye"),
  "close, slow": ({ link }) => link.close(4429, "slow"),
};

/** [events of the call, what the call's own answer says, what the held one says after it] */
type Outcome = readonly [events: string, answer?: string, held?: string];

const ack = "receive a3; received";
const took = "receive mx; receive my; received";
const begun = "text/x ^ <a7>";
const end = "409 c4409,taken over";
const long = "<m-long-enough>";

const outcomes: Record<string, Record<string, Outcome>> = {
  fresh: {
    "start 5": [`${ack}; writable`, begun],
    "start 6": [`${ack}; writable`, begun],
    "start 6, gone": [ack],
    batch: [took, "200 a7"],
    send: [""],
    gone: [""],
    drained: [""],
    close: [""],
    "close, slow": [""],
  },
  open: {
    "start 5": [`${ack}; writable`, begun],
    "start 6": [`${ack}; writable`, begun],
    "start 6, gone": [ack],
    batch: [took, "200 a7"],
    send: ["", "", "200 m2"],
    gone: [""],
    drained: [""],
    close: ["", "", "200 c4000,bye"],
    "close, slow": ["", "", "200 c4429,slow"],
  },
  streaming: {
    "start 5": [ack, "204 ", begun],
    "start 6": [`${ack}; writable`, begun, `${begun} END`],
    "start 6, gone": [`${ack}; blocked`, "", `${begun} END`],
    batch: [took, "200 a7", begun],
    send: ["", "", `${begun} <m2>`],
    gone: ["blocked", "", begun],
    drained: ["", "", begun],
    close: ["", "", `${begun} <c4000,bye> END`],
    "close, slow": ["", "", `${begun} <c4429,slow> END`],
  },
  filled: {
    "start 5": [ack, "204 ", begun],
    "start 6": [`${ack}; writable`, begun, `${begun} END`],
    "start 6, gone": [`${ack}; blocked`, "", `${begun} END`],
    batch: [took, "200 a7", begun],
    send: ["", "", `${begun} <m1|m2>`],
    gone: ["blocked", "", begun],
    drained: ["", "", begun],
    close: ["", "", `${begun} <m1|c4000,bye> END`],
    "close, slow": ["", "", `${begun} <m1|c4429,slow> END`],
  },
  full: {
    "start 5": [ack, "204 ", `${begun} ${long}`],
    "start 6": [`${ack}; buffered 0; writable`, begun, `${begun} ${long} CUT`],
    "start 6, gone": [`${ack}; buffered 0; blocked`, "", `${begun} ${long} CUT`],
    batch: [took, "200 a7", `${begun} ${long}`],
    send: ["buffered 19", "", `${begun} ${long} <m2>`],
    gone: ["buffered 0; blocked", "", `${begun} ${long}`],
    drained: ["goes on; buffered 0", "", `${begun} ${long}`],
    close: ["buffered 0", "", `${begun} ${long} <c4000,bye> END`],
    "close, slow": ["buffered 0", "", `${begun} ${long} CUT`],
  },
  idle: {
    "start 5": [ack, "204 ", begun],
    "start 6": [`${ack}; writable`, begun, begun],
    "start 6, gone": [ack, "", begun],
    batch: [took, "200 a7", begun],
    send: ["", "", begun],
    gone: ["", "", begun],
    drained: ["", "", begun],
    close: ["", "", begun],
    "close, slow": ["", "", begun],
  },
  ended: {
    "start 5": ["", end],
    "start 6": ["", end],
    "start 6, gone": ["", end],
    batch: ["", end],
    send: [""],
    gone: [""],
    drained: [""],
    close: [""],
    "close, slow": [""],
  },
};

describe("state × call", () => {
  const cases = Object.keys(states).flatMap((state) =>
    Object.keys(calls).map((call) => [state, call] as const),
  );
  test.each(cases)("%s: %s", (state, call) => {
    const bench = createBench();
    states[state]?.(bench);
    bench.events.length = 0;
    calls[call]?.(bench);
    const { events, answer, held } = bench;
    expect([events.join("; "), answer.said, held.said]).toEqual(
      Object.assign(["", "", ""], outcomes[state]?.[call]),
    );
  });
});

describe("a stream ends with the position, and the client begins the next", () => {
  test("when it has become long (option: maxStreamBytes)", () => {
    const { link, held, events, answer } = createBench(20);
    link.start(1, [], held);
    link.send({ data: "m-1" });
    link.flush();
    expect(held.said).toBe(`${begun} <m-1>`);
    link.send({ data: "m-2-is-longer" });
    link.flush();
    expect(held.said).toBe(`${begun} <m-1> <m-2-is-longer> <a7> END`);
    expect(events).toEqual(["received", "writable", "blocked"]);
    link.start(2, ["a9"], answer);
    expect(answer.said).toBe(begun);
  });

  test("when it has become old and there is something to say (option: maxStreamAge)", () => {
    const bench = createBench();
    const { link, held } = bench;
    link.start(1, [], held);
    bench.now = 1001;
    link.flush();
    expect(held.said).toBe(begun);
    link.send({ data: "p" });
    link.flush();
    expect(held.said).toBe(`${begun} <p> <a7> END`);
  });

  test("but not while its reader is behind", () => {
    const { link, held } = createBench(20);
    link.start(1, [], held);
    held.stream.isStuck = true;
    link.send({ data: "m-longer-than-it-may-be" });
    link.flush();
    expect(held.said).not.toContain("END");
    held.stream.drain();
    expect(held.said).toContain("<a7> END");
  });
});

test("a batch that is repeated is not taken again", () => {
  const { link, events, answer } = createBench();
  link.batch(1, ["mx"], answer);
  link.batch(1, ["mx"], answer);
  expect(events).toEqual(["receive mx", "received"]);
  expect(answer.sent).toBe("200 a7");
});

describe("forms", () => {
  const hostile = [
    "a1,2,3",
    'm2["</script>","\u2028","--bothways"]',
    "m한국어 🦊\0data:x",
    Uint8Array.of(0x6d, 13, 10, 13, 10, 0, 255),
    "mx",
  ];
  const bytesOf = (chunk: Data): Uint8Array =>
    typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;

  const readers: Record<string, { form: StreamForm; read: () => (chunk: Uint8Array) => Data[] | undefined }> =
    {
      stream: { form: streamForm, read: () => createBodyDecoder(1e6) },
      multipart: { form: multipartForm, read: () => createMultipartDecoder(1e6) },
      sse: {
        form: sseForm,
        read: () => {
          const parser = new EventStreamParser();
          return (chunk) =>
            parser.push(chunk)?.map(({ data }) => {
              return data[0] === "b" ? new Uint8Array(Buffer.from(data.slice(1), "base64url")) : data;
            });
        },
      },
    };

  test.each(Object.entries(readers))(
    "%s: nothing gets out of its frame",
    (_, { form: { prologue, wrap }, read }) => {
      const reader = read();
      const frames = [prologue, wrap(hostile), ...hostile.map((frame) => wrap([frame]))].flatMap(
        (chunk) => reader(bytesOf(chunk)) ?? ["malformed"],
      );
      expect(frames).toEqual([...hostile, ...hostile]);
    },
  );
});
