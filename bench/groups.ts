/** The groups of works: what is measured, on which servers, and how each is started. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { listHttpWorks } from "./http-works.ts";
import { type Extent, listWebSocketWorks } from "./websocket-works.ts";
import { listWorks, type ServerName, type Work } from "./works.ts";

export interface Program {
  readonly name: ServerName;
  readonly title: string;
  readonly script: URL;
  /** What runs it. Default: Node.js, as it runs this. */
  readonly runtime?: Runtime;
}

interface Runtime {
  /** Undefined where it is not installed. */
  readonly file: string | undefined;
  readonly missing: string;
  readonly isNode: boolean;
}

export interface Group {
  readonly name: string;
  /** The files of its results have this name. */
  readonly results: string;
  /** What its figures stand beside: is told below them. */
  readonly note: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly programs: readonly Program[];
  /** Ours is compared to each of these. */
  readonly peers: readonly ServerName[];
  list(extent: Extent): Work[];
}

const node20: Runtime = {
  file: find("./node_modules/node/bin/node"),
  missing: "Node.js 20, the last it runs on, is installed beside on Linux x64 only",
  isNode: true,
};
const bun: Runtime = {
  file: findBun(),
  missing: "Bun's package has no binary for this system",
  isNode: false,
};

export const groups: readonly Group[] = [
  {
    name: "events",
    results: "latest",
    note: "The floor is Node's own server with no library on it, with canned answers.",
    rounds: 3,
    seconds: 3,
    programs: [
      { name: "bothways", title: "bothways", script: new URL("./servers/bothways.ts", import.meta.url) },
      { name: "socketio", title: "Socket.IO", script: new URL("./servers/socketio.ts", import.meta.url) },
      { name: "before", title: "before", script: new URL("./servers/before.ts", import.meta.url) },
      { name: "floor", title: "floor", script: new URL("./servers/floor.ts", import.meta.url) },
    ],
    peers: ["socketio"],
    list: ({ isQuick }) => listWorks(isQuick),
  },
  {
    name: "websocket",
    results: "websocket",
    note: "Raw WebSockets, text messages. Each server is left as it comes, but for limits that a work passes.",
    rounds: 2,
    seconds: 1,
    programs: [
      {
        name: "bothways",
        title: "bothways",
        script: new URL("./servers/websocket/bothways.ts", import.meta.url),
      },
      { name: "ws", title: "ws", script: new URL("./servers/websocket/ws.ts", import.meta.url) },
      {
        name: "uws",
        title: "uWebSockets.js",
        script: new URL("./servers/websocket/uws.js", import.meta.url),
        runtime: node20,
      },
      {
        name: "bun",
        title: "Bun",
        script: new URL("./servers/websocket/bun.js", import.meta.url),
        runtime: bun,
      },
      { name: "before", title: "before", script: new URL("./servers/websocket/before.ts", import.meta.url) },
    ],
    peers: ["ws", "uws"],
    list: listWebSocketWorks,
  },
  {
    name: "http",
    results: "http",
    note:
      "Beside each technique of ours stands Socket.IO's long polling, and better-sse as an event stream. Node alone answers " +
      "polls with answers made before, and writes to event streams in a loop. Bytes are those of HTTP both ways, with the " +
      "shortest heads a request can have: a browser's are some hundred bytes longer.",
    rounds: 2,
    seconds: 1,
    programs: [
      { name: "bothways", title: "bothways", script: new URL("./servers/http/bothways.ts", import.meta.url) },
      {
        name: "socketio",
        title: "Socket.IO",
        script: new URL("./servers/http/socketio.ts", import.meta.url),
      },
      {
        name: "better-sse",
        title: "better-sse",
        script: new URL("./servers/http/better-sse.ts", import.meta.url),
      },
      { name: "bare", title: "Node alone", script: new URL("./servers/http/bare.ts", import.meta.url) },
      { name: "before", title: "before", script: new URL("./servers/http/before.ts", import.meta.url) },
    ],
    peers: ["socketio", "better-sse", "bare"],
    list: listHttpWorks,
  },
];

/** The command that starts a server, to which a work's application is added. Throws where it cannot run here. */
export function commandOf({ script: file, runtime }: Program, profile: string | undefined): string[] {
  if (runtime !== undefined && runtime.file === undefined) throw new Error(runtime.missing);
  const flags = ["--expose-gc", ...(profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [])];
  return [
    runtime?.file ?? process.execPath,
    ...(runtime?.isNode === false ? [] : flags),
    fileURLToPath(file),
  ];
}

function find(path: string): string | undefined {
  const file = fileURLToPath(new URL(path, import.meta.url));
  return existsSync(file) ? file : undefined;
}

/** Its own package comes without the binary where install scripts do not run; the binary is in one for the system. */
function findBun(): string | undefined {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const machine = process.arch === "arm64" ? "aarch64" : process.arch;
  const file = process.platform === "win32" ? "bun.exe" : "bun";
  try {
    return createRequire(import.meta.url).resolve(`@oven/bun-${system}-${machine}/bin/${file}`);
  } catch {
    return undefined;
  }
}
