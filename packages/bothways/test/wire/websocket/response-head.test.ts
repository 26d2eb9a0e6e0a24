import { describe, expect, test } from "vitest";
import { type HeadResult, ResponseHeadParser } from "../../../src/wire/websocket/response-head.ts";
import { joinBytes, pieces, utf8 } from "./harness.ts";

function feedAll(text: string, pieceBytes = text.length, maxHeadBytes = 16_384): HeadResult | undefined {
  const parser = new ResponseHeadParser(maxHeadBytes);
  for (const piece of pieces(Uint8Array.from(Buffer.from(text, "latin1")), pieceBytes)) {
    const result = parser.feed(piece);
    if (result !== undefined) return result;
  }
  return undefined;
}

function headOf(text: string) {
  const result = feedAll(text);
  return result?.ok ? result.head : result?.code;
}

describe("RFC9112#2 response heads", () => {
  const text =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-A:  1 \t\r\nx-a:2\r\nEmpty:\r\n\r\n";

  test("names in lower case, values trimmed, a value per line", () => {
    expect(headOf(text)).toEqual({
      status: 101,
      headers: { upgrade: ["websocket"], "x-a": ["1", "2"], empty: [""] },
    });
    expect(headOf("HTTP/1.1 404\r\n\r\n")).toEqual({ status: 404, headers: {} });
  });

  test("cut anywhere it is the same, and the rest is handed on", () => {
    for (let cut = 0; cut <= text.length; cut++) {
      const bytes = joinBytes(utf8(text), Uint8Array.of(0x81, 0x00));
      const parser = new ResponseHeadParser(1_000);
      const first = parser.feed(bytes.slice(0, cut));
      const result = first ?? parser.feed(bytes.slice(cut));
      expect(result).toMatchObject({ ok: true, head: { status: 101 } });
      expect(result?.ok && result.rest.length).toBe(cut >= text.length ? cut - text.length : 2);
    }
    expect(feedAll(text, 1)).toMatchObject({ ok: true, head: { status: 101 }, rest: new Uint8Array(0) });
  });

  test.each([
    ["HTTP/1.0", "HTTP/1.0 101 x\r\n\r\n"],
    ["HTTP/2", "HTTP/2 101 x\r\n\r\n"],
    ["no status", "HTTP/1.1 \r\n\r\n"],
    ["a status in another notation", "HTTP/1.1 1e2 x\r\n\r\n"],
    ["a long status", "HTTP/1.1 1010 x\r\n\r\n"],
    ["a line without a colon", "HTTP/1.1 101 x\r\nabc\r\n\r\n"],
    ["a line without a name", "HTTP/1.1 101 x\r\n: abc\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 101 x\r\nabc : d\r\n\r\n"],
    ["a folded line", "HTTP/1.1 101 x\r\na: b\r\n c\r\n\r\n"],
    ["a lone line feed", "HTTP/1.1 101 x\r\na: b\nc: d\r\n\r\n"],
    ["a lone carriage return", "HTTP/1.1 101 x\r\na: b\rc: d\r\n\r\n"],
    ["a doubled carriage return", "HTTP/1.1 101 x\r\r\n\r\n"],
    ["NUL", "HTTP/1.1 101 x\r\na: b\0\r\n\r\n"],
    ["nothing", "\r\n\r\n"],
  ])("refused: %s", (_name, head) => {
    expect(headOf(head)).toBe("BW_WS_ACCEPT");
  });

  test("no header can reach a prototype", () => {
    const head = headOf("HTTP/1.1 101 x\r\n__proto__: a\r\nconstructor: b\r\n\r\n");
    expect(typeof head === "object" && Object.entries(head.headers)).toEqual([
      ["__proto__", ["a"]],
      ["constructor", ["b"]],
    ]);
  });

  test("the limit: a head that fills it exactly passes, an endless one does not", () => {
    expect(feedAll(text, 7, text.length)).toMatchObject({ ok: true });
    expect(feedAll("x".repeat(100), 100, 100)).toEqual({ ok: false, code: "BW_HEADERS_TOO_LARGE" });
    expect(feedAll(text, 7, text.length - 1)).toEqual({ ok: false, code: "BW_HEADERS_TOO_LARGE" });
    expect(feedAll(text, text.length, text.length - 1)).toEqual({ ok: false, code: "BW_HEADERS_TOO_LARGE" });
    expect(feedAll(`HTTP/1.1 101 x\r\n${"a:\r\n".repeat(100_000)}`, 1_000)).toEqual({
      ok: false,
      code: "BW_HEADERS_TOO_LARGE",
    });
  });

  test("bytes behind the head do not count towards the limit", () => {
    expect(feedAll(text + "x".repeat(10_000), text.length + 10_000, text.length)).toMatchObject({ ok: true });
  });
});
