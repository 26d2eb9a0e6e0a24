import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again, at most for so long. False where it never came true. */
export async function until(isTrue: () => boolean, maxMs: number): Promise<boolean> {
  const end = performance.now() + maxMs;
  while (!isTrue()) {
    if (performance.now() > end) return false;
    await sleep(20);
  }
  return true;
}
