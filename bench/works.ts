/** What is measured on the whole library beside Socket.IO, and the ratio that is to be reached. */
import { spawnSync } from "node:child_process";

/** `floor` and `bare` are Node's own server with no library on it, `before` another build of ours. */
export type ServerName =
  | "bothways"
  | "socketio"
  | "ws"
  | "uws"
  | "bun"
  | "better-sse"
  | "floor"
  | "bare"
  | "before";

/** How the library's own client joins unless told otherwise; or by one technique. */
export type Transport = "default" | "websocket" | Technique;

/** `event-source` is a plain client: one answer that goes on, no session. */
export type Technique = "long-polling" | "short-polling" | "stream" | "sse" | "multipart" | "event-source";

/** What the load generator does. */
export type Load =
  | {
      readonly type: "echo";
      readonly transport: "websocket" | "long-polling";
      readonly connections: number;
      readonly inFlight: number;
    }
  /** The server sends so many at once: to each an event of its own, or one to all. */
  | {
      readonly type: "tell";
      readonly transport: Technique;
      readonly connections: number;
      readonly whom: "each" | "all";
      readonly atOnce: number;
    }
  /** Each connection sends so many events with one request, and again when that is answered. */
  | {
      readonly type: "batches";
      readonly transport: Technique;
      readonly connections: number;
      readonly perBatch: number;
    }
  /** One has the server send so many to all at once. */
  | { readonly type: "room"; readonly connections: number; readonly atOnce?: number }
  /** So many events in flight, each on the next in turn of those connections that talk. */
  | {
      readonly type: "rounds";
      readonly connections: number;
      readonly talking: number;
      readonly inFlight: number;
    }
  /** A client enters, is told so as the room's only member, and leaves, while so many other rooms exist. */
  | { readonly type: "visits"; readonly otherRooms: number }
  | {
      readonly type: "connect";
      readonly transport: Transport;
      readonly connections: number;
      /** Each has so many messages sent back before it is silent. */
      readonly echoes?: number;
    }
  | { readonly type: "round-trips"; readonly joins: number; readonly rttMs: number };

/** What a bare WebSocket server does with each message: sends it back, or to all clients. */
export interface Application {
  readonly kind: "echo" | "broadcast";
  readonly messageBytes: number;
  /** permessage-deflate is agreed on, and used for each message. Default false. */
  readonly isCompressed?: boolean;
}

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly load: Load;
  /** Of the servers of bare WebSockets. */
  readonly application?: Application;
  /**
   * Of the server's process: its CPU time, its resident memory as it is or after a garbage collection, or by how much
   * that grew, the whole process's in MiB; or what the load generator found.
   */
  readonly measure: "cpu" | "rss" | "settled-rss" | "growth" | "load";
  readonly unit: string;
  /** The figure is how many times as much the work costs as with these in it. */
  readonly against?: { readonly load?: Load; readonly application?: Application };
  /** What a server is measured with in place of `load`, which it does not know. */
  readonly loads?: Partial<Readonly<Record<ServerName, Load>>>;
  /** The length of its windows in seconds, where it is not the group's. */
  readonly seconds?: number;
  /** Who takes part beside ours. Default: all but the floor. */
  readonly peers?: readonly ServerName[];
  /** Servers that cannot do it, and why. */
  readonly unable?: Partial<Readonly<Record<ServerName, string>>>;
  /** Node's server without a library can be measured beside. */
  readonly hasFloor?: boolean;
  /** At most so many times a peer's figure. */
  readonly maxRatios?: Ratios;
  /** At most this figure, in `unit`. */
  readonly maxValue?: number;
}

export type Ratios = Partial<Readonly<Record<ServerName, number>>>;

export interface Task {
  readonly load: Load;
  readonly application?: Application | undefined;
  readonly server: ServerName;
  readonly port: number;
}

/** What one measured window of a load generator came to. */
export interface LoadResult {
  /** What the server's figure is divided by: messages, deliveries, connections. */
  readonly items: number;
  readonly seconds: number;
  /** CPU time of the generator divided by the time that passed: near 1 the generator is the bottleneck. */
  readonly cpuShare: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** What went over HTTP connections both ways for each item, heads and all. */
  readonly bytesPerItem: number | undefined;
  /** The figure itself, where the generator and not the server is looked at. */
  readonly value: number | undefined;
}

export interface Usage {
  readonly cpuUs: number;
  readonly rssBytes: number;
}

export function listWorks(isQuick: boolean): Work[] {
  const echo = { type: "echo", transport: "websocket", connections: 64 } as const;
  // each has a descriptor in either process, and a good part as many are there before
  const most = Math.floor((openFileLimit() - 200) / 1.4);
  const idle = isQuick ? 1_000 : Math.min(10_000, most);
  const many = isQuick ? 1_000 : Math.min(15_000, openFileLimit() - 200);
  const connections = isQuick ? 500 : 2_000;
  const rounds = { type: "rounds", inFlight: 64 } as const;
  const otherRooms = isQuick ? 10_000 : 100_000;
  return [
    {
      name: "echo-1",
      title: "event echo, WebSocket, 64 connections, 1 in flight",
      load: { ...echo, inFlight: 1 },
      measure: "cpu",
      hasFloor: true,
      unit: "µs per event",
      maxRatios: { socketio: 0.45 },
    },
    {
      name: "echo-32",
      title: "event echo, WebSocket, 64 connections, 32 in flight",
      load: { ...echo, inFlight: 32 },
      measure: "cpu",
      hasFloor: true,
      unit: "µs per event",
      maxRatios: { socketio: 0.2 },
    },
    {
      name: "room",
      title: "emit to a room of 1,000, WebSocket",
      load: { type: "room", connections: 1_000 },
      measure: "cpu",
      hasFloor: true,
      unit: "µs per delivery",
      maxRatios: { socketio: 0.5 },
    },
    {
      name: "polling",
      title: "event echo, long polling, 32 connections, 1 in flight",
      load: { type: "echo", transport: "long-polling", connections: 32, inFlight: 1 },
      measure: "cpu",
      hasFloor: true,
      unit: "µs per event",
      maxRatios: { socketio: 0.5 },
    },
    {
      name: "idle",
      title: `resident memory, ${idle.toLocaleString("en")} idle connections, WebSocket`,
      load: { type: "connect", transport: "websocket", connections: idle },
      measure: "settled-rss",
      unit: "KiB per connection",
      maxRatios: { socketio: 0.65 },
      maxValue: 9,
    },
    {
      name: "idle-unsettled",
      title: "the same, without collecting garbage first",
      load: { type: "connect", transport: "websocket", connections: idle },
      measure: "rss",
      unit: "KiB per connection",
    },
    {
      name: "connect",
      title: "connect, handshake to joined, as each one's client does by default",
      load: { type: "connect", transport: "default", connections },
      measure: "cpu",
      unit: "µs per connect",
      maxRatios: { socketio: 0.5 },
    },
    {
      name: "connect-websocket",
      title: "the same, both by WebSocket alone",
      load: { type: "connect", transport: "websocket", connections },
      measure: "cpu",
      unit: "µs per connect",
    },
    {
      name: "growth-idle",
      title: `growth: event echo, 100 WebSockets in turn among ${many.toLocaleString("en")} against 100 alone`,
      load: { ...rounds, connections: many, talking: 100 },
      against: { load: { ...rounds, connections: 100, talking: 100 } },
      measure: "cpu",
      hasFloor: true,
      unit: "times the CPU per event",
      maxValue: 1.3,
    },
    {
      name: "growth-talking",
      title: `growth: event echo, ${many.toLocaleString("en")} WebSockets in turn against 100`,
      load: { ...rounds, connections: many, talking: many },
      against: { load: { ...rounds, connections: 100, talking: 100 } },
      measure: "cpu",
      hasFloor: true,
      unit: "times the CPU per event",
      maxValue: 1.3,
    },
    {
      name: "growth-rooms",
      title: `growth: join, emit, leave; ${otherRooms.toLocaleString("en")} other rooms against none`,
      load: { type: "visits", otherRooms },
      against: { load: { type: "visits", otherRooms: 0 } },
      measure: "cpu",
      unit: "times the CPU per visit",
      maxValue: 1.3,
    },
    {
      name: "round-trips",
      title: "round trips to joined, TCP's own included, each with its own client",
      load: { type: "round-trips", joins: isQuick ? 3 : 9, rttMs: 100 },
      measure: "load",
      unit: "round trips",
      maxValue: 2.2,
    },
  ];
}

export function openFileLimit(): number {
  if (process.platform === "win32") return 20_000;
  const limit = Number(spawnSync("sh", ["-c", "ulimit -n"]).stdout);
  // "unlimited" is no number
  return Number.isNaN(limit) ? 20_000 : limit;
}
