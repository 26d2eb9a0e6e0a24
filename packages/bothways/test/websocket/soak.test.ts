/** Nothing of a connection stays when it has gone, however it went: a process of its own that thousands pass through. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("./soak.ts", import.meta.url));
const megabyte = 1_000_000;

test("two thousand connections come, talk and go in every way: what is held stays flat", async () => {
  const args = ["--max-old-space-size=300", program, "--connections", "2000"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 });
  const measures = JSON.parse(stdout) as { held: number; rss: number }[];
  const [early, late] = [measures[1], measures.at(-1)];
  // A kilobyte a connection would be two megabytes; the difference may be one block that is between two collections.
  const lowest = Math.min(...measures.slice(-3).map(({ held }) => held));
  expect(lowest).toBeLessThan((early?.held ?? 0) + megabyte);
  expect(late?.rss).toBeLessThan((early?.rss ?? 0) + 60 * megabyte);
});
