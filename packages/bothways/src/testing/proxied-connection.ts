/**
 * A client's connection and the one opened to the target for it, joined by two lanes.
 *
 * Invariants: an end or reset of one side reaches the other through the lane, behind the bytes before it, and never
 * through a silent lane; `onClosed` runs once, when both sockets are gone.
 */
import type { Socket } from "node:net";
import type { Direction } from "./faults.ts";
import { type Gate, Lane } from "./lane.ts";
import type { NetworkShape } from "./network-shape.ts";

export interface ProxiedConnectionOptions {
  readonly id: number;
  readonly client: Socket;
  /** A socket that never connects makes a black hole. */
  readonly upstream: Socket;
  readonly shape: Readonly<NetworkShape>;
  /** How long the client's first bytes are held, besides the latency. */
  readonly connectDelayMs: number;
  readonly gate: (connection: ProxiedConnection, ...of: Parameters<Gate>) => void;
  readonly onClosed: (connection: ProxiedConnection) => void;
}

export class ProxiedConnection {
  readonly id: number;
  readonly up: Lane;
  readonly down: Lane;
  readonly #sockets: readonly [Socket, Socket];
  #isCut = false;

  constructor(options: ProxiedConnectionOptions) {
    const { id, client, upstream, shape, connectDelayMs } = options;
    this.id = id;
    this.#sockets = [client, upstream];
    const opensAt = performance.now() + connectDelayMs;
    const gate: Gate = (...of) => options.gate(this, ...of);
    this.up = new Lane({ direction: "up", source: client, sink: upstream, shape, opensAt, gate });
    this.down = new Lane({
      direction: "down",
      source: upstream,
      sink: client,
      shape,
      // The target hears of the connection only when the handshake has crossed: it cannot have spoken before.
      opensAt: opensAt + shape.latencyMs,
      gate,
    });
    for (const socket of this.#sockets) {
      // What an error means to the other side is decided by the "close" that follows it.
      socket.on("error", () => {});
      socket.on("end", () => this.#releaseIfAbandoned());
      socket.on("close", () => {
        this.#releaseIfAbandoned();
        if (this.#sockets.every((each) => each.closed)) options.onClosed(this);
      });
    }
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Whether anything can still cross, either way. */
  get isLive(): boolean {
    return !this.up.isSilent || !this.down.isSilent;
  }

  lanes(affects: Direction | "both"): Lane[] {
    return affects === "both" ? [this.up, this.down] : [this[affects]];
  }

  /** Ends both sides, by reset or by FIN; what was under way is lost. */
  cut(isGraceful: boolean): void {
    this.#isCut = true;
    for (const lane of this.lanes("both")) lane.silence();
    for (const socket of this.#sockets) {
      if (isGraceful) socket.end();
      else socket.resetAndDestroy();
    }
  }

  destroy(): void {
    for (const lane of this.lanes("both")) lane.silence();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nobody is left to be fooled once both ends of a silent connection have gone. */
  #releaseIfAbandoned(): void {
    if (!this.isLive && this.#sockets.every(isGone)) this.destroy();
  }
}

function isGone(socket: Socket): boolean {
  const isUnconnected = socket.pending && !socket.connecting;
  return socket.readableEnded || socket.destroyed || isUnconnected;
}
