/**
 * The connections of an HTTP server over which nobody waits for an answer, to be ended where it closes: Node waits for one
 * that has begun a head, or has sent nothing yet, and once the server closes it no longer limits the time of either.
 *
 * Invariant: what was upgraded, or speaks HTTP/2, is not known here, and neither is what was open before we came.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

export class OpenConnections {
  /** Those that speak HTTP/1.1, or have said nothing yet, with the newest answer of each. */
  readonly #answers: Map<Socket, ServerResponse | undefined>;
  /** Those that have not done with TLS, by {@link peerOf}. */
  readonly #greeting = new Map<string, Socket>();
  /** One for all sockets. */
  readonly #closed: (this: Socket) => void;

  constructor() {
    const answers = new Map<Socket, ServerResponse | undefined>();
    this.#answers = answers;
    this.#closed = function () {
      answers.delete(this);
    };
  }

  greet(socket: Socket): void {
    const peer = peerOf(socket);
    this.#greeting.set(peer, socket);
    socket.once("close", () => this.#greeting.delete(peer));
  }

  add(socket: Socket | TLSSocket): void {
    this.#greeting.delete(peerOf(socket));
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") return;
    this.#answers.set(socket, undefined);
    socket.on("close", this.#closed);
  }

  remove(socket: Socket): void {
    this.#answers.delete(socket);
    socket.off("close", this.#closed);
  }

  /** Answers of one connection end in the order of their requests. */
  answer(socket: Socket, response: ServerResponse): void {
    if (this.#answers.has(socket)) this.#answers.set(socket, response);
  }

  endUnused(): void {
    for (const socket of this.#greeting.values()) socket.destroy();
    for (const [socket, answer] of this.#answers) if (answer?.writableFinished !== false) socket.destroy();
  }
}

/** A socket and the TLS above it have the same. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
