import { describe, expect, test } from "vitest";
import { ANY, Emitter } from "../../src/model/emitter.ts";

class Bench extends Emitter {
  raise(event: string, ...args: unknown[]): void {
    for (const { listener } of this.take(ANY)) listener(event, ...args);
    for (const { listener } of this.take(event)) listener(...args);
  }
}

const peculiarNames = ["error", "__proto__", "constructor", "newListener", "removeListener", "toString", ""];

describe("Emitter", () => {
  test.each(peculiarNames)("%j is a name like any other", (name) => {
    const emitter = new Bench();
    const seen: unknown[] = [];
    emitter.raise(name, 1);
    expect(emitter.hasListeners(name)).toBe(false);
    emitter.on(name, (value) => seen.push(value));
    emitter.raise(name, 2);
    emitter.off(name);
    emitter.raise(name, 3);
    expect(seen).toEqual([2]);
  });

  test("calls listeners in the order they were added, those of once in their place and one time", () => {
    const emitter = new Bench();
    const seen: string[] = [];
    emitter
      .on("a", () => seen.push("first"))
      .once("a", () => seen.push("once"))
      .on("a", () => seen.push("last"));
    emitter.raise("a");
    emitter.raise("a");
    expect(seen).toEqual(["first", "once", "last", "first", "last"]);
  });

  test("a listener of once that raises the event itself is not called again", () => {
    const emitter = new Bench();
    let calls = 0;
    emitter.once("a", () => {
      calls += 1;
      emitter.raise("a");
    });
    emitter.raise("a");
    expect(calls).toBe(1);
  });

  test("changes while listeners are being called count from the next time", () => {
    const emitter = new Bench();
    const seen: string[] = [];
    const late = (): number => seen.push("late");
    const removed = (): number => seen.push("removed");
    emitter.once("a", () => {
      emitter.off("a", removed).on("a", late);
    });
    emitter.on("a", removed);
    emitter.raise("a");
    expect(seen).toEqual(["removed"]);
    emitter.raise("a");
    expect(seen).toEqual(["removed", "late"]);
  });

  test("off removes one listener, those of one event, or all", () => {
    const emitter = new Bench();
    const one = (): void => undefined;
    const two = (): void => undefined;
    emitter.on("a", one).once("a", one).on("a", two).on("b", one).onAny(one);
    emitter.off("a", one);
    expect(emitter.listeners("a")).toEqual([two]);
    emitter.off("missing", one).off("a");
    expect(emitter.listeners("a")).toEqual([]);
    expect(emitter.hasListeners("a")).toBe(false);
    expect(emitter.hasListeners("b")).toBe(true);
    emitter.off();
    expect(emitter.hasListeners("b")).toBe(false);
  });

  test("onAny hears every event by name, and no other method sees it", () => {
    const emitter = new Bench();
    const seen: unknown[] = [];
    const any = (...args: unknown[]): number => seen.push(args);
    const other = (): number => seen.push("other");
    emitter.onAny(any).onAny(other).offAny(other);
    emitter.raise("a", 1);
    emitter.off("a");
    emitter.raise("b", 2);
    emitter.offAny();
    emitter.raise("c", 3);
    expect(seen).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  test("listeners is a copy", () => {
    const emitter = new Bench();
    emitter.on("a", () => undefined);
    emitter.listeners("a").pop();
    expect(emitter.listeners("a")).toHaveLength(1);
  });
});
