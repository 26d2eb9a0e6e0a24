import { expect, test } from "vitest";
import { Ledger } from "../src/chat/public/ledger.js";

function after(ids: number[]): Ledger {
  const ledger = new Ledger();
  for (const id of ids) ledger.hear(id);
  return ledger;
}

test.each([
  { ids: [], missing: 0, doubled: 0, disordered: 0 },
  { ids: [4, 5, 6], missing: 0, doubled: 0, disordered: 0 },
  { ids: [4, 6, 7], missing: 1, doubled: 0, disordered: 0 },
  { ids: [4, 5, 5, 6], missing: 0, doubled: 1, disordered: 0 },
  { ids: [4, 6, 5], missing: 0, doubled: 0, disordered: 1 },
])("$ids", ({ ids, missing, doubled, disordered }) => {
  const ledger = after(ids);
  expect([ledger.missing(0), ledger.doubled, ledger.disordered]).toEqual([missing, doubled, disordered]);
});

test("our own messages fill their places late, and are expected until then", () => {
  const ledger = after([1, 2, 5]);
  expect(ledger.missing(2)).toBe(0);
  ledger.know(3);
  expect(ledger.missing(1)).toBe(0);
  expect(ledger.missing(0)).toBe(1);
  ledger.know(4);
  expect(ledger.missing(0)).toBe(0);
  expect(ledger.disordered).toBe(0);
});

test("another room begins anew; what went wrong stays counted", () => {
  const ledger = after([1, 1, 9]);
  ledger.begin();
  ledger.hear(1);
  expect([ledger.missing(0), ledger.doubled]).toEqual([0, 1]);
});
