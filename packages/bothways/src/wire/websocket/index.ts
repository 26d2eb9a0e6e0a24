/**
 * `bothways/wire/websocket`: the WebSocket protocol without I/O, for whoever has bytes that come and go by a way of their
 * own. The guide "The engine around another I/O" shows it around a MessagePort.
 */
export type { ErrorCode } from "../../model/errors.ts";
export type { Headers } from "../../model/handshake.ts";
export type { Primitives } from "../../model/primitives.ts";
export {
  checkUpgradeResponse,
  encodeUpgradeRequest,
  type UpgradeExpectation,
  type UpgradeRequestParts,
  type UpgradeResponseCheck,
} from "./client-handshake.ts";
export {
  type ClosedEvent,
  type ConnectionHost,
  type ConnectionOptions,
  type ConnectionState,
  createConnection,
  type WebSocketConnection,
} from "./connection.ts";
export {
  createDeflatedConnection,
  type DeflatedHost,
  type DeflatedOptions,
  type MessageCodec,
} from "./deflated-connection.ts";
export { type Extension, type ExtensionParameter, formatExtensions, parseExtensions } from "./extensions.ts";
export { type Opcode, opcode } from "./frame.ts";
export { acceptKey, createKey } from "./handshake-key.ts";
export { type ByteSink, FrameOutput } from "./output.ts";
export type { ParserOptions, Role } from "./parser.ts";
export {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateAcceptance,
  type DeflateParameters,
  defaultDeflate,
  offerDeflate,
} from "./permessage-deflate.ts";
export { createPrimitives } from "./primitives.ts";
export { type HeadResult, type ResponseHead, ResponseHeadParser } from "./response-head.ts";
export { encodeFrame, encodeTextFrame } from "./serializer.ts";
export {
  type AcceptResponse,
  checkUpgrade,
  encodeAcceptResponse,
  encodeRefusal,
  type UpgradeAccepted,
  type UpgradeRefused,
  type UpgradeRequest,
} from "./server-handshake.ts";
