/** What the tests of the session layer share: options, tokens that can be foretold, and a pair of machines. */
import type { Hello, Welcome } from "../../src/model/frame.ts";
import { ClientSession } from "../../src/session/client-session.ts";
import { disconnect } from "../../src/session/overflow.ts";
import type { RegistryTokens } from "../../src/session/registry.ts";
import { ServerSession, type ServerSessionOptions } from "../../src/session/server-session.ts";
import type { Output, Session } from "../../src/session/session.ts";
import { encodeFrame } from "../../src/wire/native/frame.ts";

export const options: ServerSessionOptions = {
  windowMessages: 16,
  windowBytes: 4096,
  highWaterMarkBytes: 1000,
  maxQueueBytes: 2000,
  overflow: disconnect,
  ackDelayMs: 50,
  pingIntervalMs: 1000,
  pingTimeoutMs: 500,
  connectTimeoutMs: 2000,
  resumeWindowMs: 5000,
};

export function createTokens(epoch = "epoch1"): RegistryTokens {
  let count = 0;
  return {
    epoch,
    createSecret: () => `secret-${epoch}-${++count}`.padEnd(22, "-"),
    isEqual: (a, b) => a === b,
    sign: (text) => `signed-${text.length}-${text.replaceAll(".", "_")}`,
  };
}

export function createClient(changes: Partial<ServerSessionOptions> = {}): ClientSession<string> {
  return new ClientSession({ ...options, ...changes }, createTokens("client").createSecret);
}

export function createServer(changes: Partial<ServerSessionOptions> = {}): ServerSession<string> {
  return new ServerSession({ ...options, ...changes }, createTokens(), "sid", firstAttempt, 0);
}

/** The attempt id of every first client that `createClient` makes. */
export const firstAttempt: string = createTokens("client").createSecret();

/** Takes all outputs. */
export function drain(session: Session<string>): Output<string, never>[] {
  const outputs: Output<string, never>[] = [];
  for (let output = session.take(); output; output = session.take())
    outputs.push(output as Output<string, never>);
  return outputs;
}

/** Takes all outputs, as one line of text each. */
export function say(session: Session<string>): string[] {
  return drain(session).map(describeOutput);
}

function describeOutput(output: Output<string, never>): string {
  switch (output.type) {
    case "frame":
      return `${output.link}: ${output.frame[0] === "w" ? "w" : encodeFrame(output.frame)}`;
    case "message":
      return `${output.link}: ${output.message.data}`;
    case "deliver":
      return `deliver ${output.number} ${output.data}`;
    case "open":
      return `open ${output.link} from ${output.from}`;
    case "away":
      return `away ${output.code}`;
    case "gap":
      return `gap ${output.gap.from} ${output.gap.reason} unknown=${texts(output.unknown)} unsent=${texts(output.unsent)}`;
    case "dropped":
      return `dropped ${texts(output.messages)}`;
    case "drop":
      return `drop ${output.link} ${output.code}`;
    case "closed":
      return `closed ${output.code} ${output.isRemote ? "remote" : "local"}`;
    default:
      return output.type;
  }
}

function texts(messages: readonly { readonly data: string | Uint8Array }[]): string {
  return messages.map(({ data }) => data).join(",");
}

export function welcomeOf(outputs: readonly Output<string, never>[]): Welcome | undefined {
  for (const output of outputs) {
    if (output.type === "frame" && output.frame[0] === "w") return output.frame[1];
  }
}

/** Attaches at the server and gives the welcome, which the client has not seen yet. */
export function attach(server: ServerSession<string>, link: string, hello: Hello, now = 0): Welcome {
  server.accept(link, hello, `key-${link}`, undefined, now);
  const outputs = drain(server);
  const welcome = welcomeOf(outputs);
  if (!welcome) throw new Error(`no welcome: ${outputs.map(describeOutput).join("; ")}`);
  server.handle({ type: "writable", link, rewinds: false }, now);
  return welcome;
}

export interface Pair {
  readonly client: ClientSession<string>;
  readonly server: ServerSession<string>;
}

/** Client and server joined by link `a`, both open, all said. */
export function openPair(changes: Partial<ServerSessionOptions> = {}): Pair {
  const pair = { client: createClient(changes), server: createServer(changes) };
  join(pair, "a");
  return pair;
}

/** Attaches `link` and lets both sides talk until they have nothing to say. */
export function join(pair: Pair, link: string, now = 0): void {
  const welcome = attach(pair.server, link, pair.client.dial(link, false, []), now);
  pair.client.handle({ type: "frame", link, frame: ["w", welcome] }, now);
  pair.client.handle({ type: "writable", link, rewinds: false }, now);
  talk(pair, now);
}

/** Carries what either side has for the other until nothing is left. Returns what both said to their applications. */
export function talk({ client, server }: Pair, now = 0): string[] {
  const said: string[] = [];
  for (let isBusy = true; isBusy; ) {
    isBusy = false;
    for (const [name, from, to] of [
      ["client", client, server],
      ["server", server, client],
    ] as const) {
      for (let output = from.take(); output; output = from.take()) {
        isBusy = true;
        if (output.type === "frame")
          to.handle({ type: "frame", link: output.link, frame: output.frame }, now);
        else if (output.type === "message") {
          const { data } = output.message;
          to.handle({ type: "frame", link: output.link, frame: [data[0] === "v" ? "v" : "m", data] }, now);
        } else if (output.type === "drop")
          to.handle({ type: "lost", link: output.link, code: output.code }, now);
        else said.push(`${name} ${describeOutput(output as Output<string, never>)}`);
      }
    }
  }
  return said;
}
