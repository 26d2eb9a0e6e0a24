/** Runs cases against both sides of both implementations. */
import type { Case, Side } from "./case.ts";
import { end, gets, isExpected } from "./frames.ts";
import { Peer } from "./peer.ts";
import { type LibraryName, libraries, reach } from "./targets.ts";

/** `pass`; `–` where the target does not do what the case is about; else what came instead. */
export type Verdict = string;
export type Verdicts = Readonly<Record<`${LibraryName} ${Side}`, Verdict>>;

export interface Result {
  readonly case: Case;
  readonly verdicts: Verdicts;
}

const sides: readonly Side[] = ["server", "client"];
/** A target that has not answered by then does not. */
const patienceMs = 4_000;
const lanes = 24;

export async function runAll(cases: readonly Case[]): Promise<Result[]> {
  const results = new Map<Case, Record<string, Verdict>>();
  const jobs = cases.flatMap((one) => {
    results.set(one, {});
    const four = Object.keys(libraries).flatMap((name) =>
      sides.map((side) => async () => {
        const verdict = (one.sides ?? sides).includes(side)
          ? await judge(one, side, name as LibraryName)
          : "";
        Object.assign(results.get(one) ?? {}, { [`${name} ${side}`]: verdict });
      }),
    );
    return four.map((run) => ({ run, isAlone: one.isAlone ?? false }));
  });
  for (const job of jobs.filter(({ isAlone }) => isAlone)) await job.run();
  const rest = jobs.filter(({ isAlone }) => !isAlone).values();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const job of rest) await job.run();
    }),
  );
  return [...results].map(([one, verdicts]) => ({ case: one, verdicts: verdicts as Verdicts }));
}

async function judge(given: Case, side: Side, name: LibraryName): Promise<Verdict> {
  let target: Awaited<ReturnType<typeof reach>>;
  try {
    target = await reach(side, name, given);
  } catch (error) {
    if (given.options?.perMessageDeflate) return "–";
    throw error;
  }
  try {
    const peer = new Peer(target.socket, side, given);
    await converse(peer, side, given);
    if (peer.isDeflateMissing) return "–";
    const expected = expectedLines(given);
    const wrong = difference(peer.lines, expected);
    if (wrong !== undefined) return shorten(wrong);
    if (given.told === undefined) return "pass";
    const told = await Promise.race([target.told, delay(patienceMs, "nothing")]);
    return told === given.told ? "pass" : `the application is told ${told}`;
  } finally {
    target.dispose();
  }
}

async function converse(peer: Peer, side: Side, given: Case): Promise<void> {
  const expected = expectedLines(given);
  await peer.until(() => peer.isOpen || peer.isOver, patienceMs);
  for (const step of given.steps ?? []) {
    if (peer.isDeflateMissing) return;
    await peer.do(step, patienceMs);
  }
  if (!isEnding(given)) {
    await peer.until(() => peer.lines.length >= given.expect.length || peer.isOver, patienceMs);
    peer.close();
  }
  const hasClosed = (): boolean =>
    peer.lines.length >= expected.length - 1 && peer.lines.some((one) => one.startsWith("close"));
  await peer.until(() => peer.isOver || hasClosed(), patienceMs);
  if (!peer.isOver && !hasClosed()) return;
  // RFC 6455 §7.1.1: the server ends TCP first
  if (side === "client" && !given.isTcpKept) peer.endTcp();
  await peer.until(() => peer.isOver, patienceMs);
  if (!given.isTcpKept) peer.endTcp();
}

function isEnding({ expect }: Case): boolean {
  return expect.some((one) => one === end || one.startsWith("close"));
}

function expectedLines(given: Case): readonly string[] {
  return isEnding(given) ? given.expect : [...given.expect, gets.close(1000), end];
}

/** From the first line that is another. */
function difference(lines: readonly string[], expected: readonly string[]): string | undefined {
  const count = Math.max(lines.length, expected.length);
  for (let at = 0; at < count; at++) {
    if (!isExpected(lines[at], expected[at])) return lines.slice(at).join(", ") || "nothing";
  }
  return undefined;
}

function shorten(text: string): string {
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
}

function delay<Value>(ms: number, value: Value): Promise<Value> {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}
