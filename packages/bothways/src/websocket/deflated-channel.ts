/**
 * A channel whose peer agreed to permessage-deflate (RFC 7692): messages from the threshold on are compressed.
 *
 * Invariants: callbacks come in the order of what was sent, whatever had to be compressed on a thread; what many are
 * sent is compressed once for all of them.
 */
import { Buffer } from "node:buffer";
import { BothwaysError } from "../model/bothways-error.ts";
import type { PerMessageDeflate, SharedFrames } from "../transport/node/per-message-deflate.ts";
import type { DeflatedConnection, DeflatedHost } from "../wire/websocket/deflated-connection.ts";
import type { Opcode } from "../wire/websocket/frame.ts";
import type { DeflateParameters } from "../wire/websocket/permessage-deflate.ts";
import { callAll, type SendCallback } from "./application.ts";
import { Channel, type ChannelParts } from "./channel.ts";
import type { ChannelHandler } from "./channel-handler.ts";
import { byteLength } from "./payload.ts";
import { PreparedMessage } from "./prepared-message.ts";
import { turn } from "./turn.ts";

export class DeflatedChannel<Owner> extends Channel<Owner> implements DeflatedHost {
  readonly #deflate: PerMessageDeflate;
  readonly #deflated: DeflatedConnection;
  /** Servers share frames; each frame of a client is masked. */
  readonly #frames: SharedFrames | undefined;
  /** Is each message compressed by itself, so that one text to many need not be compressed for each? */
  readonly #sharesTexts: boolean;
  /** Of what waits behind a message that is being compressed. */
  readonly #held: SendCallback[] = [];
  /** TCP is over. */
  #isOver = false;

  constructor(
    owner: Owner,
    handler: ChannelHandler<Owner>,
    parts: ChannelParts,
    { deflate, agreed }: { readonly deflate: PerMessageDeflate; readonly agreed: DeflateParameters },
  ) {
    const made: DeflatedConnection[] = [];
    super(owner, handler, parts, (_options, host) => {
      const connection = deflate.connect(agreed, host as DeflatedChannel<Owner>);
      made.push(connection);
      return connection;
    });
    this.#deflate = deflate;
    this.#deflated = made[0] as DeflatedConnection;
    this.#frames = parts.options.role === "server" ? deflate.framesFor(agreed) : undefined;
    this.#sharesTexts = this.#frames !== undefined && agreed.serverNoContextTakeover;
  }

  override send(
    data: string | Uint8Array,
    kind: Opcode,
    isFinal: boolean,
    compress: boolean,
    callback: SendCallback | undefined,
  ): boolean {
    const isShared =
      typeof data === "string" && compress && this.#sharesTexts && !this.#deflate.isShort(data);
    if (isShared) return this.sendPrepared(lastText.prepare(data), true, callback);
    return super.send(data, kind, isFinal, compress, callback);
  }

  override sendPrepared(
    message: PreparedMessage,
    compress: boolean,
    callback: SendCallback | undefined,
  ): boolean {
    const frames = this.#frames;
    if (frames === undefined || !compress || this.#deflate.isShort(message.payload)) {
      return super.sendPrepared(message, compress, callback);
    }
    if (this.isBehind && this.isOverLimit(callback)) return false;
    this.#deflated.sendShared((done) => message.compress(frames, done));
    return this.sent(message.payload, callback);
  }

  // What the engine tells.

  /** What was decompressed at once is in a block that others use next. */
  override textBytes(data: Uint8Array): void {
    super.textBytes(own(data));
  }

  override binary(data: Uint8Array): void {
    super.binary(own(data));
  }

  inputHeld(isHeld: boolean): void {
    this.reading.hold(isHeld);
    if (!isHeld && this.#isOver) this.gone();
  }

  /** The output asks for its flush itself. */
  outputHeld(): void {}

  protected override get isBehind(): boolean {
    return super.isBehind || this.#deflated.isOutputHeld;
  }

  protected override sent(data: string | Uint8Array, callback: SendCallback | undefined): boolean {
    if (!this.#deflated.isOutputHeld) return super.sent(data, callback);
    const bytes = byteLength(data);
    this.hold(bytes);
    if (callback !== undefined) this.#held.push(callback);
    this.#deflated.inOrder(() => {
      this.release(bytes);
      if (callback === undefined) return;
      this.#held.shift();
      this.callWhenWritten(callback);
    });
    return false;
  }

  /** What came before the end of TCP is delivered first. */
  protected override gone(): void {
    this.#isOver = true;
    this.connection.receiveEnd();
    if (this.reading.isHeld) return;
    callAll(this.#held.splice(0), new BothwaysError("BW_WS_ABNORMAL"));
    super.gone();
  }
}

function own(bytes: Uint8Array): Uint8Array {
  return bytes.length < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}

/** A text that is sent to one after another, in one turn, is compressed once. */
class LastText {
  #text: string | undefined;
  #message: PreparedMessage | undefined;

  prepare(text: string): PreparedMessage {
    if (this.#message !== undefined && this.#text === text) return this.#message;
    if (this.#message === undefined) turn.settleAtEnd(this);
    const message = new PreparedMessage(text);
    this.#text = text;
    this.#message = message;
    return message;
  }

  settle(): boolean {
    this.#text = undefined;
    this.#message = undefined;
    return true;
  }
}

const lastText = new LastText();
