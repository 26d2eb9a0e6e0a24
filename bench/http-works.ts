/** What is measured of events over HTTP, by each technique, and the ratios that are to be reached. */
import type { Extent } from "./websocket-works.ts";
import type { Load, Ratios, ServerName, Technique, Work } from "./works.ts";

type Tell = Extract<Load, { readonly type: "tell" }>;
type Held = Extract<Load, { readonly type: "connect" }>;

interface Row {
  readonly technique: Technique;
  readonly title: string;
  readonly peers: readonly ServerName[];
  readonly maxRatios?: Ratios;
}

const rows: readonly Row[] = [
  {
    technique: "long-polling",
    title: "long polling",
    peers: ["socketio", "bare"],
    maxRatios: { socketio: 0.5 },
  },
  { technique: "stream", title: "stream", peers: ["socketio", "bare"], maxRatios: { socketio: 0.5 } },
  {
    technique: "sse",
    title: "SSE",
    peers: ["socketio", "better-sse", "bare"],
    maxRatios: { socketio: 0.5, "better-sse": 1 },
  },
  { technique: "multipart", title: "multipart", peers: ["socketio", "bare"] },
  { technique: "short-polling", title: "short polling each 50 ms", peers: ["socketio"] },
  {
    technique: "event-source",
    title: "plain EventSource",
    peers: ["better-sse", "bare"],
    maxRatios: { "better-sse": 1 },
  },
];

/** The technique that a peer has in place of ours. */
const techniqueOf: Partial<Record<ServerName, (ours: Technique) => Technique>> = {
  socketio: () => "long-polling",
  "better-sse": () => "event-source",
  bare: (ours) => (ours === "long-polling" ? ours : "event-source"),
};

export function listHttpWorks({ isQuick }: Extent): Work[] {
  return [...listDown(), ...listUp(), ...listHeld(isQuick ? 500 : 5_000, isQuick)];
}

/** All that one load can be put to. */
function over(load: Tell | Held, row: Row): Pick<Work, "load" | "loads" | "peers"> {
  const loads = row.peers.map((peer) => [peer, { ...load, transport: techniqueOf[peer]?.(row.technique) }]);
  return { load: { ...load, transport: row.technique }, loads: Object.fromEntries(loads), peers: row.peers };
}

/** What is compared is measured one after another, since a machine that others use changes. */
function listDown(): Work[] {
  return (["each", "all"] as const).flatMap((whom) =>
    [1, 10].flatMap((atOnce) =>
      rows.map((row): Work => {
        const connections = whom === "all" ? 500 : 64;
        const load: Tell = { type: "tell", transport: row.technique, connections, whom, atOnce };
        const receivers = whom === "all" ? "one to a room of 500" : "64 clients, to each its own";
        return {
          name: `http-${row.technique}-${whom}-${atOnce}`,
          title: `${row.title}: ${receivers}, ${atOnce === 1 ? "one" : "ten"} per tick`,
          ...over(load, row),
          measure: "cpu",
          unit: "µs per event",
          ...(row.maxRatios && { maxRatios: row.maxRatios }),
        };
      }),
    ),
  );
}

function listUp(): Work[] {
  return [1, 32].map((perBatch) => ({
    name: `http-up-${perBatch}`,
    title: `events up, 32 clients, ${perBatch} per POST`,
    load: { type: "batches", transport: "long-polling", connections: 32, perBatch },
    peers: ["socketio"],
    measure: "cpu",
    unit: "µs per event",
  }));
}

function listHeld(connections: number, isQuick: boolean): Work[] {
  const held = rows.filter(({ technique }) => ["long-polling", "sse", "event-source"].includes(technique));
  const count = connections.toLocaleString("en");
  return [
    ...held.map(
      (row): Work => ({
        name: `http-held-${row.technique}`,
        title: `resident memory, ${count} clients held, ${row.title}`,
        ...over({ type: "connect", transport: row.technique, connections }, row),
        measure: "settled-rss",
        unit: "KiB per client",
      }),
    ),
    ...held.map(
      (row): Work => ({
        name: `http-soak-${row.technique}`,
        title: `growth of the process while ${count} are told events, ${row.title}`,
        load: { type: "tell", transport: row.technique, connections, whom: "all", atOnce: 1 },
        peers: [],
        ...(!isQuick && { seconds: 6 }),
        measure: "growth",
        unit: "MiB",
        maxValue: 5,
      }),
    ),
  ];
}
