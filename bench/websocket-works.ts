/** What is measured on `bothways/websocket` beside other WebSocket servers, and the ratios that are to be reached. */
import { type Application, openFileLimit, type Ratios, type Work } from "./works.ts";

export interface Extent {
  readonly isQuick: boolean;
  /** Every combination of the echo matrix, and not those alone that a target is set for or that differ most. */
  readonly isFull: boolean;
}

interface Echo {
  readonly messageBytes: number;
  readonly connections: number;
  readonly inFlight: number;
}

const kib = 1_024;
const mib = 1_048_576;
/** More than this in flight measures memory and not the server: with 1 MiB, 64 connections with one each. */
const mostBytesInFlight = 64 * mib;
const uwsLoses =
  "this version loses payload when a frame's header has to wait (uWebSockets pull request 1662)";

/** The combinations that are measured without `--full`: connections, and how many in flight. */
const echoes: Readonly<Record<number, readonly string[]>> = {
  32: ["1 × 1", "1 × 32", "64 × 1", "64 × 8", "64 × 32", "1000 × 1", "1000 × 32"],
  [kib]: ["64 × 1", "64 × 32"],
  [16 * kib]: ["1 × 8", "64 × 1", "64 × 8"],
  [mib]: ["1 × 1", "1 × 8", "64 × 1"],
};

export function listWebSocketWorks(extent: Extent): Work[] {
  return [...listEchoes(extent), ...listBroadcasts(), ...listConnections(extent)];
}

function listEchoes({ isFull }: Extent): Work[] {
  const all = [32, kib, 16 * kib, mib].flatMap((messageBytes) =>
    [1, 64, 1_000].flatMap((connections) =>
      [1, 8, 32].map((inFlight): Echo => ({ messageBytes, connections, inFlight })),
    ),
  );
  return all
    .filter((echo) => echo.messageBytes * echo.connections * echo.inFlight <= mostBytesInFlight)
    .filter(
      ({ messageBytes, connections, inFlight }) =>
        isFull || echoes[messageBytes]?.includes(`${connections} × ${inFlight}`),
    )
    .map((echo) => {
      const { messageBytes, connections, inFlight } = echo;
      const size = messageBytes < kib ? `${messageBytes}b` : `${messageBytes / kib}k`;
      const maxRatios = echoTarget(echo);
      return {
        name: `ws-echo-${size}-${connections}x${inFlight}`,
        title: `echo of ${formatBytes(messageBytes)}, ${formatCount(connections)}, ${inFlight} in flight`,
        load: { type: "echo", transport: "websocket", connections, inFlight },
        application: { kind: "echo", messageBytes },
        measure: "cpu",
        unit: "µs per message",
        ...(maxRatios && { maxRatios }),
        ...(messageBytes === mib && inFlight > 1 && { unable: { uws: uwsLoses } }),
      };
    });
}

/** Targets are set where the server and not the network has all hands full: with 64 connections, or one of 1 MiB. */
function echoTarget({ messageBytes, connections, inFlight }: Echo): Ratios | undefined {
  if (messageBytes === mib) return { ws: 0.5, uws: 2 };
  if (connections !== 64) return undefined;
  if (messageBytes === 16 * kib) return { ws: 0.35, uws: 1 };
  if (messageBytes !== 32) return undefined;
  return inFlight === 1 ? { ws: 0.8, uws: 1.3 } : inFlight === 32 ? { ws: 0.08, uws: 1 } : undefined;
}

function listBroadcasts(): Work[] {
  const broadcast = (connections: number, atOnce: number): Work => ({
    name: `ws-broadcast-${connections}x${atOnce}`,
    title: `broadcast of 64 B to ${connections.toLocaleString("en")}, ${atOnce === 1 ? "one" : "ten"} per tick`,
    load: { type: "room", connections, atOnce },
    application: { kind: "broadcast", messageBytes: 64 },
    measure: "cpu",
    unit: "µs per delivery",
    maxRatios: atOnce === 1 ? { ws: 0.85 } : { ws: 0.15, uws: 1.1 },
  });
  const application: Application = { kind: "broadcast", messageBytes: 2 * kib };
  return [
    ...[1_000, 10_000].flatMap((connections) => [1, 10].map((atOnce) => broadcast(connections, atOnce))),
    {
      name: "ws-broadcast-compressed",
      title: "compressed broadcast of 2 KiB to 1,000 against uncompressed",
      load: { type: "room", connections: 1_000 },
      application: { ...application, isCompressed: true },
      against: { application },
      measure: "cpu",
      unit: "times the CPU per delivery",
      maxValue: 1.3,
    },
  ];
}

function listConnections({ isQuick }: Extent): Work[] {
  // each has a descriptor in either process, and a good part as many are there before
  const idle = isQuick ? 1_000 : Math.min(10_000, Math.floor((openFileLimit() - 200) / 1.4));
  const many = isQuick ? 1_000 : Math.min(15_000, openFileLimit() - 200);
  const echo: Application = { kind: "echo", messageBytes: 32 };
  const growth = {
    application: echo,
    against: { load: { type: "rounds", inFlight: 64, connections: 100, talking: 100 } },
    measure: "cpu",
    unit: "times the CPU per message",
    maxValue: 1.3,
  } as const;
  return [
    {
      name: "ws-idle",
      title: `resident memory, ${idle.toLocaleString("en")} idle connections`,
      load: { type: "connect", transport: "websocket", connections: idle },
      application: echo,
      measure: "settled-rss",
      unit: "KiB per connection",
    },
    {
      name: "ws-idle-compressed",
      // no more, since a server may keep some hundred KiB for each
      title: "the same, 1,000 with compression, each after four messages of 2 KiB",
      load: { type: "connect", transport: "websocket", connections: 1_000, echoes: 4 },
      application: { kind: "echo", messageBytes: 2 * kib, isCompressed: true },
      measure: "settled-rss",
      unit: "KiB per connection",
      maxValue: 12,
    },
    {
      name: "ws-connect",
      title: "connect: TCP and handshake",
      load: { type: "connect", transport: "websocket", connections: isQuick ? 500 : 2_000 },
      application: echo,
      measure: "cpu",
      unit: "µs per connect",
    },
    {
      ...growth,
      name: "ws-growth-idle",
      title: `growth: echo of 32 B, 100 in turn among ${many.toLocaleString("en")} against 100 alone`,
      load: { type: "rounds", inFlight: 64, connections: many, talking: 100 },
    },
    {
      ...growth,
      name: "ws-growth-talking",
      title: `growth: echo of 32 B, ${many.toLocaleString("en")} in turn against 100`,
      load: { type: "rounds", inFlight: 64, connections: many, talking: many },
    },
  ];
}

function formatBytes(bytes: number): string {
  return bytes < kib ? `${bytes} B` : bytes < mib ? `${bytes / kib} KiB` : `${bytes / mib} MiB`;
}

function formatCount(connections: number): string {
  return connections === 1 ? "1 connection" : `${connections.toLocaleString("en")} connections`;
}
