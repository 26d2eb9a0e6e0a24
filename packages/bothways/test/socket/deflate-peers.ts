/** Both sides of permessage-deflate on real sockets: a server of links that echo, and a client around the engine. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Data } from "../../src/model/message.ts";
import type { Link, LinkHandler } from "../../src/model/transport.ts";
import { nodePrimitives } from "../../src/platform/node.ts";
import { CodecSource } from "../../src/transport/node/deflate-codec.ts";
import { DeflatedWebSocketLink } from "../../src/transport/node/deflated-websocket.ts";
import {
  formatAnswer,
  PerMessageDeflate,
  type PerMessageDeflateOptions,
} from "../../src/transport/node/per-message-deflate.ts";
import { acceptUpgrade, guardSocket, readUpgrade } from "../../src/transport/node/upgrade.ts";
import { createLinkOptions, WebSocketLink } from "../../src/transport/node/websocket.ts";
import { checkUpgradeResponse, encodeUpgradeRequest } from "../../src/wire/websocket/client-handshake.ts";
import type { ClosedEvent } from "../../src/wire/websocket/connection.ts";
import { DeflatedConnection, type DeflatedHost } from "../../src/wire/websocket/deflated-connection.ts";
import { formatExtensions } from "../../src/wire/websocket/extensions.ts";
import { acceptKey, createKey } from "../../src/wire/websocket/handshake-key.ts";
import { FrameOutput } from "../../src/wire/websocket/output.ts";
import {
  type DeflateParameters,
  defaultDeflate,
  offerDeflate,
} from "../../src/wire/websocket/permessage-deflate.ts";
import { ResponseHeadParser } from "../../src/wire/websocket/response-head.ts";

export const maxMessageBytes = 4_000_000;

const closers: (() => void)[] = [];

/** Ends all that was opened since the last call. */
export function closeDeflatePeers(): void {
  for (const close of closers.splice(0)) close();
}

/** A server's end of a connection: what came in, and the link it came by. */
export class ServedLink implements LinkHandler {
  readonly frames: Data[] = [];
  readonly events: string[] = [];
  readonly link: Link & { open(): void; bind(handler: LinkHandler): void };
  readonly socket: Duplex;
  onReceived: () => void = () => {};

  constructor(link: WebSocketLink, socket: Duplex) {
    this.link = link;
    this.socket = socket;
    link.bind(this);
  }

  receive(data: Data): void {
    this.frames.push(typeof data === "string" ? data : new Uint8Array(data));
  }

  received(): void {
    this.onReceived();
  }

  position(): string {
    return "";
  }

  blocked(): void {
    this.events.push("blocked");
  }

  writable(): void {
    this.events.push("writable");
  }

  lost(code: string, closeCode?: number): void {
    this.events.push(`lost ${code}${closeCode === undefined ? "" : ` ${closeCode}`}`);
  }

  say(...frames: readonly Data[]): void {
    for (const data of frames) this.link.send({ data });
    this.link.flush();
  }
}

export interface DeflateServer {
  readonly url: string;
  readonly port: number;
  readonly served: ServedLink[];
  readonly requests: IncomingMessage[];
}

/** What comes in is sent back. */
export async function openDeflateServer(settings: PerMessageDeflateOptions = {}): Promise<DeflateServer> {
  const options = createLinkOptions(nodePrimitives, maxMessageBytes, (error) => Promise.reject(error));
  const deflate = new PerMessageDeflate(settings, options);
  const served: ServedLink[] = [];
  const requests: IncomingMessage[] = [];
  const server = createServer();
  server.on("upgrade", (request, socket, head) => {
    guardSocket(socket);
    const upgrade = readUpgrade(request, head, nodePrimitives);
    const accepted = deflate.accept(request.headers);
    if (!upgrade.ok || accepted === null) return socket.end("HTTP/1.1 400 \r\nConnection: close\r\n\r\n");
    const answer = acceptUpgrade(socket, upgrade, accepted && formatAnswer(accepted), nodePrimitives);
    const link = accepted
      ? new DeflatedWebSocketLink(socket, answer, options, { deflate, accepted })
      : new WebSocketLink(socket, answer, options);
    const one = new ServedLink(link, socket);
    one.onReceived = () => one.say(...one.frames.splice(0));
    served.push(one);
    requests.push(request);
    link.open();
    link.flush();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const { socket } of served) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}/bothways/`, port, served, requests };
}

/** Our client: what `url`'s server says comes out of `next`. */
export class DeflateClient implements DeflatedHost {
  readonly #socket: Socket;
  readonly #output = new FrameOutput(() => queueMicrotask(() => this.#output.flush()));
  readonly #key = createKey(nodePrimitives);
  readonly #wish: DeflateParameters;
  readonly #thresholdBytes: number;
  readonly #messages: Data[] = [];
  #head: ResponseHeadParser | undefined = new ResponseHeadParser(16_384);
  #wake: () => void = () => {};
  #connection: DeflatedConnection | undefined;
  closedWith: ClosedEvent | undefined;
  /** Why the handshake failed. */
  failure: string | undefined;

  constructor(port: number, wish: Partial<DeflateParameters> = {}, thresholdBytes = 0) {
    this.#wish = { ...defaultDeflate, ...wish };
    this.#thresholdBytes = thresholdBytes;
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (chunk) => this.#take(new Uint8Array(chunk)));
    this.#socket.on("close", () => this.#connection?.receiveEnd());
    this.#socket.on("error", () => {});
    closers.push(() => this.#socket.destroy());
    this.#socket.write(
      encodeUpgradeRequest({
        ...{ host: `127.0.0.1:${port}`, path: "/", key: this.#key },
        extensions: formatExtensions([offerDeflate(this.#wish)]),
      }),
    );
  }

  async opened(): Promise<DeflatedConnection> {
    while (this.#connection === undefined && this.failure === undefined) await this.#change();
    if (this.#connection === undefined) throw new Error(this.failure);
    return this.#connection;
  }

  async next(): Promise<Data> {
    while (this.#messages.length === 0) await this.#change();
    return this.#messages.shift() as Data;
  }

  async ended(): Promise<ClosedEvent> {
    while (this.closedWith === undefined) await this.#change();
    return this.closedWith;
  }

  text(data: string): void {
    this.#messages.push(data);
  }

  binary(data: Uint8Array): void {
    this.#messages.push(new Uint8Array(data));
  }

  pong(): void {}

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  closed(event: ClosedEvent): void {
    this.closedWith = event;
    this.#wake();
  }

  inputHeld(isHeld: boolean): void {
    if (isHeld) this.#socket.pause();
    else this.#socket.resume();
    this.#wake();
  }

  outputHeld(): void {}

  #take(chunk: Uint8Array): void {
    if (this.#connection !== undefined) this.#connection.receive(chunk);
    else this.#takeHead(chunk);
    this.#wake();
  }

  #takeHead(chunk: Uint8Array): void {
    const result = this.#head?.feed(chunk);
    if (result === undefined) return;
    if (!result.ok) throw new Error(result.code);
    const accept = acceptKey(this.#key, nodePrimitives);
    const check = checkUpgradeResponse(result.head, { accept, protocols: [], deflate: this.#wish });
    if (!check.ok || check.deflate === undefined) {
      this.failure = check.ok ? "declined" : check.detail;
      this.#socket.destroy();
      return;
    }
    const codecs = new CodecSource({ maxMessageBytes, level: 6, memLevel: 8 });
    const options = {
      ...({ role: "client", maxMessageBytes, primitives: nodePrimitives, output: this.#output } as const),
      ...({ isDeflateAgreed: true, thresholdBytes: this.#thresholdBytes } as const),
    };
    this.#connection = new DeflatedConnection(options, this, codecs.codecFor("client", check.deflate));
    this.#connection.receive(result.rest);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
