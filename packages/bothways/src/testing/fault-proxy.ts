/**
 * A TCP proxy that makes a bad network between real clients and a real server on loopback.
 *
 * It moves bytes and knows no protocol. Invariants: with no fault struck, every byte arrives once and in order; each
 * buffer is bounded by `maxBufferedBytes`; after `close()` no socket, timer or pending promise of it is left.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, Socket } from "node:net";
import type {
  Admission,
  CutOnNextOptions,
  CutOptions,
  Direction,
  FaultProxyOptions,
  HalfOpenOnNextOptions,
  LaneFaultOptions,
  ProxyStats,
  StallOptions,
  Strike,
  Target,
} from "./faults.ts";
import type { Lane } from "./lane.ts";
import { changeShape, checkRange, defaultShape, type NetworkShape } from "./network-shape.ts";
import { ProxiedConnection } from "./proxied-connection.ts";
import { Trap, type TrapOptions } from "./trap.ts";

/**
 * Stands between clients and a server, and does to their connections what networks do. Each fault returns what it
 * struck; one that must meet a message under way is armed with `cutOnNext`, `cutAfter` or `halfOpenOnNext`.
 *
 * @example
 * const proxy = await FaultProxy.listen({ target: { port: 3000 }, latencyMs: 100, handshakeRtt: true });
 * const socket = io(proxy.url);
 * const strike = await proxy.cutOnNext({ direction: "down", minBytes: 64 });
 * assert(strike.bytesInFlightDown > 0);
 * await proxy.close();
 */
export class FaultProxy {
  /** Where new connections go. Assign it to move them to another server; those already open stay where they are. */
  target: Target;
  readonly #server: Server;
  readonly #onData: FaultProxyOptions["onData"];
  readonly #shape: NetworkShape;
  readonly #connections: Map<number, ProxiedConnection> = new Map();
  readonly #traps: Set<Trap> = new Set();
  readonly #timers: Set<NodeJS.Timeout> = new Set();
  readonly #bytes: Record<Direction, number> = { up: 0, down: 0 };
  #admission: Admission = "pass";
  #admissionTimer: NodeJS.Timeout | undefined;
  #port = 0;
  #opened = 0;
  #refused = 0;

  private constructor(server: Server, options: FaultProxyOptions) {
    const { target, onData, ...shape } = options;
    this.target = target;
    this.#onData = onData;
    this.#shape = changeShape(defaultShape, shape);
    this.#server = server;
    server.on("connection", (client) => this.#admit(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const proxy = new FaultProxy(server, options);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy.#port = (server.address() as AddressInfo).port;
    return proxy;
  }

  /** The port it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Where clients connect: `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Counts since it began, and gauges of now. */
  get stats(): ProxyStats {
    return {
      opened: this.#opened,
      refused: this.#refused,
      live: [...this.#connections.values()].filter((connection) => connection.isLive).length,
      bytesUp: this.#bytes.up,
      bytesDown: this.#bytes.down,
      inFlightUp: this.inFlight("up"),
      inFlightDown: this.inFlight("down"),
    };
  }

  /** Bytes accepted from one side and not yet delivered to the other, over all connections. */
  inFlight(direction: Direction): number {
    return sumInFlight([...this.#connections.values()], direction);
  }

  /** Changes how bytes travel from now on; bytes already under way keep their delay, open connections their handshake. */
  reshape(shape: Partial<NetworkShape>): void {
    Object.assign(this.#shape, changeShape(this.#shape, shape));
  }

  /** Decides what happens to new connections; after `forMs`, if given, they pass again. */
  admit(admission: Admission, forMs?: number): void {
    this.#cancel(this.#admissionTimer);
    this.#admission = admission;
    if (forMs !== undefined) this.#admissionTimer = this.#after(forMs, () => this.admit("pass"));
  }

  /**
   * Ends both sides of the connections, half-open ones too. The default RST may also destroy, on some systems, what a
   * peer has received and not yet read; `graceful` spares that.
   */
  cut(options: CutOptions = {}): Strike {
    const { graceful = false } = options;
    const struck = this.#select(options.connectionIds).filter((connection) => !connection.isCut);
    return this.#strike(struck, (connection) => connection.cut(graceful));
  }

  /**
   * The connections go silent: bytes, ends and resets of one side are swallowed and never reach the other, and neither
   * side is closed. New connections are not touched.
   */
  halfOpen(options: LaneFaultOptions = {}): Strike {
    return this.#strikeLanes(options, (lane) => lane.silence());
  }

  /**
   * The bytes of open connections wait in the proxy (and, past `maxBufferedBytes`, with their sender) until `resume()`
   * or for `forMs`; then all go, in order.
   */
  stall(options: StallOptions = {}): Strike {
    const { affects = "both", forMs } = options;
    const held = this.#select(options.connectionIds).flatMap((connection) => connection.lanes(affects));
    const strike = this.#strikeLanes(options, (lane) => lane.hold());
    if (forMs !== undefined) {
      this.#after(forMs, () => {
        for (const lane of held) lane.release();
      });
    }
    return strike;
  }

  /** Ends every stall: all that waited goes at once. */
  resume(): void {
    for (const connection of this.#connections.values()) {
      for (const lane of connection.lanes("both")) lane.release();
    }
  }

  /** Cuts the first connection over which this many bytes (at least 1), counted from this call, have been delivered. */
  cutAfter(bytes: number, direction: Direction, options: Pick<CutOptions, "graceful"> = {}): Promise<Strike> {
    checkRange("bytes", bytes, 1);
    const strike = (id: number): Strike => this.cut({ ...options, connectionIds: [id] });
    return this.#arm({ direction, minBytes: 1, passBytes: bytes, springAt: bytes, strike });
  }

  /** Waits for bytes that meet the trigger, then loses them and cuts their connection. */
  cutOnNext(options: CutOnNextOptions): Promise<Strike> {
    const { scope, graceful } = options;
    return this.#armOnNext(options, (id) => this.cut({ graceful, connectionIds: scopeOf(scope, id) }));
  }

  /**
   * Waits for bytes that meet the trigger, then loses them and makes their connection half-open. (They pass if
   * `affects` names only the other direction.)
   */
  halfOpenOnNext(options: HalfOpenOnNextOptions): Promise<Strike> {
    const { scope, affects } = options;
    return this.#armOnNext(options, (id) => this.halfOpen({ affects, connectionIds: scopeOf(scope, id) }));
  }

  /** Stops listening and destroys every connection. Faults still armed are rejected. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const timer of this.#timers) clearTimeout(timer);
    for (const trap of this.#traps) trap.abandon();
    this.#traps.clear();
    for (const connection of this.#connections.values()) connection.destroy();
    await closed;
  }

  #admit(client: Socket): void {
    this.#opened += 1;
    if (this.#admission === "refuse") {
      this.#refused += 1;
      client.on("error", () => {});
      client.resetAndDestroy();
      return;
    }
    const isBlackhole = this.#admission === "blackhole";
    const { host = "127.0.0.1", port } = this.target;
    const { latencyMs, connectDelayMs, handshakeRtt } = this.#shape;
    const connection = new ProxiedConnection({
      id: this.#opened,
      client,
      upstream: isBlackhole ? new Socket() : connect({ host, port, allowHalfOpen: true, noDelay: true }),
      shape: this.#shape,
      connectDelayMs: connectDelayMs + (handshakeRtt ? 2 * latencyMs : 0),
      gate: (...of) => this.#offer(...of),
      onClosed: ({ id }) => this.#connections.delete(id),
    });
    this.#connections.set(connection.id, connection);
    if (isBlackhole) for (const lane of connection.lanes("both")) lane.silence();
  }

  /** Bytes are due on a lane: they pass, unless a trap springs on them. */
  #offer(connection: ProxiedConnection, lane: Lane, bytes: Uint8Array, parcelBytes: number): void {
    const { id } = connection;
    const { direction } = lane;
    for (const trap of this.#traps) {
      const pass = trap.test(id, direction, bytes.length, parcelBytes);
      if (pass === undefined) continue;
      this.#traps.delete(trap);
      if (pass > 0) this.#deliver(connection, lane, bytes.subarray(0, pass));
      trap.spring(id);
      return;
    }
    this.#deliver(connection, lane, bytes);
  }

  #deliver(connection: ProxiedConnection, lane: Lane, bytes: Uint8Array): void {
    this.#onData?.(lane.direction, bytes, connection.id);
    if (lane.forward(bytes.length)) this.#bytes[lane.direction] += bytes.length;
  }

  #select(ids: readonly number[] | undefined): ProxiedConnection[] {
    const all = [...this.#connections.values()];
    return ids === undefined ? all : all.filter((connection) => ids.includes(connection.id));
  }

  #strikeLanes(options: LaneFaultOptions, act: (lane: Lane) => void): Strike {
    const { affects = "both", connectionIds } = options;
    const struck = this.#select(connectionIds).filter((connection) =>
      connection.lanes(affects).some((lane) => !lane.isSilent),
    );
    return this.#strike(struck, (connection) => connection.lanes(affects).forEach(act));
  }

  #strike(struck: readonly ProxiedConnection[], act: (connection: ProxiedConnection) => void): Strike {
    const strike: Strike = {
      atMs: performance.now(),
      connections: struck.length,
      connectionIds: struck.map((connection) => connection.id),
      bytesInFlightUp: sumInFlight(struck, "up"),
      bytesInFlightDown: sumInFlight(struck, "down"),
    };
    struck.forEach(act);
    return strike;
  }

  #armOnNext(
    options: CutOnNextOptions | HalfOpenOnNextOptions,
    strike: TrapOptions["strike"],
  ): Promise<Strike> {
    const { direction, afterBytes = 0, minBytes = 1 } = options;
    checkRange("afterBytes", afterBytes, 0);
    checkRange("minBytes", minBytes, 1);
    return this.#arm({ direction, minBytes, passBytes: afterBytes, springAt: afterBytes + 1, strike });
  }

  #arm(options: Omit<TrapOptions, "resolve" | "reject">): Promise<Strike> {
    const sprung = new Promise<Strike>((resolve, reject) => {
      this.#traps.add(new Trap({ ...options, resolve, reject }));
    });
    // A test that failed elsewhere closes the proxy and never looks here: that is not an unhandled rejection.
    sprung.catch(() => {});
    return sprung;
  }

  #after(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: NodeJS.Timeout | undefined): void {
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(timer);
  }
}

function scopeOf(scope: "connection" | "all" | undefined, id: number): readonly number[] | undefined {
  return scope === "all" ? undefined : [id];
}

function sumInFlight(connections: readonly ProxiedConnection[], direction: Direction): number {
  return connections.reduce((sum, connection) => sum + connection[direction].inFlight, 0);
}
