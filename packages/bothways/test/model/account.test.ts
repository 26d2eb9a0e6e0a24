import { expect, test } from "vitest";
import { Account } from "../../src/model/account.ts";

test("what is charged to a part is charged to the whole, each with its own limit", () => {
  const whole = new Account(100);
  const [one, other] = [new Account(80, whole), new Account(80, whole)];
  one.charge(80);
  expect([one.isOver, whole.isOver]).toEqual([false, false]);
  other.charge(21);
  expect([other.isOver, whole.isOver, whole.bytes]).toEqual([false, true, 101]);
  one.charge(-80);
  other.charge(-21);
  expect([one.bytes, other.bytes, whole.bytes]).toEqual([0, 0, 0]);
});
