import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorTable } from "../../../src/model/errors.ts";
import {
  type ConnectionInput,
  type ConnectionState,
  createConnection,
  transitions,
} from "../../../src/wire/websocket/connection.ts";
import { FrameOutput } from "../../../src/wire/websocket/output.ts";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { encodeTextFrame } from "../../../src/wire/websocket/serializer.ts";
import {
  closePayload,
  createRecordedConnection,
  decodeFrames,
  type FrameParts,
  hex,
  joinBytes,
  primitives,
  type RecordedConnection,
  rawFrame,
  testMask,
  utf8,
} from "./harness.ts";

const roles = ["server", "client"] as const;
const states = Object.keys(transitions) as ConnectionState[];
const inputs = Object.keys(transitions.open) as ConnectionInput[];

/** A frame as the peer of `role` sends it. */
function fromPeer(role: Role, parts: FrameParts): Uint8Array {
  return rawFrame({ mask: role === "server" ? testMask : undefined, ...parts });
}

function apply({ connection }: RecordedConnection, role: Role, input: ConnectionInput): void {
  if (input === "close") connection.close(1001, "leaving");
  if (input === "peerClose")
    connection.receive(fromPeer(role, { opcode: 8, payload: closePayload(4000, "done") }));
  if (input === "fault") connection.receive(fromPeer(role, { opcode: 3 }));
  if (input === "peerEnd") connection.receiveEnd();
}

/** Shortest ways into each state. */
const waysInto: Record<ConnectionState, ConnectionInput[][]> = {
  open: [[]],
  closing: [["close"]],
  ending: [["peerClose"], ["fault"], ["close", "peerClose"], ["close", "fault"]],
  closed: [["peerEnd"], ["close", "peerEnd"], ["peerClose", "peerEnd"], ["fault", "peerEnd"]],
};

describe.each(roles)("every state × input, %s", (role) => {
  const cases = states.flatMap((state) =>
    waysInto[state].flatMap((way) => inputs.map((input) => ({ state, way, input }))),
  );

  test.each(cases)("$state (by $way) × $input", ({ state, way, input }) => {
    const recorded = createRecordedConnection(role);
    for (const step of way) apply(recorded, role, step);
    expect(recorded.connection.state).toBe(state);
    const framesBefore = recorded.takeFrames().length;
    const eventsBefore = recorded.events.length;
    apply(recorded, role, input);
    const after = transitions[state][input];
    expect(recorded.connection.state).toBe(after);

    const isCloseWritten = state === "open" && input !== "peerEnd";
    expect(recorded.takeFrames().map((frame) => frame.opcode)).toEqual(isCloseWritten ? [8] : []);
    expect(framesBefore).toBeLessThanOrEqual(1);
    const isFinished = (s: ConnectionState) => s === "ending" || s === "closed";
    const closedEvents = recorded.events.slice(eventsBefore).filter(([name]) => name === "closed");
    expect(closedEvents).toHaveLength(isFinished(after) && !isFinished(state) ? 1 : 0);
  });

  test("RFC6455-5.5.1-4 RFC6455-6.1-3 whatever happens, `closed` and `end` come once, and nothing after them", () => {
    const step = fc.constantFrom(...inputs);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const recorded = createRecordedConnection(role);
        for (const input of [...steps, "peerEnd"] as const) {
          apply(recorded, role, input);
          recorded.connection.receive(fromPeer(role, { opcode: 1, payload: "late" }));
          recorded.connection.sendText("late");
        }
        const names = recorded.events.map(([name]) => name);
        expect(names.filter((name) => name === "closed")).toHaveLength(1);
        expect(names.filter((name) => name === "end")).toHaveLength(1);
        expect(names.lastIndexOf("text")).toBeLessThan(names.indexOf("closed"));
        const frames = recorded.takeFrames().map((frame) => frame.opcode);
        expect(frames.filter((opcode) => opcode === 8).length).toBeLessThanOrEqual(1);
        expect(frames.indexOf(8)).toBe(frames.includes(8) ? frames.length - 1 : -1);
      }),
    );
  });
});

describe("closing", () => {
  test.each(roles)(
    "RFC6455-5.5.1-3 RFC6455-5.5.1-5..9 RFC6455-7.1.1-2..4 RFC6455-7.1.2-2 RFC6455-7.1.6-1 %s: a close frame is answered with its code",
    (role) => {
      const { connection, events, takeFrames } = createRecordedConnection(role);
      connection.receive(fromPeer(role, { opcode: 8, payload: closePayload(4321, "because") }));
      expect(takeFrames()).toEqual([
        { isFinal: true, reserved: 0, opcode: 8, isMasked: role === "client", payload: closePayload(4321) },
      ]);
      const closed = ["closed", { code: 4321, reason: "because", wasClean: true }];
      // RFC 6455 §7.1.1: the server closes TCP, the client waits for that.
      expect(events).toEqual(role === "server" ? [["end"], closed] : [closed]);
      connection.receiveEnd();
      expect(events.filter(([name]) => name === "end")).toHaveLength(1);
    },
  );

  test("RFC6455-7.1.5-1 RFC6455-7.1.6-1 a close without a code reads 1005 and is answered without one", () => {
    const { connection, events, takeFrames } = createRecordedConnection("server");
    connection.receive(rawFrame({ opcode: 8 }));
    expect(takeFrames()).toMatchObject([{ opcode: 8, payload: joinBytes() }]);
    expect(events).toEqual([["end"], ["closed", { code: 1005, reason: "", wasClean: true }]]);
  });

  test("RFC6455-6.1-2 RFC6455-7.1.2-1 our close: code and reason go out, what comes meanwhile is ignored, the answer ends it", () => {
    const { connection, events, takeFrames } = createRecordedConnection("server");
    expect(connection.close(1001, "잘 가")).toBe(true);
    expect(connection.close(1000)).toBe(false);
    expect([connection.sendText("x"), connection.sendBinary(utf8("x")), connection.sendPing()]).toEqual([
      false,
      false,
      false,
    ]);
    expect(connection.sendFrame(encodeTextFrame("x", primitives))).toBe(false);
    connection.receive(rawFrame({ opcode: 1, payload: "late" }));
    connection.receive(rawFrame({ opcode: 9, payload: "late" }));
    connection.receive(rawFrame({ opcode: 10 }));
    expect(events).toEqual([]);
    connection.receive(rawFrame({ opcode: 8, payload: closePayload(1001) }));
    expect(takeFrames()).toMatchObject([{ opcode: 8, payload: closePayload(1001, "잘 가") }]);
    expect(events).toEqual([["end"], ["closed", { code: 1001, reason: "", wasClean: true }]]);
  });

  test.each(roles)(
    "RFC6455-7.1.7-1..3 RFC6455-10.7-1..2 %s: a peer that errs is told the code of the error table, then TCP ends",
    (role) => {
      const wrong: [FrameParts, keyof typeof errorTable][] = [
        [{ opcode: 1, reserved: 4 }, "BW_WS_RESERVED_BITS"],
        [{ opcode: 1, payload: Uint8Array.of(0xff) }, "BW_WS_UTF8"],
        [{ opcode: 2, declaredLength: 2n ** 40n }, "BW_MESSAGE_TOO_LARGE"],
        [{ opcode: 1, mask: role === "server" ? undefined : testMask }, "BW_WS_MASK"],
      ];
      for (const [parts, error] of wrong) {
        const { connection, events, takeFrames } = createRecordedConnection(role);
        connection.receive(fromPeer(role, parts));
        const { closeCode } = errorTable[error];
        expect(takeFrames()).toMatchObject([{ opcode: 8, payload: closePayload(closeCode) }]);
        expect(events).toEqual([
          ["end"],
          ["closed", { code: closeCode, reason: "", wasClean: false, error }],
        ]);
      }
    },
  );

  test("RFC6455-7.1.5-1 TCP that ends without a close frame reads 1006", () => {
    const expected = { code: 1006, reason: "", wasClean: false, error: "BW_WS_ABNORMAL" };
    for (const isClosing of [false, true]) {
      const { connection, events } = createRecordedConnection("server");
      if (isClosing) connection.close();
      connection.receiveEnd();
      connection.receiveEnd();
      expect(events).toEqual([["end"], ["closed", expected]]);
    }
  });

  test("a host that closes inside a callback hears no more of the chunk", () => {
    const two = joinBytes(rawFrame({ opcode: 1, payload: "a" }), rawFrame({ opcode: 1, payload: "b" }));
    for (const stop of ["close", "receiveEnd"] as const) {
      const recorded = createRecordedConnection("server");
      const { events, connection } = recorded;
      const push = events.push.bind(events);
      events.push = (...added) => {
        const length = push(...added);
        if (added[0]?.[0] === "text") connection[stop]();
        return length;
      };
      connection.receive(two.slice());
      expect(events.filter(([name]) => name === "text")).toEqual([["text", "a"]]);
    }
  });
});

describe("ping and pong", () => {
  test.each(roles)(
    "RFC6455-5.5.2-1..2 RFC6455-5.5.3-1 RFC6455-5.5.3-3 %s: a ping is answered with its data",
    (role) => {
      const { connection, events, takeFrames } = createRecordedConnection(role);
      connection.receive(
        joinBytes(fromPeer(role, { opcode: 9, payload: "1" }), fromPeer(role, { opcode: 9 })),
      );
      expect(takeFrames()).toMatchObject([
        { opcode: 10, payload: utf8("1") },
        { opcode: 10, payload: joinBytes() },
      ]);
      connection.receive(fromPeer(role, { opcode: 10, payload: "2" }));
      expect(events).toEqual([["pong", hex(utf8("2"))]]);
      connection.sendPing();
      connection.sendPing(new Uint8Array(125));
      expect(takeFrames()).toMatchObject([
        { opcode: 9, payload: joinBytes() },
        { opcode: 9, payload: new Uint8Array(125) },
      ]);
    },
  );

  test("RFC6455-5.5.3-2 while output is blocked only the newest ping is kept, and it is answered afterwards, once", () => {
    const { connection, takeFrames } = createRecordedConnection("server");
    connection.setOutputBlocked(true);
    for (let i = 0; i < 1_000; i++) {
      const chunk = Buffer.from(rawFrame({ opcode: 9, payload: `ping ${i}` }));
      connection.receive(chunk);
      // The host reads the next bytes into the same buffer.
      chunk.fill(0);
    }
    expect(takeFrames()).toEqual([]);
    connection.setOutputBlocked(false);
    connection.setOutputBlocked(false);
    expect(takeFrames()).toMatchObject([{ opcode: 10, payload: utf8("ping 999") }]);
  });

  test("RFC6455-5.5.2-1 a ping kept is not answered after the close frame", () => {
    const { connection, takeFrames } = createRecordedConnection("server");
    connection.setOutputBlocked(true);
    connection.receive(rawFrame({ opcode: 9 }));
    connection.close();
    connection.setOutputBlocked(false);
    expect(takeFrames()).toMatchObject([{ opcode: 8 }]);
  });
});

describe("sending", () => {
  const texts = ["", "a", "안녕", "x".repeat(125), "x".repeat(126), "é".repeat(40_000), "\ud800"];

  test.each(roles)(
    "RFC6455-5.1-1 RFC6455-5.1-3 RFC6455-5.3-1..2 RFC6455-6.1-7 RFC6455-10.3-1 %s: masks if it is the client, each frame with a fresh key",
    (role) => {
      const { connection, output, writes, takeFrames } = createRecordedConnection(role);
      for (let i = 0; i < 100; i++) connection.sendText("same");
      output.flush();
      const bytes = joinBytes(...writes);
      expect(takeFrames().every((frame) => frame.isMasked === (role === "client"))).toBe(true);
      const frameBytes = role === "client" ? 10 : 6;
      const copies = new Set(
        Array.from({ length: 100 }, (_, i) => hex(bytes.slice(i * frameBytes, (i + 1) * frameBytes))),
      );
      expect(copies.size).toBe(role === "client" ? 100 : 1);
    },
  );

  test.each(roles)(
    "RFC6455-6.1-1 RFC6455-6.1-4..6 %s: what is sent arrives at the other side, however it is cut",
    (role) => {
      const sender = createRecordedConnection(role);
      const receiver = createRecordedConnection(role === "server" ? "client" : "server");
      for (const data of texts) sender.connection.sendText(data);
      for (const length of [0, 125, 126, 65_535, 65_536, 65_537, 200_000]) {
        sender.connection.sendBinary(new Uint8Array(length).map((_, i) => i * 13));
      }
      sender.connection.close(4000, "끝");
      sender.output.flush();
      const bytes = joinBytes(...sender.writes);
      for (let at = 0; at < bytes.length; at += 997) receiver.connection.receive(bytes.slice(at, at + 997));
      expect(receiver.events.filter(([name]) => name === "text")).toEqual(
        texts.map((data) => ["text", Buffer.from(data).toString()]),
      );
      expect(
        receiver.events.filter(([name]) => name === "binary").map(([, data]) => (data as string).length / 2),
      ).toEqual([0, 125, 126, 65_535, 65_536, 65_537, 200_000]);
      expect(receiver.events).toContainEqual(["closed", { code: 4000, reason: "끝", wasClean: true }]);
      receiver.output.flush();
      sender.connection.receive(joinBytes(...receiver.writes));
      expect(sender.events).toContainEqual(["closed", { code: 4000, reason: "", wasClean: true }]);
    },
  );

  test.each(["to all", "x".repeat(5_000)])("a broadcast is encoded once and sent in order: %s", (text) => {
    const output = new FrameOutput(() => {});
    const members = [1, 2, 3].map(() => createRecordedConnection("server", 1_000, output));
    const frame = encodeTextFrame(text, primitives);
    for (const { connection } of members) {
      connection.sendText("before");
      connection.sendFrame(frame);
      connection.sendText("after");
    }
    output.flush();
    for (const member of members) {
      // A long frame is shared by all, a short one leaves in one write with its neighbours.
      expect(member.writes).toHaveLength(text.length > 4_096 ? 3 : 1);
      expect(member.writes.includes(frame)).toBe(text.length > 4_096);
      const payloads = member.takeFrames().map(({ payload }) => Buffer.from(payload).toString());
      expect(payloads).toEqual(["before", text, "after"]);
    }
  });

  test("small data is copied: it may be changed at once", () => {
    const { connection, takeFrames } = createRecordedConnection("server");
    const data = utf8("before");
    connection.sendBinary(data);
    data.fill(0);
    expect(takeFrames()).toMatchObject([{ payload: utf8("before") }]);
  });

  test.each([10, 200_000])(
    "RFC6455-10.3-2 a client's %i bytes are copied: nobody changes a masked frame",
    (length) => {
      const { connection, takeFrames } = createRecordedConnection("client");
      const data = new Uint8Array(length).fill(1);
      connection.sendBinary(data);
      data.fill(0);
      expect(takeFrames()).toMatchObject([{ isMasked: true, payload: new Uint8Array(length).fill(1) }]);
    },
  );

  test("large data of a server is not", () => {
    const { connection, writes } = createRecordedConnection("server");
    const data = new Uint8Array(65_537);
    connection.sendBinary(data);
    expect(writes[1]).toBe(data);
  });
});

describe("a caller's mistakes throw, in every state", () => {
  test.each(states)("%s", (state) => {
    const recorded = createRecordedConnection("server");
    for (const step of waysInto[state][0] ?? []) apply(recorded, "server", step);
    const { connection } = recorded;
    for (const code of [999, 1004, 1005, 1006, 1015, 2000, 5000, 1000.5, Number.NaN]) {
      expect(() => connection.close(code)).toThrow(RangeError);
    }
    expect(() => connection.close(undefined, "why")).toThrow(TypeError);
    expect(() => connection.close(1000, "r".repeat(124))).toThrow(RangeError);
    expect(() => connection.close(1000, "한".repeat(42))).toThrow(RangeError);
    expect(() => connection.sendPing(new Uint8Array(126))).toThrow(RangeError);
  });

  test("a client cannot share frames", () => {
    const { connection } = createRecordedConnection("client");
    expect(() => connection.sendFrame(encodeTextFrame("x", primitives))).toThrow(TypeError);
  });
});

describe("what a host may ask for", () => {
  function connect(options: { autoPong?: boolean; isUtf8?: (bytes: Uint8Array) => boolean }) {
    const told: string[] = [];
    const writes: Uint8Array[] = [];
    const output = new FrameOutput(() => {});
    const host = {
      text: (data: string) => void told.push(`text ${data}`),
      textBytes: (data: Uint8Array) => void told.push(`textBytes ${hex(data)}`),
      binary: () => {},
      ping: (data: Uint8Array) => void told.push(`ping ${hex(data)}`),
      pong: () => {},
      closed: () => void told.push("closed"),
      write: (bytes: Uint8Array) => void writes.push(bytes),
      end: () => {},
    };
    const connection = createConnection(
      { role: "server", maxMessageBytes: 100, primitives, output, ...options },
      host,
    );
    const takeFrames = () => {
      output.flush();
      return decodeFrames(joinBytes(...writes.splice(0)));
    };
    return { connection, told, takeFrames };
  }
  const ping = (): Uint8Array => fromPeer("server", { opcode: 9, payload: "p" });

  test("to hear of pings, which are answered", () => {
    const { connection, told, takeFrames } = connect({});
    connection.receive(ping());
    expect([told, takeFrames().map(({ opcode }) => opcode)]).toEqual([[`ping ${hex(utf8("p"))}`], [10]]);
  });

  test("to answer them itself", () => {
    const { connection, told, takeFrames } = connect({ autoPong: false });
    connection.receive(ping());
    expect([told.length, takeFrames()]).toEqual([1, []]);
    expect(connection.sendPart(10, utf8("mine"))).toBe(true);
    expect(takeFrames()).toMatchObject([{ opcode: 10, payload: utf8("mine") }]);
  });

  test("for texts as bytes, until it closes", () => {
    const { connection, told } = connect({ isUtf8: () => true });
    connection.receive(fromPeer("server", { opcode: 1, payload: "t" }));
    connection.close(1000);
    connection.receive(fromPeer("server", { opcode: 1, payload: "t" }));
    expect(told).toEqual([`textBytes ${hex(utf8("t"))}`]);
  });

  test("to send a message in parts, long ones uncopied", () => {
    const { connection, takeFrames } = connect({});
    connection.sendPart(1, utf8("a"), false);
    connection.sendPart(0, new Uint8Array(65_537), false);
    connection.sendPart(0, utf8("b"));
    expect(takeFrames().map(({ opcode, isFinal, payload }) => [opcode, isFinal, payload.length])).toEqual([
      [1, false, 1],
      [0, false, 65_537],
      [0, true, 1],
    ]);
    connection.close();
    expect(connection.sendPart(1, utf8("late"))).toBe(false);
  });
});
