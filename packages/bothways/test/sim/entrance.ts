/** A link of the server, watched: what comes in on it, what leaves, and whether it still carries its session. */
import type { Data } from "../../src/model/message.ts";
import type { LinkHandler } from "../../src/model/transport.ts";
import type { ServerLink } from "../../src/server/server-link.ts";
import { describeFrame } from "./observer.ts";
import type { Account, Server } from "./server.ts";

export function kindOf(data: Data): string {
  return typeof data === "string" ? (data[0] ?? "") : String.fromCharCode(data[0] ?? 0);
}

/** A link of the server, watched. */
export class Entrance implements LinkHandler {
  inner: ServerLink | undefined;
  account: Account | undefined;
  generation = 0;
  lastBatch = 0;
  readonly client: number;
  readonly transport: string;
  readonly #server: Server;

  constructor(server: Server, client: number, transport: string) {
    this.#server = server;
    this.client = client;
    this.transport = transport;
  }

  /** A newer round has its session. */
  get isFenced(): boolean {
    return this.account !== undefined && this.generation < this.account.generation;
  }

  receive(data: Data): void {
    const { observer } = this.#server.world;
    observer.note(this.client + 16, data);
    observer.trace?.(
      `  server ${this.client} ${this.transport} g${this.generation} < ${describeFrame(data)}`,
    );
    this.#server.entrance = this;
    if (this.generation === 0) this.#hello(String(data));
    else {
      const kind = kindOf(data);
      const { account } = this;
      if (kind === "m" && this.isFenced) observer.mark("fenced frames ignored");
      if (account && this.generation === account.generation && kind !== "c") account.winner ??= this;
      this.inner?.receive(data);
    }
    this.#server.entrance = undefined;
  }

  received(): void {
    this.#server.entrance = this;
    this.inner?.received();
    this.#server.entrance = undefined;
  }

  writable(goesOn?: boolean): void {
    this.inner?.writable(goesOn);
  }

  blocked(): void {
    this.inner?.blocked();
  }

  position(): string {
    return String(this.sent(this.inner?.position() ?? ""));
  }

  lost(code: Parameters<LinkHandler["lost"]>[0], closeCode?: number): void {
    this.#server.world.observer.trace?.(
      `  server ${this.client} ${this.transport} g${this.generation} lost ${closeCode}`,
    );
    this.inner?.lost(code, closeCode);
  }

  /** Looks at a frame that leaves, and returns what leaves in its place. */
  sent(data: Data): Data {
    const { world } = this.#server;
    world.observer.note(this.client + 32, data);
    world.observer.trace?.(
      `  server ${this.client} ${this.transport} g${this.generation} > ${describeFrame(data)}`,
    );
    const told = toldBy(data);
    const received = this.#attached?.received ?? 0;
    world.observer.check(
      told <= received,
      () => `client ${this.client}: the server acknowledged ${told} of ${received}`,
    );
    return world.tamper(data);
  }

  /** The session that the hello led to. */
  get #attached(): Account | undefined {
    const key = this.inner?.key ?? "";
    return this.account ?? this.#server.accounts.get(key.slice(0, key.lastIndexOf("~")));
  }

  #hello(text: string): void {
    const { world, accounts } = this.#server;
    const hello = JSON.parse(text.slice(1));
    this.generation = hello.generation;
    const known = accounts.get(hello.sid);
    if (known?.isLive && known.generation >= this.generation) {
      world.observer.mark(known.generation === this.generation ? "hello twice" : "two resumes race");
    }
    this.inner?.receive(text);
    const account = this.#attached;
    if (!account || this.generation < account.generation) return;
    this.account = account;
    const hasLink = this.generation === account.generation && account.winner !== undefined;
    world.observer.check(
      !hasLink || account.peer.session.link !== this.inner,
      () => `client ${this.client}: a round that has its link takes another`,
    );
    if (!known && account.generation === this.generation) world.observer.mark("hello twice");
    if (this.generation > account.generation) {
      account.winner = undefined;
      if (hello.secret && account.lastSecret === hello.secret)
        world.observer.mark("rotated secret's answer lost");
      account.lastSecret = hello.secret;
    }
    account.generation = this.generation;
  }
}

/** The position that a frame tells, or 0. */
export function toldBy(data: Data): number {
  if (typeof data !== "string") return 0;
  if (data[0] === "a") return Number(data.slice(1, data.indexOf(",")));
  if (data[0] === "w") return JSON.parse(data.slice(1)).received;
  return 0;
}
