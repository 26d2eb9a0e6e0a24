/** What pages ask by elements: URLs, texts, and when an element may begin to load. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { iframe } from "../../../src/transport/web/iframe.ts";
import { decodeLines, pageLoaded, urlWith } from "../../../src/transport/web/page-request.ts";
import { RecordingHandler } from "../client/recording-handler.ts";

test.each([
  ["https://a.example/b/", "https://a.example/b/?bothways=sK%2C1%0Aa0%2C1%2C1"],
  ["https://a.example/b/?bothways=x", "https://a.example/b/?bothways=x&bothways=sK%2C1%0Aa0%2C1%2C1"],
])("the body is the last value of the query: %s", (url, expected) => {
  expect(urlWith({ url, maxMessageBytes: 1 }, "sK,1\na0,1,1")).toBe(expected);
});

test("lines are frames, bytes base64url", () => {
  expect(decodeLines("n1\nbbf_-AA\nm2b")).toEqual(["n1", Uint8Array.of(0x6d, 0xff, 0xfe, 0), "m2b"]);
  expect(decodeLines("")).toEqual([]);
});

describe("an element waits for its page", () => {
  const page = { readyState: "interactive" };

  beforeEach(() => {
    page.readyState = "interactive";
    vi.stubGlobal("document", page);
  });

  afterEach(() => vi.unstubAllGlobals());

  test("until that is loaded", async () => {
    let loaded = (): void => {};
    vi.stubGlobal("addEventListener", (_: string, listener: () => void) => {
      loaded = listener;
    });
    let hasWaited = false;
    const wait = Promise.resolve(pageLoaded()).then(() => {
      hasWaited = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(hasWaited).toBe(false);
    loaded();
    await wait;
    expect(hasWaited).toBe(true);
  });

  test("not where that is loaded", () => {
    page.readyState = "complete";
    expect(pageLoaded()).toBeUndefined();
  });

  test("and fails where there is none", async () => {
    vi.unstubAllGlobals();
    const handler = new RecordingHandler();
    iframe().open({ url: "https://a.example/b/", maxMessageBytes: 1 }, "h{}", handler);
    expect(handler.events).toEqual([]);
    await handler.until("lost");
    expect(handler.events[0]).toMatch(/document is not defined/);
  });
});
