/**
 * Client half of WebSocket in Node: a TCP or TLS socket around the engine of `wire/websocket`.
 *
 * Invariants: the frames of a flush leave in one write (in several beyond 64 KiB); the answer to the handshake is
 * bounded; once the link was closed or lost its socket is gone within `lingerMs`, whatever the server does.
 */
import { Buffer } from "node:buffer";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import type { ErrorCode } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import type { ClientTransport, ConnectRequest, Link, LinkHandler } from "../../model/transport.ts";
import { nodePrimitives } from "../../platform/node.ts";
import { checkUpgradeResponse, encodeUpgradeRequest } from "../../wire/websocket/client-handshake.ts";
import {
  type ClosedEvent,
  type ConnectionHost,
  createConnection,
  type WebSocketConnection,
} from "../../wire/websocket/connection.ts";
import { acceptKey, createKey } from "../../wire/websocket/handshake-key.ts";
import { FrameOutput } from "../../wire/websocket/output.ts";
import { type ResponseHead, ResponseHeadParser } from "../../wire/websocket/response-head.ts";

const name = "websocket";
const protocol = "bothways.1";
/** Common proxies cut off longer headers. */
const maxHelloCharacters = 4_096;
const maxResponseHeadBytes = 16_384;
/** What our servers say where they refuse, right behind the head. What comes later is not waited for. */
const serverRefusal = /^BW_\w+: .{1,1000}/;
/** How long the closing handshake may take; then the socket is destroyed. */
const lingerMs = 5_000;

/** Shared by all links; what no flush takes (pongs, close frames) leaves at the end of the turn. */
const output: FrameOutput = new FrameOutput(
  () => queueMicrotask(() => output.flush()),
  (byteLength) => Buffer.allocUnsafeSlow(byteLength),
);

/** The technique `websocket`. */
export function webSocket(): ClientTransport {
  return {
    name,
    open(request, hello, handler) {
      const link = new WebSocketLink(request, hello, handler);
      link.connect();
      return link;
    },
  };
}

class WebSocketLink implements Link, ConnectionHost {
  readonly transport = name;
  readonly rewinds = false;
  readonly #request: ConnectRequest;
  readonly #hello: string;
  readonly #key: string = createKey(nodePrimitives);
  readonly #protocols: readonly string[];
  /** Gone once the link has ended: from then on nobody is told anything. */
  #handler: LinkHandler | undefined;
  #socket: Socket | undefined;
  /** Gone once the server's answer has come. */
  #response: ResponseHeadParser | undefined = new ResponseHeadParser(maxResponseHeadBytes);
  #connection: WebSocketConnection | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #isBlocked = false;
  #hasReceived = false;
  #failure: string | undefined;

  constructor(request: ConnectRequest, hello: string, handler: LinkHandler) {
    const early = Buffer.from(hello).toString("base64url");
    this.#request = request;
    this.#hello = hello;
    this.#handler = handler;
    this.#protocols = early.length <= maxHelloCharacters ? [protocol, early] : [protocol];
  }

  connect(): void {
    try {
      const url = new URL(this.#request.url);
      const upgrade = encodeUpgradeRequest({
        host: url.host,
        path: url.pathname + url.search,
        key: this.#key,
        protocols: this.#protocols,
        headers: this.#request.extraHeaders,
      });
      const socket = openSocket(url, this.#request.tls);
      this.#socket = socket;
      socket.setNoDelay(true);
      socket.on("data", (chunk: Buffer) => this.#take(chunk));
      socket.on("end", () => this.#connection?.receiveEnd());
      socket.on("drain", () => this.#drain());
      socket.on("error", (error) => {
        this.#failure = error.message;
      });
      socket.on("close", () => this.#end());
      socket.write(upgrade);
    } catch (error) {
      queueMicrotask(() => this.#lose("BW_LINK_LOST", undefined, String(error)));
    }
  }

  send({ data }: Message): void {
    if (typeof data === "string") this.#connection?.sendText(data);
    else this.#connection?.sendBinary(data);
  }

  flush(): void {
    output.flushOf(this);
    if (this.#isBlocked || !this.#socket?.writableNeedDrain) return;
    this.#isBlocked = true;
    this.#connection?.setOutputBlocked(true);
    this.#handler?.blocked();
  }

  close(code: number, reason: string): void {
    this.#handler = undefined;
    if (this.#connection === undefined) this.#socket?.destroy();
    else if (this.#connection.close(code, reason)) this.#linger();
  }

  // What the connection tells.

  text(data: string): void {
    this.#hasReceived = true;
    this.#handler?.receive(data);
  }

  binary(data: Uint8Array): void {
    this.#hasReceived = true;
    this.#handler?.receive(data.slice());
  }

  pong(): void {}

  write(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  end(): void {
    this.#socket?.end();
  }

  closed({ code, reason, wasClean, error }: ClosedEvent): void {
    this.#linger();
    this.#finishChunk();
    if (wasClean) this.#lose("BW_LINK_LOST", code, reason);
    else this.#lose(error ?? "BW_WS_ABNORMAL", undefined, this.#failure);
  }

  // What the socket tells.

  #take(chunk: Buffer): void {
    let bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#response !== undefined) {
      const result = this.#response.feed(bytes);
      if (result === undefined) return;
      this.#response = undefined;
      if (result.ok) {
        this.#open(result.head, result.rest);
        bytes = result.rest;
      } else {
        this.#refuse(result.code, "the answer to the handshake is malformed or too long");
      }
    }
    this.#connection?.receive(bytes);
    this.#finishChunk();
  }

  #finishChunk(): void {
    if (!this.#hasReceived) return;
    this.#hasReceived = false;
    this.#handler?.received();
  }

  /** The server's answer is here: opens the connection, or gives it up. */
  #open(head: ResponseHead, rest: Uint8Array): void {
    const accept = acceptKey(this.#key, nodePrimitives);
    const check = checkUpgradeResponse(head, { accept, protocols: this.#protocols });
    const location = head.headers.location?.[0];
    if (!check.ok) {
      const [detail = location ? `redirected to ${location}` : check.detail] =
        serverRefusal.exec(Buffer.from(rest).toString()) ?? [];
      this.#refuse(check.code, detail, head.status);
      return;
    }
    const { maxMessageBytes } = this.#request;
    this.#connection = createConnection(
      { role: "client", maxMessageBytes, primitives: nodePrimitives, output },
      this,
    );
    if (this.#protocols.length === 1) this.#connection.sendText(this.#hello);
    this.#handler?.writable();
  }

  #drain(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#connection?.setOutputBlocked(false);
    this.#handler?.writable();
  }

  #end(): void {
    if (this.#connection === undefined) this.#lose("BW_LINK_LOST", undefined, this.#failure);
    else this.#connection.receiveEnd();
    clearTimeout(this.#lingerTimer);
  }

  #refuse(code: ErrorCode, detail: string, status?: number): void {
    this.#lose(code, undefined, detail, status);
    this.#socket?.destroy();
  }

  #linger(): void {
    this.#lingerTimer ??= setTimeout(() => this.#socket?.destroy(), lingerMs);
  }

  #lose(code: ErrorCode, closeCode: number | undefined, reason: string | undefined, status?: number): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.lost(code, closeCode, reason, status);
  }
}

function openSocket(url: URL, tls: TlsOptions | undefined): Socket {
  const isSecure = url.protocol === "https:";
  // RFC 3986 §3.2.2: an IPv6 address stands in brackets.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (isSecure ? 443 : 80));
  if (!isSecure) return connectTcp({ host, port });
  // RFC 6066 §3: an address is not a server name.
  const servername = isIP(host) ? undefined : host;
  return connectTls({ servername, ALPNProtocols: ["http/1.1"], ...tls, host, port });
}
