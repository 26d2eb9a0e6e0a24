/** What pages ask by elements: URLs, texts, and when an element may begin to load. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { afterLoad, decodeLines, urlWith } from "../../../src/transport/web/page-request.ts";

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

describe("an element", () => {
  const page = { readyState: "interactive" };
  let listeners: Set<() => void>;

  beforeEach(() => {
    listeners = new Set();
    page.readyState = "interactive";
    vi.stubGlobal("document", page);
    vi.stubGlobal("addEventListener", (_: string, listener: () => void) => listeners.add(listener));
    vi.stubGlobal("removeEventListener", (_: string, listener: () => void) => listeners.delete(listener));
  });

  afterEach(() => vi.unstubAllGlobals());

  test("begins when the page is loaded, and is stopped then", () => {
    const stop = vi.fn();
    const act = vi.fn(() => stop);
    const cancel = afterLoad(act);
    expect(act).not.toHaveBeenCalled();
    for (const listener of listeners) listener();
    expect(act).toHaveBeenCalledOnce();
    cancel();
    expect(stop).toHaveBeenCalledOnce();
  });

  test("never begins where it was given up before", () => {
    const act = vi.fn(() => () => {});
    afterLoad(act)();
    expect(listeners.size).toBe(0);
    expect(act).not.toHaveBeenCalled();
  });

  test("begins at once on a page that is loaded", () => {
    page.readyState = "complete";
    const act = vi.fn(() => () => {});
    afterLoad(act);
    expect(act).toHaveBeenCalledOnce();
    expect(listeners.size).toBe(0);
  });
});
