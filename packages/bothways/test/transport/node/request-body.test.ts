/** Bodies are bounded by what their head declares, by what arrives, and in time. */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Account } from "../../../src/model/account.ts";
import { type BodyResult, readBody } from "../../../src/transport/node/request-body.ts";

const account = new Account(1e9);
const patience = { timeoutMs: 60_000 };

function requestOf(headers: Record<string, string> = {}): PassThrough & { headers: Record<string, string> } {
  return Object.assign(new PassThrough(), { headers });
}

function read(request: ReturnType<typeof requestOf>, limits: { maxBytes: number; timeoutMs: number }) {
  return new Promise<BodyResult>((resolve) => readBody(request, { ...limits, account }, resolve));
}

describe("a request body", () => {
  test("is what was sent, however it was cut", async () => {
    const body = fc.uint8Array({ maxLength: 300 });
    const cuts = fc.array(fc.nat(300), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(body, cuts, async (bytes, cuts) => {
        const request = requestOf();
        const result = read(request, { maxBytes: bytes.length, ...patience });
        let start = 0;
        for (const end of [...cuts.sort((a, b) => a - b), bytes.length]) {
          request.write(bytes.slice(start, end));
          start = Math.max(start, Math.min(end, bytes.length));
        }
        request.end();
        expect(await result).toEqual({ isRead: true, bytes });
      }),
      { numRuns: 50 },
    );
  });

  test.each(["", "12345678"])("that came with its head is read at once: %j", async (text) => {
    const request = requestOf({ "content-length": String(text.length) });
    request.end(text);
    const ended = once(request, "end");
    expect(await read(request, { maxBytes: 8, timeoutMs: 0 })).toEqual({
      isRead: true,
      bytes: new TextEncoder().encode(text),
    });
    await ended;
  });

  test("may be as long as the limit and no longer", async () => {
    const fits = requestOf({ "content-length": "8" });
    fits.end("12345678");
    expect(await read(fits, { maxBytes: 8, ...patience })).toMatchObject({ isRead: true });

    const declared = requestOf({ "content-length": "9" });
    expect(await read(declared, { maxBytes: 8, ...patience })).toEqual({
      isRead: false,
      error: "BW_MESSAGE_TOO_LARGE",
    });
    declared.destroy();

    const counted = requestOf();
    const result = read(counted, { maxBytes: 8, ...patience });
    for (let i = 0; i < 9; i++) counted.write("x");
    expect(await result).toEqual({ isRead: false, error: "BW_MESSAGE_TOO_LARGE" });
    counted.destroy();
  });

  test("that comes byte by byte is copied no more often than it doubles", async () => {
    let growths = 0;
    class CountingAccount extends Account {
      override charge(bytes: number): void {
        super.charge(bytes);
        if (bytes > 0) growths++;
      }
    }
    const request = requestOf();
    const limits = { maxBytes: 100_000, ...patience, account: new CountingAccount(1e9) };
    const result = new Promise<BodyResult>((resolve) => readBody(request, limits, resolve));
    const byte = new Uint8Array(1);
    await new Promise(setImmediate);
    for (let count = 0; count < 50_000; count++) request.write(byte);
    request.end();
    expect(await result).toEqual({ isRead: true, bytes: new Uint8Array(50_000) });
    expect(growths).toBeLessThanOrEqual(Math.log2(50_000) + 1);
  });

  test("that lies about its length is counted", async () => {
    const request = requestOf({ "content-length": "1" });
    const result = read(request, { maxBytes: 8, ...patience });
    request.write("123456789");
    expect(await result).toEqual({ isRead: false, error: "BW_MESSAGE_TOO_LARGE" });
    request.destroy();
  });

  test("that does not end is refused in time, and then cut", async () => {
    const request = requestOf();
    request.write("x");
    expect(await read(request, { maxBytes: 8, timeoutMs: 5 })).toEqual({
      isRead: false,
      error: "BW_BODY_TIMEOUT",
    });
    await once(request, "close");
  });

  test("that was refused and goes on is cut in time", async () => {
    const request = requestOf({ "content-length": "9" });
    const results: BodyResult[] = [];
    readBody(request, { maxBytes: 8, timeoutMs: 5, account }, (result) => results.push(result));
    request.write("1234");
    await once(request, "close");
    expect(results).toEqual([{ isRead: false, error: "BW_MESSAGE_TOO_LARGE" }]);
  });

  test("of a client that goes away is never done", async () => {
    const request = requestOf();
    let isDone = false;
    readBody(request, { maxBytes: 8, ...patience, account }, () => {
      isDone = true;
    });
    const closed = new Promise((resolve) => request.on("close", resolve));
    request.destroy(new Error("aborted"));
    await closed;
    expect(isDone).toBe(false);
  });
});
