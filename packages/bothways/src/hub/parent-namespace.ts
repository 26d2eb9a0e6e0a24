/**
 * A pattern of names, or a function that judges them: the namespaces that clients ask for and it allows are its
 * children. Its listeners and middleware come before a child's own, also those added after the child was made.
 */
import type { Contract } from "../model/contract.ts";
import { Emitter, type Entry } from "../model/emitter.ts";
import type {
  DefaultEventsMap,
  ErrorFirstOfAll,
  EventArguments,
  EventNames,
  Untyped,
} from "../model/events.ts";
import { callHandler } from "./handler.ts";
import type { Middleware } from "./middleware.ts";
import type { Namespace, NamespaceReservedEvents, Parent } from "./namespace.ts";
import type { HubPlatform } from "./platform.ts";
import type { Socket } from "./socket.ts";

/**
 * May there be a namespace of that name? `next(null, true)` says so; the first word counts, and it may come later. An
 * error says no, and the client is told no more than that. `auth` is that of the client who asks first: as in Socket.IO,
 * a namespace that exists is judged no more, so what guards it from clients is middleware.
 */
export type NamespaceTest = (
  name: string,
  auth: Untyped,
  next: (error: Error | null, isAllowed?: boolean) => void,
) => void;

/**
 * All namespaces that a pattern, or a function, allows; each is made when a client first asks for it, and goes with its
 * last socket where `cleanupEmptyChildNamespaces` is true.
 */
export class ParentNamespace<
    ListenEvents = DefaultEventsMap,
    EmitEvents = ListenEvents,
    ServerSideEvents = DefaultEventsMap,
    SocketData = Untyped,
  >
  extends Emitter<
    Record<never, never>,
    NamespaceReservedEvents<
      Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>,
      Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    >
  >
  implements Parent<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>
{
  /** Those that exist now. */
  readonly children: Set<Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Set();
  /** @internal Replaced, never changed. */
  middleware: readonly Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>[] = [];
  /** @internal Of the children made from now on. */
  contract: Contract | undefined;
  readonly #test: RegExp | NamespaceTest;
  readonly #platform: HubPlatform;

  /** @internal */
  constructor(test: RegExp | NamespaceTest, platform: HubPlatform) {
    super();
    this.#test = test;
    this.#platform = platform;
  }

  /** Adds a function that lets clients into the children, or not. */
  use(middleware: Middleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    this.middleware = [...this.middleware, middleware];
    return this;
  }

  /** Sends an event to every socket of every child. Returns false where a receiver is beyond its high-water mark. */
  emit<Event extends EventNames<EmitEvents>>(
    event: Event,
    ...args: EventArguments<ErrorFirstOfAll<EmitEvents>, Event>
  ): boolean {
    let hasRoom = true;
    for (const child of this.children) hasRoom = child.emit(event, ...args) && hasRoom;
    return hasRoom;
  }

  /** @internal Is it a pattern, and the name one of its? */
  hasPattern(name: string): boolean {
    // `search` begins anew each time; `test` goes on from the last match where the pattern is global or sticky.
    return this.#test instanceof RegExp && name.search(this.#test) >= 0;
  }

  /** @internal Says once whether the name is allowed, perhaps later. */
  judge(name: string, auth: unknown, decide: (isAllowed: boolean) => void): void {
    const test = this.#test;
    if (test instanceof RegExp) return decide(this.hasPattern(name));
    let isDecided = false;
    const once = (isAllowed: boolean): void => {
      if (isDecided) return;
      isDecided = true;
      decide(isAllowed);
    };
    const failed = (error: unknown): void => {
      this.#platform.onError(error, { namespace: name, socket: undefined, event: undefined });
      once(false);
    };
    const next = (error: Error | null, isAllowed?: boolean): void => once(!error && isAllowed === true);
    callHandler(test, this, [name, auth, next], failed);
  }

  /** @internal */
  entries(event: "connect" | "connection"): readonly Entry[] {
    return this.take(event);
  }
}
