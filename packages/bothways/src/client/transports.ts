/** Entry `bothways/client/transports` in browsers: every technique, for the `transports` option. What is not imported is not bundled. */
export type { ClientTransport } from "../model/transport.ts";
export type { ShortPollingOptions } from "../transport/client/long-polling.ts";
export type { StreamingOptions } from "../transport/client/streaming.ts";
export { iframe } from "../transport/web/iframe.ts";
export { jsonp } from "../transport/web/jsonp.ts";
export { longPolling } from "../transport/web/long-polling.ts";
export { multipart } from "../transport/web/multipart.ts";
export { shortPolling } from "../transport/web/short-polling.ts";
export { sse } from "../transport/web/sse.ts";
export { stream } from "../transport/web/stream.ts";
export { webSocket } from "../transport/web/websocket.ts";
