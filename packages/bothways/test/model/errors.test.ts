import { describe, expect, test } from "vitest";
import { BothwaysError } from "../../src/model/bothways-error.ts";
import { type ErrorCode, errorTable } from "../../src/model/errors.ts";

const codes = Object.keys(errorTable) as ErrorCode[];

describe("errorTable", () => {
  test.each(codes)("%s is complete", (code) => {
    const { closeCode, httpStatus, message } = errorTable[code];
    expect(code).toMatch(/^BW(_[A-Z0-9]+)+$/);
    // RFC 6455 §7.4.2: what is neither registered nor ours may not be used.
    expect((closeCode >= 1000 && closeCode <= 1015) || (closeCode >= 4000 && closeCode <= 4999)).toBe(true);
    expect(httpStatus).toBeGreaterThanOrEqual(200);
    expect(httpStatus).toBeLessThan(600);
    expect(message).toMatch(/^\S.*[^\s.]$/);
  });
});

describe("BothwaysError", () => {
  test.each(codes)("%s says its code first, then the table's words", (code) => {
    const error = new BothwaysError(code);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("BothwaysError");
    expect(error.code).toBe(code);
    expect(error.side).toBe(errorTable[code].side);
    expect(error.message).toBe(`${code}: ${errorTable[code].message}`);
    expect(error.detail).toBeUndefined();
    expect("cause" in error).toBe(false);
  });

  test("carries detail, cause and data", () => {
    const cause = new Error("why");
    const error = new BothwaysError("BW_CLOSED", "by hand", { cause, data: { a: 1 } });
    expect(error.message).toBe("BW_CLOSED: closed (by hand)");
    expect(error.detail).toBe("by hand");
    expect(error.cause).toBe(cause);
    expect(error.data).toEqual({ a: 1 });
  });
});
