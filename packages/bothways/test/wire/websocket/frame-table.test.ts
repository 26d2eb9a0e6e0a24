/**
 * Every frame header there is: 16 opcodes × FIN × 8 reserved bits × masked or not × 3 forms of the length, met in 4
 * states, by both roles. What must happen is worked out here from the RFC, without a look at the parser; a probe behind
 * each frame shows in what state it left the connection.
 */
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../src/model/errors.ts";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { allCases, type Case, expectedError, frameOf, framesBefore, payloadOf } from "./frame-table.ts";
import { createRecordedConnection, hex, joinBytes, pieces, rawFrame, testMask, utf8 } from "./harness.ts";

/** What the peer gets back and what the host is told. */
type Outcome = string[];

function expectedOutcome(c: Case, role: Role): Outcome {
  const isClosing = c.state === "closing";
  const error = expectedError(c, role);
  if (error !== undefined) return failure(error, isClosing);
  const data = "61".repeat(payloadOf(c).length);
  if (c.opcode === 8) {
    const reply = isClosing ? [] : ["write 8 03e8"];
    return [...reply, ...(role === "server" ? ["end"] : []), "closed 1000 bye clean"];
  }
  const isInside = c.state === "insideText" || c.state === "insideBinary";
  // The probe is a final continuation: an end to a message begun, an error without one.
  const probe = (isBegun: boolean, kind: string, begun: string) =>
    isBegun ? (isClosing ? [] : [`${kind} ${begun}7a`]) : failure("BW_WS_CONTINUATION", isClosing);
  const messageBefore = c.state === "insideText" ? "text" : "binary";
  if (c.opcode >= 8) {
    const seen = isClosing ? [] : [c.opcode === 9 ? `write a ${data}` : `pong ${data}`];
    return [...seen, ...probe(isInside, messageBefore, "62")];
  }
  const kind = c.opcode === 0 ? messageBefore : c.opcode === 1 ? "text" : "binary";
  const message = (isInside ? "62" : "") + data;
  if (!c.isFinal) return probe(true, kind, message);
  return [...(isClosing ? [] : [`${kind} ${message}`]), ...probe(false, "", "")];
}

function failure(error: ErrorCode, isClosing: boolean): Outcome {
  return [...(isClosing ? [] : ["write 8 03ea"]), "end", `closed 1002  ${error}`];
}

function actualOutcome(c: Case, role: Role, isBytewise: boolean): Outcome {
  const { connection, events, takeFrames } = createRecordedConnection(role);
  const mask = role === "server" ? testMask : undefined;
  connection.receive(framesBefore(c, mask));
  if (c.state === "closing") {
    connection.close();
    takeFrames();
  }
  const whole = frameOf(c);
  const probe = rawFrame({ mask, opcode: 0, payload: "z" });
  // Byte by byte, the payload of what must be refused is cut short: nobody may read it.
  const bytes =
    isBytewise && expectedError(c, role) !== undefined ? whole.slice(0, 64) : joinBytes(whole, probe);
  for (const piece of pieces(bytes, isBytewise ? 1 : bytes.length)) connection.receive(piece);
  const written = takeFrames().map((f) => `write ${f.opcode.toString(16)} ${hex(f.payload)}`);
  const told = events.map((event) => {
    if (event[0] === "end") return "end";
    if (event[0] !== "closed") return `${event[0]} ${event[0] === "text" ? hex(utf8(event[1])) : event[1]}`;
    const { code, reason, wasClean, error } = event[1];
    return `closed ${code} ${reason} ${wasClean ? "clean" : error}`;
  });
  return [...written, ...told];
}

/** Writes are compared apart from events: an output that is not flushed keeps them for later. */
function writesFirst(outcome: Outcome): Outcome {
  return [
    ...outcome.filter((line) => line.startsWith("write")),
    ...outcome.filter((line) => !line.startsWith("write")),
  ];
}

describe.each(["server", "client"] as const)(
  "RFC6455-5.1-2 RFC6455-5.1-4..5 RFC6455-5.2-2..3 RFC6455-5.2-8..10 RFC6455-5.4-1 RFC6455-5.4-3 RFC6455-5.5-1..2 every frame header, %s",
  (role) => {
    describe.each(["idle", "insideText", "insideBinary", "closing"] as const)("%s", (state) => {
      test.each([
        ["whole", false],
        ["byte by byte", true],
      ])("1,536 headers %s", (_name, isBytewise) => {
        let count = 0;
        for (const c of allCases(state)) {
          count++;
          const actual = actualOutcome(c, role, isBytewise);
          const expected = writesFirst(expectedOutcome(c, role));
          if (actual.join() !== expected.join()) expect(actual, JSON.stringify(c)).toEqual(expected);
        }
        expect(count).toBe(1_536);
      });
    });
  },
);
