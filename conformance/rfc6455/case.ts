/**
 * What a case is: data. A peer of ours sends `steps` over TCP to a target (a server, or a client that echoes each message),
 * writes down a line for whatever comes back, and the case passes where these lines are `expect`.
 */

/** Which side of the connection the target is; the peer is the other. */
export type Side = "server" | "client";

/** A frame as the peer sends it, valid or not. Left out: whole, no reserved bit, masked as its side must, shortest length. */
export interface Frame {
  readonly opcode: number;
  readonly payload?: string | Uint8Array;
  readonly isFinal?: boolean;
  /** RSV1 to RSV3 as a number of three bits. */
  readonly reserved?: number;
  /** Bytes of the extended length. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** Written instead of the payload's length. */
  readonly declaredLength?: bigint;
  /** Masked where it must not be, or the other way round. */
  readonly isMaskWrong?: boolean;
  /** Compress the payload and set RSV1, as the extension agreed on wants it. */
  readonly isCompressed?: boolean;
}

export type Step =
  /**
   * In one write; or in pieces of so many bytes, each left to arrive by itself; no more than the first `cut` bytes; all
   * of it so many `times`.
   */
  | {
      readonly send: readonly Frame[];
      readonly pieces?: number;
      readonly cut?: number;
      readonly times?: number;
    }
  /** Waits until so many lines have come. */
  | { readonly lines: number }
  /** FIN. */
  | { readonly fin: true };

/** Options of the target, by the names that both implementations have. */
export interface TargetOptions {
  readonly maxPayload?: number;
  readonly maxFragments?: number;
  readonly closeTimeout?: number;
  readonly perMessageDeflate?: object;
  readonly protocols?: readonly string[];
}

export interface Case {
  /** `group/name`. */
  readonly id: string;
  /** The clause it is about; where a target differs, it differs from this. */
  readonly clause: string;
  /** Default: both. */
  readonly sides?: readonly Side[];
  readonly options?: TargetOptions;
  /** What the target does when it is open, before anything comes. */
  readonly closes?: { readonly code?: number; readonly reason?: string };
  /** Only texts are echoed. */
  readonly isTextEchoedOnly?: boolean;
  /** Lines of the peer's request, or answer, instead of the usual ones; undefined leaves one out. */
  readonly head?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The first line of the peer's request or answer. */
  readonly startLine?: string;
  /** What is written down of the target's request or answer: the values of these headers, in this order. */
  readonly shows?: readonly string[];
  /** Pongs are not written down. */
  readonly arePongsIgnored?: boolean;
  /** The peer never ends TCP, not even as a server whose turn it is. */
  readonly isTcpKept?: boolean;
  /** Lets no other case run beside it. */
  readonly isAlone?: boolean;
  readonly steps?: readonly Step[];
  /**
   * The lines, made by the functions of `frames.ts`. Where no close frame or end is among them the connection must still
   * be open: the peer closes it with 1000 and expects 1000 back.
   */
  readonly expect: readonly string[];
  /** The code and reason that the application at the target must be told. */
  readonly told?: string;
}
