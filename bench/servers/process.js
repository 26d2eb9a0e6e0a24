/**
 * A child's side of the run: answers on Node's IPC channel, and what the process has used. It ends when the run lets go
 * of it, and tells the run what nobody has caught. In JavaScript, so that each runtime under test runs it as it is.
 *
 * @import { Usage } from "../works.ts"
 */

process.on("disconnect", () => process.exit());
process.on("uncaughtException", (error) => {
  process.send?.({ failed: error.message }, () => process.exit(1));
});

/**
 * @template Question
 * @param {(question: Question) => unknown} handle
 */
export function answer(handle) {
  process.on("message", async (question) => {
    process.send?.(await handle(/** @type {Question} */ (question)));
  });
}

/** @typedef {{ type: "port" | "usage" | "settled-usage" }} ServerQuestion */

/**
 * A server's answers.
 *
 * @param {number | Promise<number>} port where it listens
 */
export function answerRun(port) {
  answer(async (/** @type {ServerQuestion} */ { type }) => {
    if (type === "port") return { port: await port };
    if (type === "settled-usage") await settle();
    return measureProcess();
  });
}

/** User and system time of this process so far, in µs. */
export function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** @returns {Usage} */
function measureProcess() {
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
