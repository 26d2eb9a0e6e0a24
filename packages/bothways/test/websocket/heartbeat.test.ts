/** The wheel: one timer for all, each visited once a turn, none that keeps the process alive. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startBeating } from "../../src/websocket/heartbeat.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("each is visited once per interval, first after a whole one", () => {
  const visits: string[] = [];
  const stops = ["a", "b"].map((name) => startBeating({ beat: () => visits.push(name) }, 1_600));
  vi.advanceTimersByTime(1_599);
  expect(visits).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(visits).toEqual(["a", "b"]);
  vi.advanceTimersByTime(800);
  const late = startBeating({ beat: () => visits.push("late") }, 1_600);
  vi.advanceTimersByTime(800);
  expect(visits).toEqual(["a", "b", "a", "b"]);
  vi.advanceTimersByTime(800);
  expect(visits).toEqual(["a", "b", "a", "b", "late"]);
  for (const stop of [...stops, late]) stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("one timer for thousands, and none for nobody", () => {
  const stops = Array.from({ length: 5_000 }, () => startBeating({ beat: () => {} }, 1_000));
  expect(vi.getTimerCount()).toBe(1);
  for (const stop of stops) {
    stop();
    stop();
  }
  expect(vi.getTimerCount()).toBe(0);
});

test("who leaves while being visited is not visited again, nor is anybody skipped", () => {
  const visits: string[] = [];
  const stopFirst = startBeating(
    {
      beat: () => {
        visits.push("first");
        stopFirst();
      },
    },
    160,
  );
  const stopSecond = startBeating({ beat: () => visits.push("second") }, 160);
  vi.advanceTimersByTime(320);
  expect(visits).toEqual(["first", "second", "second"]);
  stopSecond();
});
