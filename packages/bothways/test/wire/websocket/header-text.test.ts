import { describe, expect, test } from "vitest";
import {
  encodeHeaderLines,
  hasToken,
  isFieldValue,
  isToken,
  listHeader,
  singleHeader,
  trimSpace,
} from "../../../src/wire/websocket/header-text.ts";

describe("header text", () => {
  test("RFC9110#5.6.2 tokens: exactly these characters", () => {
    const all = Array.from({ length: 300 }, (_, code) => String.fromCharCode(code))
      .filter(isToken)
      .join("");
    expect(all).toBe("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
    expect(isToken("")).toBe(false);
    expect(isToken("a b")).toBe(false);
  });

  test("RFC9110#5.5 values: no control character but the tab, nothing beyond a byte", () => {
    const all = Array.from({ length: 300 }, (_, code) => code).filter((code) =>
      isFieldValue(String.fromCharCode(code)),
    );
    expect(all).toEqual([
      9,
      ...Array.from({ length: 95 }, (_, i) => 32 + i),
      ...Array.from({ length: 128 }, (_, i) => 128 + i),
    ]);
  });

  test("single headers: a repeated one counts as none", () => {
    const headers = { a: "1", b: ["2"], c: ["3", "3"], d: [] };
    expect(["a", "b", "c", "d", "e"].map((name) => singleHeader(headers, name))).toEqual([
      "1",
      "2",
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("lists: all lines, spaces and tabs trimmed, empty elements kept", () => {
    expect(listHeader({ a: " x ,\ty,,z" }, "a")).toEqual(["x", "y", "", "z"]);
    expect(listHeader({ a: ["x", "y, z"] }, "a")).toEqual(["x", "y", "z"]);
    expect(listHeader({}, "a")).toEqual([]);
    expect(hasToken({ a: "keep-alive, , UpGrade" }, "a", "upgrade")).toBe(true);
    expect(hasToken({ a: "upgrades, up grade" }, "a", "upgrade")).toBe(false);
    expect(trimSpace(" \t ")).toBe("");
    expect(trimSpace("\u00a0a\n")).toBe("\u00a0a\n");
  });

  test("names of object members are names like others", () => {
    expect(singleHeader({}, "x")).toBeUndefined();
    expect(encodeHeaderLines({ constructor: "a", ["__proto__"]: "b" })).toBe(
      "constructor: a\r\n__proto__: b\r\n",
    );
  });

  test("lines to write: several values, absent ones, and what must not pass", () => {
    expect(encodeHeaderLines({ A: "1", B: ["2", "3"], C: undefined })).toBe("A: 1\r\nB: 2\r\nB: 3\r\n");
    for (const value of ["a\r\nb", "a\nb", "a\rb", "a\0", "\u0100"]) {
      expect(() => encodeHeaderLines({ a: value })).toThrow(TypeError);
    }
    for (const name of ["", "a b", "a:", "a\r\nb", "ü"]) {
      expect(() => encodeHeaderLines({ [name]: "x" })).toThrow(TypeError);
    }
  });
});
