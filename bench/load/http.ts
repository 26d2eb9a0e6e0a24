/**
 * One HTTP/1.1 connection that is kept open, one request at a time. Answers must carry their length, but for those that go
 * on. All connections share one receive buffer.
 */
import { connect, type Socket } from "node:net";
import { mark } from "../servers/http/application.ts";
import type { Heard } from "./conversation.ts";

const receiveBuffer = Buffer.allocUnsafeSlow(262_144);
const markByte = mark.charCodeAt(0);

/** Servers close a connection that nobody uses for 5 s; who writes to it then gets no answer. */
const mostIdleMs = 4_000;

/** What went over all connections, both ways, in bytes; without what TCP adds. */
export const wire = { bytes: 0 };

export class RawHttp {
  readonly #port: number;
  #socket: Socket | undefined;
  #usedAt = 0;
  #rest = "";
  #answered: ((body: string) => void) | undefined;
  /** Takes bytes of an answer that goes on. */
  #take: ((chunk: Buffer) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Resolves to the answer's body. Without a body it is a GET. */
  request(path: string, body?: string): Promise<string> {
    this.#send(path, body);
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }

  /**
   * Makes a request whose answer goes on, and resolves when `until` has come in it. From then on `heard` is told how many
   * events each chunk has, 0 included.
   */
  stream(path: string, body: string | undefined, until: string, heard: Heard): Promise<void> {
    let head = "";
    this.#send(path, body);
    return new Promise((resolve) => {
      const count = (chunk: Buffer): void => {
        let events = 0;
        for (let at = chunk.indexOf(markByte); at >= 0; at = chunk.indexOf(markByte, at + 1)) events++;
        heard(events);
      };
      this.#take = (chunk) => {
        head += chunk.toString("latin1");
        if (head.length > 12 && !head.startsWith("HTTP/1.1 200")) throw new Error(head);
        if (!head.includes(until)) return;
        this.#take = count;
        resolve();
      };
    });
  }

  #send(path: string, body: string | undefined): void {
    const head = `${body === undefined ? "GET" : "POST"} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\n`;
    const request =
      body === undefined ? `${head}\r\n` : `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    wire.bytes += request.length;
    const now = performance.now();
    if (now - this.#usedAt > mostIdleMs) this.leave();
    this.#usedAt = now;
    this.#socket ??= this.#connect();
    this.#socket.write(request, "latin1");
  }

  leave(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): Socket {
    const callback = (length: number): boolean => {
      wire.bytes += length;
      const chunk = receiveBuffer.subarray(0, length);
      if (this.#take) this.#take(chunk);
      else this.#read(chunk.toString("latin1"));
      return true;
    };
    const socket = connect({
      port: this.#port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: receiveBuffer, callback },
    });
    socket.on("error", (error) => {
      if (this.#socket === socket) throw error;
    });
    socket.on("close", () => {
      // an idle one may be closed
      if (this.#socket !== socket) return;
      if (this.#answered || this.#take) throw new Error("the server closed a connection");
      this.#socket = undefined;
    });
    return socket;
  }

  #read(text: string): void {
    this.#rest += text;
    const headEnd = this.#rest.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#rest.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (!head.startsWith("HTTP/1.1 200") || Number.isNaN(length)) throw new Error(this.#rest);
    const bodyAt = headEnd + 4;
    if (this.#rest.length < bodyAt + length) return;
    const body = this.#rest.slice(bodyAt, bodyAt + length);
    this.#rest = this.#rest.slice(bodyAt + length);
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(body);
  }
}
