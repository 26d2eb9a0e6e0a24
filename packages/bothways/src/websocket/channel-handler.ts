/** The contract between a channel, which has the socket, and its owner, which the application has. */
import type { Buffer } from "node:buffer";
import type { ErrorCode } from "../model/errors.ts";
import type { ClosedEvent } from "../wire/websocket/connection.ts";

/**
 * What a channel tells its owner: one table for all channels of a kind, so that none has functions of its own. Bytes are
 * the receiver's to keep. None of these may throw.
 */
export interface ChannelHandler<Owner> {
  message(owner: Owner, data: Buffer, isBinary: boolean): void;
  control(owner: Owner, event: "ping" | "pong", data: Buffer): void;
  /** After `send` returned false: all has left. */
  drained(owner: Owner): void;
  /** No message comes any more, and none can be sent; `error` is set where the peer erred or a limit was met. */
  ending(owner: Owner, error: ErrorCode | undefined): void;
  /** TCP is over. */
  gone(owner: Owner, event: ClosedEvent): void;
}
