/**
 * The table of frame headers: 16 opcodes × FIN × 8 reserved bits × masked or not × 3 forms of the length, in 4 states, and
 * the error that each must lead to, worked out from the RFC without a look at the parser.
 */
import type { ErrorCode } from "../../../src/model/errors.ts";
import type { Role } from "../../../src/wire/websocket/parser.ts";
import { type FrameParts, joinBytes, rawFrame, testMask, utf8 } from "./harness.ts";

export type State = "idle" | "insideText" | "insideBinary" | "closing";

export interface Case {
  opcode: number;
  isFinal: boolean;
  reserved: number;
  isMasked: boolean;
  lengthBytes: 0 | 2 | 8;
  state: State;
}

export function* allCases(state: State): Generator<Case> {
  for (let opcode = 0; opcode < 16; opcode++)
    for (const isFinal of [true, false])
      for (let reserved = 0; reserved < 8; reserved++)
        for (const isMasked of [true, false])
          for (const lengthBytes of [0, 2, 8] as const)
            yield { opcode, isFinal, reserved, isMasked, lengthBytes, state };
}

const closeReason = utf8("bye");

export function payloadOf({ opcode, lengthBytes }: Case): Uint8Array {
  if (opcode === 8)
    return joinBytes(Uint8Array.of(3, 232), lengthBytes === 0 ? closeReason : new Uint8Array(200).fill(97));
  return new Uint8Array(lengthBytes === 0 ? 5 : lengthBytes === 2 ? 200 : 65_536).fill(97);
}

/** What comes before, so that the frame meets this state. */
export function framesBefore({ state }: Case, mask: readonly number[] | undefined): Uint8Array {
  if (state !== "insideText" && state !== "insideBinary") return new Uint8Array(0);
  return rawFrame({ mask, opcode: state === "insideText" ? 1 : 2, payload: "b", isFinal: false });
}

/** The frame, with `payload` in the form of length that the case has. */
export function frameOf(c: Case, payload: Uint8Array = payloadOf(c)): Uint8Array {
  const { opcode, isFinal, reserved, lengthBytes } = c;
  const parts: FrameParts = { opcode, isFinal, reserved, lengthBytes, payload };
  return rawFrame({ ...parts, mask: c.isMasked ? testMask : undefined });
}

export function expectedError(c: Case, role: Role): ErrorCode | undefined {
  const isInside = c.state === "insideText" || c.state === "insideBinary";
  if (c.reserved !== 0) return "BW_WS_RESERVED_BITS";
  if (c.isMasked !== (role === "server")) return "BW_WS_MASK";
  if (![0, 1, 2, 8, 9, 10].includes(c.opcode)) return "BW_WS_OPCODE";
  if (c.opcode >= 8) return c.isFinal && c.lengthBytes === 0 ? undefined : "BW_WS_CONTROL_FRAME";
  return (c.opcode === 0) === isInside ? undefined : "BW_WS_CONTINUATION";
}
