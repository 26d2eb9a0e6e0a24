/** The peer of a target: does the opening handshake, sends what a case says, and writes down what comes. */
import { createHash, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Case, Side, Step } from "./case.ts";
import { DeflatePeer } from "./deflate.ts";
import { close, decode, encode, end, line, type Received, refusal, toBytes } from "./frames.ts";

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export class Peer {
  /** A line for each message, control frame, and the end; first what the case wants shown of the head. */
  readonly lines: string[] = [];
  /** The extension was asked for and not agreed on. */
  isDeflateMissing = false;
  readonly #socket: Socket;
  readonly #side: Side;
  readonly #case: Case;
  readonly #key = randomBytes(16).toString("base64");
  #head: string | undefined;
  #data: Buffer = Buffer.alloc(0);
  #deflate: DeflatePeer | undefined;
  #parts: Received[] = [];
  #changed: () => void = () => {};

  constructor(socket: Socket, side: Side, given: Case) {
    this.#socket = socket;
    this.#side = side;
    this.#case = given;
    if (side === "server") this.#sendHead(given.startLine ?? "GET /chat?room=1 HTTP/1.1", this.#request());
    socket.on("data", (chunk) => this.#take(chunk));
    for (const event of ["end", "close"]) socket.on(event, () => this.#write(end));
  }

  /** Waits until `isDone`, or for so long. */
  async until(isDone: () => boolean, timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#changed = () => {
        if (!isDone() && !this.isDeflateMissing) return;
        clearTimeout(timer);
        resolve();
      };
      this.#changed();
    });
  }

  get isOpen(): boolean {
    return this.#head !== undefined;
  }

  get isOver(): boolean {
    return this.lines.at(-1) === end;
  }

  async do(step: Step, timeoutMs: number): Promise<void> {
    if ("lines" in step) await this.until(() => this.lines.length >= step.lines || this.isOver, timeoutMs);
    else if ("fin" in step) this.endTcp();
    else await this.#send(step);
  }

  /** Closes in good order. */
  close(): void {
    this.#socket.write(encode(close(1000), this.#side === "server"));
  }

  endTcp(): void {
    this.#socket.end();
  }

  async #send({ send, pieces, cut, times = 1 }: Extract<Step, { send: unknown }>): Promise<void> {
    const frames = send.map((frame) => {
      if (!frame.isCompressed) return encode(frame, this.#side === "server");
      const payload = this.#deflate?.compress(toBytes(frame.payload)) ?? frame.payload;
      return encode({ ...frame, payload, reserved: 4 }, this.#side === "server");
    });
    const once = Buffer.concat(frames).subarray(0, cut);
    const all = times === 1 ? once : Buffer.alloc(once.length * times, once);
    const size = pieces ?? all.length;
    if (pieces !== undefined) this.#socket.setNoDelay(true);
    for (let at = 0; at < all.length; at += size) {
      this.#socket.write(all.subarray(at, at + size));
      if (pieces !== undefined) await new Promise(setImmediate);
    }
  }

  #request(): Case["head"] {
    return {
      Host: "127.0.0.1",
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": this.#key,
      ...this.#case.head,
    };
  }

  #sendHead(startLine: string, headers: Case["head"] = {}): void {
    const lines = Object.entries(headers).flatMap(([name, value = []]) =>
      (typeof value === "string" ? [value] : value).map((one) => `${name}: ${one}\r\n`),
    );
    this.#socket.write(`${startLine}\r\n${lines.join("")}\r\n`);
  }

  #take(chunk: Buffer): void {
    this.#data = this.#data.length === 0 ? chunk : Buffer.concat([this.#data, chunk]);
    if (this.#head === undefined && !this.#takeHead()) return;
    for (let frame = decode(this.#data); frame !== undefined; frame = decode(this.#data)) {
      this.#data = this.#data.subarray(frame.byteLength);
      this.#read(frame);
    }
  }

  #takeHead(): boolean {
    const at = this.#data.indexOf("\r\n\r\n");
    if (at < 0) return false;
    const head = this.#data.subarray(0, at + 2).toString("latin1");
    this.#data = this.#data.subarray(at + 4);
    const { shows = [] } = this.#case;
    for (const name of shows) this.lines.push(`${name}: ${headerOf(head, name)}`);
    if (this.#side === "client") {
      const accept = acceptOf(headerOf(head, "sec-websocket-key"));
      const { head: lines, startLine = "HTTP/1.1 101 Switching Protocols" } = this.#case;
      const own = { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Accept": accept };
      this.#sendHead(startLine, { ...own, ...lines });
      this.#agree(
        headerOf(head, "sec-websocket-extensions") && String(lines?.["Sec-WebSocket-Extensions"] ?? ""),
      );
    } else {
      const status = head.slice(9, 12);
      if (status !== "101") this.#data = Buffer.alloc(0);
      if (status !== "101" || this.#case.expect.includes(refusal)) this.lines.push(`status ${status}`);
      else if (headerOf(head, "sec-websocket-accept") !== acceptOf(this.#key))
        this.lines.push("wrong accept");
      this.#agree(headerOf(head, "sec-websocket-extensions"));
    }
    this.#head = head;
    this.#changed();
    return true;
  }

  #agree(extensions: string): void {
    if (extensions.includes("permessage-deflate")) this.#deflate = new DeflatePeer(extensions, this.#side);
    else this.isDeflateMissing = Boolean(this.#case.options?.perMessageDeflate);
  }

  #read(frame: Received): void {
    const { opcode, isFinal, isMasked, reserved, payload } = frame;
    if (this.lines.some((one) => one.startsWith("status"))) return;
    if (isMasked !== (this.#side === "client")) this.#write("wrong mask");
    if ((reserved & ~(this.#deflate && opcode !== 0 && opcode < 8 ? 4 : 0)) !== 0)
      this.#write("reserved bits");
    if (opcode === 10 && this.#case.arePongsIgnored) return;
    if (opcode >= 8) return this.#write(line(opcode, payload));
    this.#parts.push(frame);
    if (!isFinal) return;
    const [first] = this.#parts;
    const whole = Buffer.concat(this.#parts.map((part) => part.payload));
    this.#parts = [];
    try {
      const message = first?.reserved === 4 && this.#deflate ? this.#deflate.decompress(whole) : whole;
      this.#write(line(first?.opcode ?? 0, message));
    } catch {
      this.#write("cannot be decompressed");
    }
  }

  #write(one: string): void {
    if (this.isOver) return;
    this.lines.push(one);
    this.#changed();
  }
}

function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + guid)
    .digest("base64");
}

/** The value of a header, or of `start`, the first line. */
function headerOf(head: string, name: string): string {
  const [startLine = "", ...lines] = head.split("\r\n");
  if (name === "start") return startLine;
  const found = lines.filter((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}:`));
  return found.map((one) => one.slice(name.length + 1).trim()).join(", ");
}
