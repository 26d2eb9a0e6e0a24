/** What attempts come to, and the sentence that says what they mean: as tables, and as `socket.report()` tells it. */
import { describe, expect, test } from "vitest";
import { hedged } from "../../src/client/chooser.ts";
import { connect } from "../../src/client/io.ts";
import type { ReportAttempt, Verdict } from "../../src/client/report.ts";
import { explain, judge } from "../../src/client/verdict.ts";
import { createTransports, FakePlatform } from "./fake-world.ts";

const attempt: ReportAttempt = {
  transport: "websocket",
  startedAt: 0,
  ms: 100,
  outcome: "failed",
  verdict: "pending",
  code: 1006,
  status: 0,
  reason: "",
};

describe("one word for each", () => {
  test.each<[Verdict, string, Partial<ReportAttempt>, isOpen?: boolean, rivalMs?: number]>([
    ["lost", "nothing was said, and nothing else is open", {}],
    ["lost", "no connection", { reason: "connect ECONNREFUSED 127.0.0.1:9" }],
    ["blocked", "nothing was said, and something else is open", {}, true],
    ["blocked", "an answer that is not ours", { status: 502, reason: "status is 502" }],
    ["blocked", "a login page", { status: 200, reason: "status 200" }],
    [
      "blocked",
      "the server saw no upgrade",
      { status: 426, reason: "BW_WS_UPGRADE: the Upgrade header is missing" },
    ],
    ["refused", "our server's answer to an upgrade", { status: 403, reason: "BW_ORIGIN: not this one" }],
    ["refused", "a close code of ours", { code: 4401, reason: "no ticket" }],
    ["refused", "taken over by another, before it opened", { code: 4409 }],
    ["superseded", "another opened first", { code: 4409 }, true],
    ["superseded", "a stream that had not much longer than what opened", { code: 4409, ms: 299 }, true, 100],
    ["buffered", "a stream that had much longer than what opened", { code: 4409, ms: 301 }, true, 100],
    ["buffered", "no first frame", { reason: "buffered: the stream did not begin" }],
    ["timeout", "no answer", { code: 4408, reason: "timeout" }],
    ["timeout", "no answer, and another is open", { code: 4408, reason: "timeout" }, true],
    ["timeout", "it was open, and fell silent", { verdict: "ok", code: 4408 }],
    ["lost", "it was open, and broke", { verdict: "ok", code: 1006 }, true],
    ["lost", "it was open, and the server went", { verdict: "ok", code: 4503 }, true],
    ["ok", "it was open, and another took over", { verdict: "ok", code: 4409 }, true],
    ["ok", "it was open, and one side said bye", { verdict: "ok", code: 4000 }],
  ])("%s: %s", (verdict, _name, changes, isOpen = false, rivalMs = Number.POSITIVE_INFINITY) => {
    expect(judge({ ...attempt, ...changes }, isOpen, rivalMs)).toBe(verdict);
  });
});

describe("one sentence for all", () => {
  const transports = ["websocket", "stream", "sse", "long-polling"].map((name) => ({ name }));

  test.each<[string, current: string, attempts: Partial<ReportAttempt>[]]>([
    ["Not connected.", "", []],
    ["Not connected.", "", [{ verdict: "pending" }]],
    ["Using websocket.", "websocket", [{ verdict: "ok" }]],
    ["Using stream.", "stream", [{ transport: "stream", verdict: "ok" }]],
    [
      "A proxy removed the Upgrade header; using stream.",
      "stream",
      [{ verdict: "blocked", status: 426, reason: "x" }],
    ],
    ["Most likely a proxy removed the Upgrade header; using stream.", "stream", [{ verdict: "blocked" }]],
    [
      "Websocket was blocked (status is 502); using stream.",
      "stream",
      [{ verdict: "blocked", status: 502, reason: "status is 502" }],
    ],
    [
      "Websocket was blocked (read ECONNRESET); using stream.",
      "stream",
      [{ verdict: "blocked", reason: "read ECONNRESET" }],
    ],
    [
      "A proxy removed the Upgrade header; a proxy keeps answers back until they end; using long-polling.",
      "long-polling",
      [
        { verdict: "blocked", status: 426 },
        { transport: "stream", verdict: "buffered" },
        { transport: "sse", verdict: "buffered" },
        { transport: "long-polling", verdict: "ok" },
      ],
    ],
    [
      "Websocket was superseded (stream opened first); using stream.",
      "stream",
      [{ verdict: "superseded", reason: "stream opened first" }],
    ],
    ["Websocket was not answered (timeout); using sse.", "sse", [{ verdict: "timeout", reason: "timeout" }]],
    ["Using websocket.", "websocket", [{ transport: "stream", verdict: "lost" }, { verdict: "ok" }]],
    ["Using stream.", "stream", [{ verdict: "blocked" }, { verdict: "ok" }]],
    [
      "Most likely a proxy removed the Upgrade header; using stream.",
      "stream",
      [{ verdict: "blocked" }, { verdict: "pending" }],
    ],
    [
      "Websocket was lost (gone); stream was refused (no ticket); not connected.",
      "",
      [
        { verdict: "lost", reason: "gone" },
        { transport: "stream", verdict: "refused", reason: "no ticket" },
      ],
    ],
  ])("%s", (sentence, current, changes) => {
    const attempts = changes.map((change) => ({ ...attempt, ...change }));
    expect(explain(transports, current, attempts)).toBe(sentence);
  });
});

describe("the report", () => {
  function open(names: readonly string[]) {
    const platform = new FakePlatform();
    const { transports, links } = createTransports(platform, names);
    const socket = connect(
      `http://verdicts-${names.join()}`,
      { transports, forceNew: true },
      platform,
      hedged,
    );
    platform.settle();
    const at = (index: number) => {
      const link = links.at(index);
      if (!link) throw new Error(`no attempt ${index}`);
      return link;
    };
    const verdicts = () => socket.report().attempts.map(({ verdict, status }) => [verdict, status]);
    return { platform, socket, at, verdicts };
  }

  test("a WebSocket of which nothing is known is blocked when another technique reaches the server", () => {
    const { socket, at, verdicts } = open(["websocket", "b"]);
    expect(verdicts()).toEqual([["pending", 0]]);
    at(0).lose(1006);
    expect(verdicts()).toEqual([
      ["lost", 0],
      ["pending", 0],
    ]);
    at(1).welcome();
    expect(verdicts()).toEqual([
      ["blocked", 0],
      ["ok", 0],
    ]);
    expect(socket.report().summary).toBe("Most likely a proxy removed the Upgrade header; using b.");
  });

  test("but not for what failed in an earlier round, when the server was out of reach", () => {
    const { platform, at, verdicts } = open(["x", "y"]);
    at(0).lose(1006);
    at(1).lose(1006);
    platform.pass(1_000);
    at(2).lose(1006);
    at(3).welcome();
    expect(verdicts().map(([verdict]) => verdict)).toEqual(["lost", "lost", "blocked", "ok"]);
  });

  test("every end has a reason", () => {
    const { platform, socket, at, verdicts } = open(["p", "q"]);
    platform.pass(500);
    at(1).welcome();
    at(1).lose(1006);
    platform.pass(1_000);
    at(-1).lose(undefined, "status is 502", 502);
    const { attempts } = socket.report();
    expect(attempts.slice(0, 3).map(({ reason }) => reason)).toEqual([
      "q opened first",
      "the connection broke",
      "status is 502",
    ]);
    expect(verdicts().slice(0, 3)).toEqual([
      ["superseded", 0],
      ["lost", 0],
      ["blocked", 502],
    ]);
  });
});
