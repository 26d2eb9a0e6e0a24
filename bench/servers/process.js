/**
 * A server's side of the run: answers on Node's IPC channel, and what the process has used. In JavaScript, so that each
 * runtime under test runs it as it is.
 *
 * @import { Usage } from "../works.ts"
 */

/** @typedef {"port" | "usage" | "settled-usage"} ServerQuestion */

/**
 * Answers the run's questions, and ends when the run lets go.
 *
 * @param {number | Promise<number>} port where the server listens
 */
export function answerRun(port) {
  process.on("message", async (/** @type {ServerQuestion} */ question) => {
    process.send?.(question === "port" ? { port: await port } : await measureProcess(question));
  });
  process.on("disconnect", () => process.exit());
}

/** User and system time of this process so far, in µs. */
export function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * @param {ServerQuestion} question
 * @returns {Promise<Usage>}
 */
async function measureProcess(question) {
  if (question === "settled-usage") await settle();
  return { cpuUs: cpuUs(), rssBytes: process.memoryUsage.rss() };
}

/**
 * Collects garbage until there is none (what is freed by one collection may free more at the next turn), and has V8
 * close the gaps, so that what is left is what connections hold and not what connecting left behind.
 */
async function settle() {
  for (let round = 0; round < 5; round++) {
    if ("Bun" in globalThis) Reflect.get(globalThis, "Bun").gc(true);
    else globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
