import { describe, expect, test } from "vitest";
import { opcode } from "../../../src/wire/websocket/frame.ts";
import {
  encodeFrame,
  encodeTextFrame,
  frameLength,
  writeFrameHeader,
} from "../../../src/wire/websocket/serializer.ts";
import { decodeFrames, hex, primitives, rawFrame, testMask, utf8 } from "./harness.ts";

const maskKey = 0x37fa_213d;

describe("frames written", () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
    "RFC6455-5.2-1 RFC6455-5.2-5 %i bytes take the shortest length",
    (length) => {
      const payload = new Uint8Array(length).map((_, i) => i);
      const plain = encodeFrame(opcode.binary, payload);
      const masked = encodeFrame(opcode.binary, payload, maskKey);
      expect(plain).toEqual(rawFrame({ opcode: 2, payload, mask: undefined }));
      expect(masked).toEqual(rawFrame({ opcode: 2, payload, mask: testMask }));
      expect(plain.length).toBe(frameLength(length, false));
      expect(masked.length).toBe(frameLength(length, true));
    },
  );

  test("RFC6455-5.2-4 lengths beyond 32 bits", () => {
    const header = new Uint8Array(10);
    expect(writeFrameHeader(header, 0, opcode.binary, 2 ** 53 - 1)).toBe(10);
    expect(hex(header)).toBe("827f001fffffffffffff");
    writeFrameHeader(header, 0, opcode.binary, 2 ** 32);
    expect(hex(header)).toBe("827f0000000100000000");
  });

  test("RFC6455-5.7-1 the examples", () => {
    expect(hex(encodeFrame(opcode.text, utf8("Hello")))).toBe("810548656c6c6f");
    expect(hex(encodeFrame(opcode.text, utf8("Hello"), maskKey))).toBe("818537fa213d7f9f4d5158");
    expect(hex(encodeFrame(opcode.text, utf8("Hel"), undefined, false))).toBe("010348656c");
    expect(hex(encodeFrame(opcode.continuation, utf8("lo")))).toBe("80026c6f");
    expect(hex(encodeFrame(opcode.ping, utf8("Hello")))).toBe("890548656c6c6f");
  });

  test.each(["", "Hello", "안녕하세요", "😀".repeat(100), "x".repeat(70_000), "\ud800"])(
    "text frame of %j",
    (text) => {
      const [frame, ...others] = decodeFrames(encodeTextFrame(text, primitives));
      expect(others).toEqual([]);
      expect(frame).toMatchObject({ isFinal: true, opcode: 1, isMasked: false });
      expect(frame?.payload).toEqual(utf8(text));
    },
  );
});
