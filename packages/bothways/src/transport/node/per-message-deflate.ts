/**
 * permessage-deflate for the connections of a server or client: the option, what is agreed on in the handshake, and
 * messages that are compressed once for all who get them (RFC 7692).
 */
import type { Headers } from "../../model/handshake.ts";
import type { Data } from "../../model/message.ts";
import type { ConnectionOptions } from "../../wire/websocket/connection.ts";
import {
  DeflatedConnection,
  type DeflatedHost,
  type DeflatedOptions,
  isShortText,
  type MessageCodec,
} from "../../wire/websocket/deflated-connection.ts";
import { formatExtensions, parseExtensions } from "../../wire/websocket/extensions.ts";
import { compressedBit, type Opcode } from "../../wire/websocket/frame.ts";
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

/** What all connections of a server, or of one client's, share. */
export class PerMessageDeflate {
  /** What we are ready for. */
  readonly wish: DeflateParameters;
  readonly #options: DeflatedOptions;
  readonly #codecs: CodecSource;
  readonly #frames = new Map<number, SharedFrames>();

  constructor(settings: PerMessageDeflateOptions, options: ConnectionOptions) {
    const { threshold = 1_024, zlibDeflateOptions = {} } = settings;
    const { level = 6, memLevel = 8 } = zlibDeflateOptions;
    const thresholdBytes = requireWithin("threshold", threshold, 0, Number.MAX_SAFE_INTEGER);
    this.#options = { ...options, isDeflateAgreed: true, thresholdBytes };
    this.wish = readWish(settings);
    this.#codecs = new CodecSource({
      maxMessageBytes: options.maxMessageBytes,
      level: requireWithin("level", level, 1, 9),
      memLevel: requireWithin("memLevel", memLevel, 1, 9),
    });
  }

  /** Undefined where nothing is agreed on, as where no offer is; null where the header breaks its grammar. */
  accept(headers: Headers): DeflateAcceptance | undefined | null {
    const lines = listHeader(headers, headerName);
    if (lines.length === 0) return undefined;
    const offers = parseExtensions(lines.join());
    return offers === undefined ? null : acceptDeflate(offers, this.wish);
  }

  connect(agreed: DeflateParameters, host: DeflatedHost): DeflatedConnection {
    return new DeflatedConnection(this.#options, host, this.#codecs.codecFor(this.#options.role, agreed));
  }

  isShort(data: Data): boolean {
    const { primitives, thresholdBytes } = this.#options;
    return typeof data === "string"
      ? isShortText(data, thresholdBytes, primitives)
      : data.length < thresholdBytes;
  }

  /** The frames that a server's connections share where they agreed on the same window. */
  framesFor({ serverMaxWindowBits }: DeflateParameters): SharedFrames {
    let frames = this.#frames.get(serverMaxWindowBits);
    if (frames === undefined) {
      frames = new SharedFrames(this.#codecs.sharedCodec(serverMaxWindowBits));
      this.#frames.set(serverMaxWindowBits, frames);
    }
    return frames;
  }
}

/** The value of the header in the answer. */
export function formatAnswer({ answer }: DeflateAcceptance): string {
  return formatExtensions([answer]);
}

const headerName = "sec-websocket-extensions";

/** Where the compressed frame of a message is kept, or who waits for it. */
export interface FrameSlot {
  deflated?: Uint8Array | ((frame: Uint8Array) => void)[];
}

/** Frames that begin with an empty window, so that they suit whoever gets them. */
export class SharedFrames {
  readonly #codec: MessageCodec;

  constructor(codec: MessageCodec) {
    this.#codec = codec;
  }

  /** Gives the frame of a message of `kind`, now or later. It is made once for all who share the slot. */
  frameOf(slot: FrameSlot, kind: Opcode, encode: () => Uint8Array, done: (frame: Uint8Array) => void): void {
    const known = slot.deflated;
    if (known instanceof Uint8Array) return done(known);
    if (known !== undefined) return void known.push(done);
    const waiting = [done];
    slot.deflated = waiting;
    const payload = encode();
    this.#codec.deflate(payload, (compressed) => {
      const frame =
        compressed === undefined ? encodeFrame(kind, payload) : encodeFrame(kind | compressedBit, compressed);
      slot.deflated = frame;
      for (const give of waiting) give(frame);
    });
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
