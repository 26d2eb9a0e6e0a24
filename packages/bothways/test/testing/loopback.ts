/** Real sockets for the proxy's tests: an echo server that remembers, and clients that collect what they receive. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { FaultProxy, type FaultProxyOptions } from "../../src/testing/index.ts";

/** One end of a connection and everything that happened to it. */
export class Peer {
  readonly socket: Socket;
  /** The code of the error that ended it, "" for an end without error. */
  readonly closed: Promise<string>;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    let code = "";
    socket.on("error", (error: NodeJS.ErrnoException) => {
      code = error.code ?? error.message;
    });
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#length += chunk.length;
    });
    this.closed = new Promise((resolve) => socket.on("close", () => resolve(code)));
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  async destroy(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  async receivedBytes(count: number): Promise<Buffer> {
    while (this.#length < count) await once(this.socket, "data");
    return this.received;
  }
}

export interface Backend {
  readonly port: number;
  /** In the order they were accepted. */
  readonly peers: readonly Peer[];
  readonly server: Server;
  accepted(count: number): Promise<Peer>;
}

export async function listenBackend(answer: "echo" | "nothing" = "echo"): Promise<Backend> {
  const peers: Peer[] = [];
  const server = createServer((socket) => {
    peers.push(new Peer(socket));
    if (answer === "echo") socket.on("data", (chunk) => socket.write(chunk));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.close();
    await Promise.all(peers.map((peer) => peer.destroy()));
  });
  const accepted = async (count: number): Promise<Peer> => {
    for (;;) {
      const peer = peers[count - 1];
      if (peer !== undefined) return peer;
      await once(server, "connection");
    }
  };
  return { port: (server.address() as AddressInfo).port, peers, server, accepted };
}

export interface Rig {
  readonly backend: Backend;
  readonly proxy: FaultProxy;
  /** Opens a client, and returns it with the backend's end of it. */
  open(): Promise<[client: Peer, server: Peer]>;
}

export async function listenRig(
  options: Omit<FaultProxyOptions, "target"> = {},
  answer: "echo" | "nothing" = "echo",
): Promise<Rig> {
  const backend = await listenBackend(answer);
  const proxy = await FaultProxy.listen({ ...options, target: { port: backend.port } });
  onTestFinished(() => proxy.close());
  const open = async (): Promise<[Peer, Peer]> => {
    const count = backend.peers.length + 1;
    const client = await openClient(proxy.port);
    return [client, await backend.accepted(count)];
  };
  return { backend, proxy, open };
}

/** Resolves once the client's side is connected, or has failed to. */
export async function openClient(port: number): Promise<Peer> {
  const client = new Peer(connect({ port, host: "127.0.0.1", noDelay: true }));
  onTestFinished(() => client.destroy());
  await new Promise((resolve) => client.socket.on("connect", resolve).on("close", resolve));
  return client;
}

/** Sends a text and resolves with what came back for it. */
export async function echo(client: Peer, text: string): Promise<string> {
  const before = client.received.length;
  client.socket.write(text);
  const all = await client.receivedBytes(before + text.length);
  return all.subarray(before).toString("latin1");
}
