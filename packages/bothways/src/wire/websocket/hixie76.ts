/**
 * WebSocket as it was before the RFC (draft-hixie-thewebsocketprotocol-76 §4–§5), a server's side: a text is 0x00, its
 * UTF-8, 0xFF; the end is 0xFF 0x00 both ways. Nothing else of the draft is taken: a byte that begins any other frame,
 * the length-prefixed ones above all, ends the connection.
 *
 * It has the shape of a connection of RFC 6455 and keeps its invariants. There are no masks, fragments, pings, codes and
 * reasons: what would need one throws.
 */
import { BothwaysError } from "../../model/bothways-error.ts";
import { type ErrorCode, errorTable } from "../../model/errors.ts";
import {
  type ClosedEvent,
  type ConnectionHost,
  type ConnectionInput,
  type ConnectionOptions,
  type ConnectionState,
  checkClose,
  transitions,
  type WebSocketConnection,
} from "./connection.ts";
import { abnormalCloseCode, finBit, length16, length64, noCloseCode, opcode } from "./frame.ts";
import { advanceUtf8, utf8Boundary, utf8Invalid } from "./utf8.ts";

const textMark = 0x00;
/** Ends a text, and begins the closing handshake. No text has it: it is in no UTF-8. */
const endMark = 0xff;
const closingFrame = Uint8Array.of(endMark, textMark);

export class Hixie76Connection implements WebSocketConnection {
  readonly room: undefined;
  readonly #options: ConnectionOptions;
  readonly #host: ConnectionHost;
  #state: ConnectionState = "open";
  #hasEnded = false;
  /** What the bytes that come are part of. */
  #inside: "nothing" | "text" | "closing" = "nothing";
  #message: Uint8Array | undefined;
  #messageBytes = 0;
  #utf8 = utf8Boundary;

  constructor(options: ConnectionOptions, host: ConnectionHost) {
    this.#options = options;
    this.#host = host;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get gatheredBytes(): number {
    return this.#message?.length ?? 0;
  }

  /** Texts tell no length. */
  mayEndIn(): boolean {
    return true;
  }

  receive(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && (this.#state === "open" || this.#state === "closing")) {
      if (this.#inside === "text") at = this.#takeText(chunk, at);
      else this.#takeMark(chunk[at++] as number);
    }
  }

  receiveEnd(): void {
    const before = this.#step("peerEnd");
    this.#end();
    if (before === "open" || before === "closing") {
      this.#finish({ code: abnormalCloseCode, reason: "", wasClean: false, error: "BW_WS_ABNORMAL" });
    }
  }

  sendText(text: string): boolean {
    if (this.#state !== "open") return false;
    const { primitives } = this.#options;
    const byteLength = primitives.utf8Length(text);
    const at = this.#reserveText(byteLength);
    primitives.writeUtf8(text, this.#options.output.block, at, byteLength);
    return true;
  }

  sendBinary(): boolean {
    throw new BothwaysError("BW_WS_TEXT_ONLY");
  }

  /** A text frame of RFC 6455, shared with others: its payload is sent. */
  sendFrame(frame: Uint8Array): boolean {
    const length = frame[1] as number;
    const payload = frame.subarray(length < length16 ? 2 : length < length64 ? 4 : 10);
    return this.sendPart((frame[0] as number) & ~finBit, payload);
  }

  sendPart(kind: number, payload: Uint8Array, isFinal = true): boolean {
    if (kind !== opcode.text || !isFinal) throw new BothwaysError("BW_WS_TEXT_ONLY");
    // what follows it would be read as frames
    if (payload.includes(endMark)) throw new TypeError("the text is not UTF-8");
    if (this.#state !== "open") return false;
    const at = this.#reserveText(payload.length);
    this.#options.output.block.set(payload, at);
    return true;
  }

  /** There are none. */
  sendPing(): boolean {
    return false;
  }

  /** Code and reason are judged as ever, and not sent. */
  close(code?: number, reason = ""): boolean {
    checkClose(code, reason, this.#options.primitives);
    if (this.#step("close") !== "open") return false;
    this.#sendClosing();
    return true;
  }

  setOutputBlocked(): void {}

  #takeMark(byte: number): void {
    if (this.#inside === "closing" && byte === textMark) this.#takeClosing();
    else if (this.#inside === "nothing" && byte === textMark) this.#inside = "text";
    else if (this.#inside === "nothing" && byte === endMark) this.#inside = "closing";
    else this.#fail("BW_WS_OPCODE");
  }

  /** Takes what the chunk has of the text; returns where it ends. */
  #takeText(chunk: Uint8Array, start: number): number {
    const markAt = chunk.indexOf(endMark, start);
    const end = markAt < 0 ? chunk.length : markAt;
    const room = this.#options.maxMessageBytes - this.#messageBytes;
    if (end - start > room) {
      // a wrong byte before the limit is the first fault, however the text is cut
      const isInvalid = advanceUtf8(this.#utf8, chunk, start, start + room) === utf8Invalid;
      this.#fail(isInvalid ? "BW_WS_UTF8" : "BW_MESSAGE_TOO_LARGE");
    } else if (markAt >= 0 && this.#message === undefined) {
      this.#deliver(chunk.subarray(start, end));
    } else {
      this.#gather(chunk, start, end);
      if (markAt >= 0) this.#finishText();
    }
    return end + 1;
  }

  /** At most four times what has come is held, as with RFC 6455. */
  #gather(chunk: Uint8Array, start: number, end: number): void {
    this.#utf8 = advanceUtf8(this.#utf8, chunk, start, end);
    if (this.#utf8 === utf8Invalid) return this.#fail("BW_WS_UTF8");
    const filled = this.#messageBytes + end - start;
    if (this.#message === undefined || this.#message.length < filled) {
      const grown = new Uint8Array(Math.min(filled * 4, this.#options.maxMessageBytes));
      if (this.#message !== undefined) grown.set(this.#message.subarray(0, this.#messageBytes));
      this.#message = grown;
    }
    this.#message.set(chunk.subarray(start, end), this.#messageBytes);
    this.#messageBytes = filled;
  }

  #finishText(): void {
    const message = this.#message?.subarray(0, this.#messageBytes);
    this.#message = undefined;
    this.#messageBytes = 0;
    // gone where the text was refused
    if (message !== undefined) this.#deliver(message);
  }

  #deliver(bytes: Uint8Array): void {
    this.#inside = "nothing";
    this.#utf8 = utf8Boundary;
    const { isUtf8, primitives } = this.#options;
    const isOpen = this.#state === "open";
    if (isUtf8 !== undefined) {
      if (!isUtf8(bytes)) this.#fail("BW_WS_UTF8");
      else if (isOpen) this.#host.textBytes?.(bytes);
      return;
    }
    const text = primitives.decodeUtf8(bytes);
    if (text === undefined) this.#fail("BW_WS_UTF8");
    else if (isOpen) this.#host.text(text);
  }

  #takeClosing(): void {
    if (this.#step("peerClose") === "open") this.#sendClosing();
    this.#end();
    this.#finish({ code: noCloseCode, reason: "", wasClean: true });
  }

  /** The peer cannot be told why. */
  #fail(error: ErrorCode): void {
    this.#step("fault");
    this.#end();
    this.#finish({ code: errorTable[error].closeCode, reason: "", wasClean: false, error });
  }

  #step(input: ConnectionInput): ConnectionState {
    const before = this.#state;
    this.#state = transitions[before][input];
    return before;
  }

  /** Makes room for a text between its marks and returns where it goes. */
  #reserveText(byteLength: number): number {
    const { output } = this.#options;
    const at = output.reserve(this.#host, byteLength + 2);
    output.block[at] = textMark;
    output.block[at + 1 + byteLength] = endMark;
    return at + 1;
  }

  #sendClosing(): void {
    const { output } = this.#options;
    const at = output.reserve(this.#host, closingFrame.length);
    output.block.set(closingFrame, at);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#options.output.flushOf(this.#host);
    this.#host.end();
  }

  #finish(event: ClosedEvent): void {
    this.#message = undefined;
    this.#host.closed(event);
  }
}
