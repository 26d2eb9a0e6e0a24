/**
 * permessage-deflate for the links of a server: the option, what is agreed on in the handshake, and messages that are
 * compressed once for all who get them (RFC 7692).
 */
import type { Headers } from "../../model/handshake.ts";
import type { Message } from "../../model/message.ts";
import type { ConnectionOptions } from "../../wire/websocket/connection.ts";
import {
  DeflatedConnection,
  type DeflatedHost,
  type DeflatedOptions,
  isShortText,
  type MessageCodec,
} from "../../wire/websocket/deflated-connection.ts";
import { formatExtensions, parseExtensions } from "../../wire/websocket/extensions.ts";
import { compressedBit, opcode } from "../../wire/websocket/frame.ts";
import { listHeader } from "../../wire/websocket/header-text.ts";
import {
  acceptDeflate,
  type DeflateAcceptance,
  type DeflateParameters,
  defaultDeflate,
} from "../../wire/websocket/permessage-deflate.ts";
import { encodeFrame } from "../../wire/websocket/serializer.ts";
import { CodecSource } from "./deflate-codec.ts";
import { isSyncZlibKnown } from "./sync-zlib.ts";

/** Names are those of `ws`. */
export interface PerMessageDeflateOptions {
  /** Shorter messages are sent as they are, in bytes. Default 1,024. */
  readonly threshold?: number;
  /** The server begins each message with an empty window. Default true; false costs some 300 KiB a connection. */
  readonly serverNoContextTakeover?: boolean;
  /** Clients do. Default true; false costs some 50 KiB a connection. */
  readonly clientNoContextTakeover?: boolean;
  /** Log₂ of the server's window, 8 to 15. Default 15. */
  readonly serverMaxWindowBits?: number;
  /** Log₂ of a client's window, 8 to 15. Below 15, clients that cannot be limited are not compressed to. Default 15. */
  readonly clientMaxWindowBits?: number;
  /** How hard zlib tries: `level` 1 to 9, default 6; `memLevel` 1 to 9, default 8. */
  readonly zlibDeflateOptions?: { readonly level?: number; readonly memLevel?: number };
}

/** What all links of a server share. */
export class PerMessageDeflate {
  readonly #options: DeflatedOptions;
  readonly #wish: DeflateParameters;
  readonly #codecs: CodecSource;
  readonly #frames: SharedFrames;

  constructor(settings: PerMessageDeflateOptions, options: ConnectionOptions) {
    const { threshold = 1_024, zlibDeflateOptions = {} } = settings;
    const { level = 6, memLevel = 8 } = zlibDeflateOptions;
    const thresholdBytes = requireWithin("threshold", threshold, 0, Number.MAX_SAFE_INTEGER);
    this.#options = { ...options, isDeflateAgreed: true, thresholdBytes };
    this.#wish = readWish(settings);
    this.#codecs = new CodecSource({
      maxMessageBytes: options.maxMessageBytes,
      level: requireWithin("level", level, 1, 9),
      memLevel: requireWithin("memLevel", memLevel, 1, 9),
    });
    this.#frames = new SharedFrames(this.#codecs.codecFor("server", defaultDeflate), options.primitives);
  }

  /** Undefined where nothing is agreed on, as where no offer is; null where the header breaks its grammar. */
  accept(headers: Headers): DeflateAcceptance | undefined | null {
    const lines = listHeader(headers, headerName);
    if (lines.length === 0) return undefined;
    const offers = parseExtensions(lines.join());
    return offers === undefined ? null : acceptDeflate(offers, this.#wish);
  }

  connect({ agreed }: DeflateAcceptance, host: DeflatedHost): DeflatedConnection {
    return new DeflatedConnection(this.#options, host, this.#codecs.codecFor("server", agreed));
  }

  isShort({ data }: Message): boolean {
    const { primitives, thresholdBytes } = this.#options;
    return typeof data === "string"
      ? isShortText(data, thresholdBytes, primitives)
      : data.length < thresholdBytes;
  }

  /** Frames are shared where the window is as long as can be. */
  sharesFrames({ agreed }: DeflateAcceptance): boolean {
    return agreed.serverMaxWindowBits === defaultDeflate.serverMaxWindowBits;
  }

  /** Gives the frame of a message, now or later. It is made once for all who share it. */
  frameOf(message: Message, done: (frame: Uint8Array) => void): void {
    this.#frames.frameOf(message, done);
  }
}

/** The value of the header in the answer. */
export function formatAnswer({ answer }: DeflateAcceptance): string {
  return formatExtensions([answer]);
}

const headerName = "sec-websocket-extensions";

/** Frames that begin with an empty window, so that they suit whoever gets them. */
class SharedFrames {
  readonly #codec: MessageCodec;
  readonly #primitives: ConnectionOptions["primitives"];

  constructor(codec: MessageCodec, primitives: ConnectionOptions["primitives"]) {
    this.#codec = codec;
    this.#primitives = primitives;
  }

  frameOf(message: Message, done: (frame: Uint8Array) => void): void {
    const known = message.deflated;
    if (known instanceof Uint8Array) return done(known);
    if (known !== undefined) return void known.push(done);
    const waiting = [done];
    message.deflated = waiting;
    const kind = typeof message.data === "string" ? opcode.text : opcode.binary;
    const payload = this.#encode(message.data);
    this.#codec.deflate(payload, (compressed) => {
      const frame =
        compressed === undefined ? encodeFrame(kind, payload) : encodeFrame(kind | compressedBit, compressed);
      message.deflated = frame;
      for (const give of waiting) give(frame);
    });
  }

  #encode(data: Message["data"]): Uint8Array {
    if (typeof data !== "string") return data;
    const payload = new Uint8Array(this.#primitives.utf8Length(data));
    this.#primitives.writeUtf8(data, payload, 0, payload.length);
    return payload;
  }
}

function readWish(settings: PerMessageDeflateOptions): DeflateParameters {
  const wish = {
    serverNoContextTakeover: settings.serverNoContextTakeover ?? defaultDeflate.serverNoContextTakeover,
    clientNoContextTakeover: settings.clientNoContextTakeover ?? defaultDeflate.clientNoContextTakeover,
    serverMaxWindowBits: readBits("serverMaxWindowBits", settings.serverMaxWindowBits),
    clientMaxWindowBits: readBits("clientMaxWindowBits", settings.clientMaxWindowBits),
  };
  // a window can only be kept in a context of one's own
  return isSyncZlibKnown() ? wish : { ...wish, serverNoContextTakeover: true, clientNoContextTakeover: true };
}

function readBits(name: "serverMaxWindowBits" | "clientMaxWindowBits", bits = defaultDeflate[name]): number {
  return requireWithin(name, bits, 8, 15);
}

function requireWithin(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`perMessageDeflate: ${name} must be an integer from ${least} to ${most}`);
}
