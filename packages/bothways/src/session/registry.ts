/**
 * The sessions of one server, found by what a hello shows. docs/protocol/bothways-1.md §6.
 *
 * Invariants: one attempt id makes at most one session; a session id without its secret answers exactly as an id that
 * does not exist.
 */
import type { Hello } from "../model/frame.ts";
import type { Message } from "../model/message.ts";
import type { GapReason } from "../model/reasons.ts";
import { ServerSession, type ServerSessionOptions, type Tokens } from "./server-session.ts";

export interface RegistryTokens extends Tokens {
  /** Names this server's run; the ids of another run are known to be lost. No `.` in it. */
  readonly epoch: string;
  /** Authenticates an id, so that an expired one can be told from a forged one. */
  sign(text: string): string;
}

/** How a session that is gone ended, for a client that asks for it. The oldest are forgotten. */
const MAX_ENDINGS = 1024;

export class Registry<L, M extends Message = Message> {
  readonly #options: ServerSessionOptions;
  readonly #tokens: RegistryTokens;
  readonly #bySid = new Map<string, ServerSession<L, M>>();
  readonly #byAttempt = new Map<string, ServerSession<L, M>>();
  readonly #endings = new Map<string, GapReason>();

  constructor(options: ServerSessionOptions, tokens: RegistryTokens) {
    this.#options = options;
    this.#tokens = tokens;
  }

  get size(): number {
    return this.#bySid.size;
  }

  get(sid: string): ServerSession<L, M> | undefined {
    return this.#bySid.get(sid);
  }

  /** The session this hello may attach to. */
  find(hello: Hello): ServerSession<L, M> | undefined {
    const candidates = [this.#bySid.get(hello.sid ?? ""), this.#byAttempt.get(hello.attempt)];
    return candidates.find((session) => session?.owns(hello));
  }

  /** A late copy of a hello whose session was confirmed by another copy. */
  isSpent(hello: Hello): boolean {
    return this.#byAttempt.has(hello.attempt) && !this.find(hello);
  }

  create(hello: Hello, now: number): ServerSession<L, M> {
    const id = `${this.#tokens.epoch}.${this.#tokens.createSecret()}`;
    const sid = `${id}.${this.#tokens.sign(id)}`;
    const session = new ServerSession<L, M>(this.#options, this.#tokens, sid, hello.attempt, now);
    this.#bySid.set(sid, session);
    this.#byAttempt.set(hello.attempt, session);
    return session;
  }

  /** Why the session a hello asks for is not `session`, where it asks for one. */
  lossOf(hello: Hello, session: ServerSession<L, M>): GapReason | undefined {
    const { sid } = hello;
    if (!sid || sid === session.sid) return undefined;
    const [epoch = "", secret = "", signature = ""] = sid.split(".");
    const isOurs =
      this.#tokens.isEqual(signature, this.#tokens.sign(`${epoch}.${secret}`)) &&
      epoch === this.#tokens.epoch;
    return isOurs ? (this.#endings.get(sid) ?? "expired") : "server-lost";
  }

  /** Forgets a session that closed. */
  remove(session: ServerSession<L, M>, ending: GapReason): void {
    this.#bySid.delete(session.sid);
    this.#byAttempt.delete(session.attempt);
    this.#endings.set(session.sid, ending);
    const [oldest] = this.#endings.keys();
    if (this.#endings.size > MAX_ENDINGS && oldest) this.#endings.delete(oldest);
  }
}
