/** Before each test file of every suite: `vi.waitFor` waits as long as `expect.poll` does, which Vitest has no option for. */
import { vi } from "vitest";

const { waitFor } = vi;
const timeout = 20_000;

vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === "number" ? options : { timeout, ...options });
