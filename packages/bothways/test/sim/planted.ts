/**
 * Faults that are planted in a copy of the product, one at a time: the simulation must find each, or its checks and its
 * menu of faults are worth little. Each edit's text must occur exactly once.
 */

export interface Edit {
  /** Under packages/bothways/src. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface PlantedFault {
  readonly name: string;
  readonly edits: readonly Edit[];
}

const session = "session/session.ts";
const server = "session/server-session.ts";
const client = "session/client-session.ts";
const outbox = "session/outbox.ts";
const registry = "session/registry.ts";
const nodePolling = "transport/node/long-polling.ts";
const nodeExchanges = "transport/node/exchange-link.ts";
const clientPolling = "transport/client/long-polling.ts";

function plant(name: string, file: string, find: string, replace: string, ...more: Edit[]): PlantedFault {
  return { name, edits: [{ file, find, replace }, ...more] };
}

export const plantedFaults: readonly PlantedFault[] = [
  plant("replay off by one", outbox, "this.next = this.acked + 1;", "this.next = this.acked + 2;"),
  plant(
    "no replay on a new link",
    session,
    "    this.heard();\n    this.outbox.rewind();\n    this.renew();\n",
    "    this.heard();\n    this.#isNamed = false;\n",
  ),
  plant(
    "no replay on a new exchange",
    server,
    "    this.outbox.rewind();\n    super.renew();\n",
    "    super.renew();\n",
  ),
  plant(
    "replay overtaken by live traffic",
    outbox,
    "if (this.next <= this.last) {",
    "if (this.next <= this.last && !queue.length) {",
  ),
  plant(
    "acknowledged before it was delivered",
    session,
    "      this.#admitted = number;\n",
    "      this.#admitted = this.received = number;\n",
    { file: session, find: "    this.received = number;\n", replace: "" },
  ),
  plant(
    "window not cleared by an acknowledgement",
    outbox,
    "    this.acked = Math.max(this.acked, received);\n",
    "",
  ),
  plant(
    "no check for duplicates",
    session,
    "if (number === this.#admitted + 1) {",
    "if (number <= this.#admitted + 1) {",
  ),
  plant(
    "older links not fenced",
    server,
    '    for (const attachment of this.links) this.emit({ type: "drop", link: attachment.link, code: TAKEN_OVER });\n    this.links = [];\n',
    "",
  ),
  plant("generations not compared", server, "hello.generation < this.generation || (", "("),
  plant(
    "the attempt id finds nothing",
    server,
    'return this.state === "waiting" && isEqual(attempt, this.attempt);',
    "return false;",
    {
      file: registry,
      find: "return this.#byAttempt.has(hello.attempt) && !this.find(hello);",
      replace: "return false;",
    },
  ),
  plant(
    "a late copy of a hello makes another session",
    registry,
    "return this.#byAttempt.has(hello.attempt) && !this.find(hello);",
    "return false;",
  ),
  plant(
    "the old secret dies with the welcome",
    server,
    "isEqual(secret, this.#secret) || (this.#nextSecret !== undefined && isEqual(secret, this.#nextSecret))",
    "isEqual(secret, this.#nextSecret ?? this.#secret)",
  ),
  plant(
    "the secret rotates unconfirmed",
    server,
    '    this.emit({ type: "frame", link, frame: ["w", welcome] });\n',
    '    this.emit({ type: "frame", link, frame: ["w", welcome] });\n    this.#rotate();\n',
  ),
  plant(
    "the loser of a hedge says goodbye for all",
    session,
    "this.drop(other, TAKEN_OVER)",
    "this.drop(other, 4000)",
  ),
  plant("any 4409 is somebody else's doing", client, "generation === this.generation", "true"),
  plant("no 4409 is somebody else's doing", client, "generation === this.generation", "false"),
  plant("a resume does not end the wait", server, "      this.#expiresAt = NEVER;\n", ""),
  plant(
    "a lost session waits for ever",
    server,
    'else if (this.state === "open") this.#expiresAt = this.now + this.#limits.resumeWindowMs;',
    "",
  ),
  plant(
    "no gap raised",
    client,
    '      this.emit({ type: "gap", gap, ...this.restart() });\n',
    "      this.restart();\n",
  ),
  plant("the gap forgets what was never sent", session, "unsent: queue }", "unsent: [] }"),
  plant("the gap forgets what was sent", session, "unknown: window,", "unknown: [],"),
  plant(
    "numbers go on in a new session",
    session,
    "this.received = this.#admitted = this.#receivedBytes",
    "this.#receivedBytes",
  ),
  plant(
    "the position of a lost session counts",
    server,
    "    if (!lost) this.acknowledge",
    "    this.acknowledge",
  ),
  plant(
    "credit falls",
    outbox,
    "this.#creditMessages = Math.max(this.#creditMessages, messages);",
    "this.#creditMessages = messages;",
  ),
  plant(
    "credit lost at a switch",
    outbox,
    "this.next = this.acked + 1;",
    "this.next = this.acked + 1;\n    this.#creditMessages = this.acked;",
  ),
  plant("credit ignored", outbox, "(this.last < this.#creditMessages &&", "(true &&"),
  plant(
    "our own window has no limit",
    outbox,
    "this.windowBytes + costOf(message) <= this.#windowLimit",
    "true",
  ),
  plant("nothing exceeds credit", outbox, "      !this.window.length ||\n", ""),
  plant("answers need credit", outbox, "      !!message.isAnswer ||\n", "", {
    file: outbox,
    find: "queue.findIndex(({ isAnswer }) => isAnswer)",
    replace: "queue.length",
  }),
  plant(
    "a policy makes a hole",
    server,
    '    if (messages.length) this.emit({ type: "dropped", messages });\n',
    '    if (messages.length) this.emit({ type: "dropped", messages });\n    this.outbox.last += messages.length;\n',
  ),
  plant(
    "the queue has no limit",
    "session/overflow.ts",
    "return queue.length === 0 || queueBytes",
    "return queue.length >= 0 || queueBytes",
  ),
  plant(
    "a hole is stepped over",
    session,
    "      this.drop(attachment, attachment.rewinds ? TIMEOUT : PROTOCOL_ERROR);\n",
    '      this.#admitted = number;\n      this.emit({ type: "deliver", data, number });\n',
    {
      file: nodeExchanges,
      find: "if (sequence > this.batches) this.receive(frames);",
      replace: "if (sequence > this.batches && sequence !== 3) this.receive(frames);",
    },
  ),
  plant(
    "what is told later than it was answered is told to nobody",
    session,
    "if (output || !current?.isWritable ||",
    "if (output || !current?.isWritable || current.rewinds ||",
  ),
  plant("no heartbeat", session, "this.silent(this.current);", "this.silentAt = NEVER;"),
  plant("no pong", session, '        this.#beat ??= "o";\n', ""),
  plant("an answer to a ping does not count", server, "    this.#unanswered = 0;\n", ""),
  plant(
    "a late poll steals data",
    nodePolling,
    "    if (sequence <= this.#sequence) return answer.send(200, this.preface());\n",
    "",
  ),
  plant(
    "a repeated batch is taken again",
    nodeExchanges,
    "if (sequence > this.batches) this.receive(frames);",
    "this.receive(frames);",
  ),
  plant("a new stream goes on where the old one was", "server/server-link.ts", "||= !goesOn", "&&= goesOn"),
  plant("a poll does not tell the position", clientPolling, ", link.handler.position()];", "];"),
];
