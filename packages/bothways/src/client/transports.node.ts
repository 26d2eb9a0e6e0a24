/** Entry `bothways/client/transports` in Node: every technique, for the `transports` option. What is not imported is not bundled. */
export type { ClientTransport } from "../model/transport.ts";
export type { ShortPollingOptions } from "../transport/client/long-polling.ts";
export type { StreamingOptions } from "../transport/client/streaming.ts";
export { longPolling } from "../transport/node-client/long-polling.ts";
export { multipart } from "../transport/node-client/multipart.ts";
export { iframe, jsonp } from "../transport/node-client/pages-only.ts";
export { shortPolling } from "../transport/node-client/short-polling.ts";
export { sse } from "../transport/node-client/sse.ts";
export { stream } from "../transport/node-client/stream.ts";
export { webSocket } from "../transport/node-client/websocket.ts";
