/** A hub with everything around it written down: what was sent, which timers run, what was reported. */

import { Hub } from "../../src/hub/hub.ts";
import type { ErrorContext, HubLimits, HubPlatform } from "../../src/hub/platform.ts";
import type { Socket } from "../../src/hub/socket.ts";
import { BothwaysError } from "../../src/model/bothways-error.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import type { OverflowPolicy } from "../../src/model/message.ts";
import { ACK, ACK_ERROR, CONNECT, DISCONNECT, EVENT, type Packet } from "../../src/model/packet.ts";
import type { Peer } from "../../src/model/peer.ts";

const handshake = {
  headers: { host: "example.com" },
  query: { room: "a" },
  address: "192.0.2.1",
  secure: false,
  xdomain: false,
  time: "Thu, 01 Jan 1970 00:00:00 GMT",
  issued: 0,
  url: "/bothways/?room=a",
};

export class FakePeer implements Peer {
  readonly handshake = handshake;
  readonly identity: unknown = { user: "ada" };
  transport = "websocket";
  bufferedBytes = 0;
  isFull = false;
  dropped = 0;
  policy: OverflowPolicy = "disconnect";
  expiresAt = Infinity;
  /** Tokens that were shown. */
  readonly tokens: unknown[] = [];
  isPaused = false;
  /** What `send` returns. */
  hasRoom = true;
  readonly sent: Packet[] = [];
  readonly volatile: Packet[] = [];
  readonly closed: ErrorCode[] = [];
  /** Stands for a dialect that cannot encode. */
  refuses: (packet: Packet) => boolean = () => false;

  send(packet: Packet, isVolatile?: boolean): boolean {
    if (this.refuses(packet)) throw new TypeError("cannot be encoded");
    (isVolatile ? this.volatile : this.sent).push(packet);
    return this.hasRoom;
  }

  async refreshAuth(token: unknown): Promise<void> {
    this.tokens.push(token);
    if (token === "bad") throw new BothwaysError("BW_UNAUTHORIZED", "bad token");
  }

  admits(): boolean {
    return !this.isFull;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: ErrorCode): void {
    this.closed.push(code);
  }

  /** The packets sent, each as one line. */
  get lines(): string[] {
    return this.sent.map(toLine);
  }

  /** The newest packet. */
  get last(): Packet {
    const last = this.sent.at(-1);
    if (last === undefined) throw new Error("nothing was sent");
    return last;
  }
}

const names = ["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "ACK_ERROR"];

function toLine({ type, namespace, data }: Packet): string {
  return [names[type], namespace, ...(data === undefined ? [] : [JSON.stringify(data)])].join(" ");
}

export interface Timer {
  readonly ms: number;
  readonly fire: () => void;
}

export class FakePlatform implements HubPlatform {
  readonly timers: Set<Timer> = new Set();
  readonly errors: { error: unknown; context: ErrorContext }[] = [];
  time = 0;
  #lastId = 0;

  createId(): string {
    this.#lastId += 1;
    return `s${this.#lastId}`;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer: Timer = {
      ms,
      fire: () => {
        this.timers.delete(timer);
        callback();
      },
    };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  now(): number {
    return this.time;
  }

  encode(packet: Packet): number {
    return JSON.stringify(packet.data).length;
  }

  onError(error: unknown, context: ErrorContext): void {
    // An expectation that failed in a handler must fail its test.
    if (error instanceof Error && error.name === "AssertionError") throw error;
    this.errors.push({ error, context });
  }

  fireAll(): void {
    for (const timer of [...this.timers]) timer.fire();
  }

  get messages(): string[] {
    return this.errors.map(({ error }) => (error instanceof Error ? error.message : String(error)));
  }
}

export interface Stage {
  readonly hub: Hub;
  readonly platform: FakePlatform;
}

export function createHub(limits?: Partial<HubLimits>): Stage {
  const platform = new FakePlatform();
  return { hub: new Hub(platform, limits), platform };
}

/** A client that has joined `namespaces` and said so. */
export function connect(hub: Hub, ...namespaces: string[]): FakePeer {
  const peer = new FakePeer();
  for (const namespace of namespaces.length > 0 ? namespaces : ["/"]) hub.join(peer, namespace, undefined);
  hub.confirm(peer);
  return peer;
}

/** The same, with the socket it has in the first of them. */
export function connectSocket(hub: Hub, namespace = "/"): { peer: FakePeer; socket: Socket } {
  const peer = connect(hub, namespace);
  const socket = [...hub.of(namespace).sockets.values()].at(-1);
  if (socket === undefined) throw new Error("it has not joined");
  return { peer, socket };
}

export function event(data: unknown, id?: number, namespace = "/"): Packet {
  return { type: EVENT, namespace, id, data };
}

export function ack(id: number | undefined, ...data: unknown[]): Packet {
  return { type: ACK, namespace: "/", id, data };
}

export function ackError(id: number | undefined, data: unknown): Packet {
  return { type: ACK_ERROR, namespace: "/", id, data };
}

export function connectPacket(namespace: string, data?: unknown): Packet {
  return { type: CONNECT, namespace, data };
}

export function disconnectPacket(namespace = "/"): Packet {
  return { type: DISCONNECT, namespace };
}

/** Lets promises that are resolved run their course. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}
