/** The browser's POST: session.md's rules for requests without a preflight, and for leaving a page. */
import { afterEach, expect, test, vi } from "vitest";
import type { ConnectRequest } from "../../../src/model/transport.ts";
import { longPolling } from "../../../src/transport/web/long-polling.ts";
import { RecordingHandler } from "../client/recording-handler.ts";

const url = "https://example.com/bothways/";
const request: ConnectRequest = { url, maxMessageBytes: 1_000 };

/** Plays the server: hellos are welcomed, everything else is held until it is aborted. */
function stubFetch(): RequestInit[] {
  const requests: RequestInit[] = [];
  vi.stubGlobal("fetch", (address: string, init: RequestInit) => {
    expect(address).toBe(url);
    requests.push(init);
    if (requests.length === 1) return Promise.resolve(new Response('w{"key":"K"}'));
    return new Promise((_, reject) => {
      init.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  });
  return requests;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test.each([
  [undefined, "same-origin"],
  [true, "include"],
])("withCredentials %s (option: client withCredentials)", async (withCredentials, credentials) => {
  const requests = stubFetch();
  const handler = new RecordingHandler();
  const link = longPolling().open({ ...request, withCredentials }, "h{}", handler);
  await handler.until("writable");
  await Promise.resolve();
  expect(requests).toMatchObject([
    { method: "POST", body: "h{}", cache: "no-store", credentials },
    { method: "POST", body: "qK,1\na0,10,1000", cache: "no-store", credentials },
  ]);
  // No preflight: no headers of our own.
  expect(requests.every(({ headers, keepalive }) => headers === undefined && !keepalive)).toBe(true);
  link.close(4000, "bye");
  expect(requests[1]?.signal?.aborted).toBe(true);
  await Promise.resolve();
  expect(requests[2]).toMatchObject({ body: "kK,1\nc4000,bye", keepalive: true });
});

test.each([
  ["x", 61_423, true],
  ["x", 61_428, false],
  ["한", 20_474, true],
  ["한", 20_477, false],
])("a last POST is kept alive up to 60 KiB: %s × %d", async (character, count, keepalive) => {
  const requests = stubFetch();
  const handler = new RecordingHandler();
  const link = longPolling().open(request, "h{}", handler);
  await handler.until("writable");
  link.send({ data: `m${character.repeat(count)}` });
  link.close(4000, "bye");
  await Promise.resolve();
  expect(requests[2]?.keepalive).toBe(keepalive);
});

test("bytes go as bytes", async () => {
  const requests = stubFetch();
  const handler = new RecordingHandler();
  const link = longPolling().open(request, "h{}", handler);
  await handler.until("writable");
  link.send({ data: Uint8Array.of(0x6d, 1) });
  link.flush();
  await Promise.resolve();
  expect(requests[2]?.body).toEqual(
    Uint8Array.of(0, 0, 0, 0, 4, 0x6b, 0x4b, 0x2c, 0x31, 0x80, 0, 0, 2, 0x6d, 1),
  );
});

test.each([
  ["refuses", () => Promise.reject(new TypeError("Failed to fetch")), "undefined TypeError: Failed to fetch"],
  [
    "throws",
    () => {
      throw new Error("no fetch");
    },
    "undefined Error: no fetch",
  ],
  ["answers 403", () => Promise.resolve(new Response("c4403,origin", { status: 403 })), "4403 origin"],
  [
    "breaks off",
    () =>
      Promise.resolve(
        new Response(new ReadableStream({ start: (controller) => controller.error(new Error("cut")) })),
      ),
    "undefined Error: cut",
  ],
])("a fetch that %s loses the link, later", async (_, fetch, told) => {
  vi.stubGlobal("fetch", fetch);
  const handler = new RecordingHandler();
  longPolling().open(request, "h{}", handler);
  expect(handler.events).toEqual([]);
  await handler.until("lost");
  expect(handler.events.at(-1)).toBe(`lost BW_LINK_LOST ${told}`);
});
