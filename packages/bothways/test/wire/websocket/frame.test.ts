import { describe, expect, test } from "vitest";
import { isSendableCloseCode } from "../../../src/wire/websocket/frame.ts";

describe("RFC6455-7.4.1-1..3 RFC6455-7.4.2-1 close codes that may travel", () => {
  test.each([
    [0, 999, false],
    [1000, 1003, true],
    [1004, 1006, false],
    [1007, 1014, true],
    [1015, 2999, false],
    [3000, 4999, true],
    [5000, 70_000, false],
  ])("%i to %i: %s", (from, to, isSendable) => {
    const wrong = [];
    for (let code = from; code <= to; code++) if (isSendableCloseCode(code) !== isSendable) wrong.push(code);
    expect(wrong).toEqual([]);
  });

  test.each([1000.5, Number.NaN, -1000, Number.POSITIVE_INFINITY])("%s is none", (code) => {
    expect(isSendableCloseCode(code)).toBe(false);
  });
});
