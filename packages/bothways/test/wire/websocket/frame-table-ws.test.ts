/**
 * The table of frame headers as `ws` judges it, and as the RFC does: where they differ the clause is named here. Each
 * header is also tried with a payload whose length has no business in its form.
 */
import { expect, test } from "vitest";
import { errorTable } from "../../../src/model/errors.ts";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { allCases, type Case, expectedError, frameOf, framesBefore } from "./frame-table.ts";
import { defaultMaxMessageBytes, joinBytes, testMask, utf8 } from "./harness.ts";
import { parseWithWs } from "./ws-receiver.ts";

const short = utf8("hello");

/** The close code by the RFC; undefined: none. `isShort`: the payload has five bytes, in whatever form. */
function codeOf(c: Case, role: Role, isShort: boolean): number | undefined {
  const error = expectedError(c, role) ?? (isShort && c.lengthBytes > 0 ? "BW_WS_LENGTH" : undefined);
  return error && errorTable[error].closeCode;
}

const minimal = "§5.2: the minimal number of bytes MUST be used";

/** Why ws may say something else. */
function clauseFor(c: Case, isShort: boolean): string | undefined {
  return isShort && c.lengthBytes > 0 && c.opcode < 8 ? minimal : undefined;
}

test.each(["server", "client"] as const)("to a %s", async (role) => {
  const differences = new Map<string, number>();
  const mask = role === "server" ? testMask : undefined;
  for (const state of ["idle", "insideText", "insideBinary"] as const) {
    for (const c of allCases(state)) {
      for (const isShort of [true, false]) {
        // "hello" begins with no close code
        if (isShort && c.opcode === 8) continue;
        const bytes = joinBytes(framesBefore(c, mask), frameOf(c, isShort ? short : undefined));
        const last = (await parseWithWs(bytes, defaultMaxMessageBytes, role)).at(-1);
        const theirs = last?.[0] === "fault" ? last[1] : undefined;
        const ours = codeOf(c, role, isShort);
        if (ours === theirs) continue;
        const clause = clauseFor(c, isShort);
        if (clause === undefined) expect.fail(`${JSON.stringify(c)}: ${theirs}, not ${ours}`);
        else differences.set(clause, (differences.get(clause) ?? 0) + 1);
      }
    }
  }
  // the right opcodes of a state × FIN × two forms: 2 kinds idle, a continuation inside
  expect(Object.fromEntries(differences)).toEqual({ [minimal]: 16 });
});
