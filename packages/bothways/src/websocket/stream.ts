/** A WebSocket as one of Node's duplex streams. Backpressure holds both ways; the end of one side closes the other. */
import type { Buffer } from "node:buffer";
import { Duplex, type DuplexOptions } from "node:stream";
import type { WebSocket } from "./websocket.ts";

/**
 * Messages are read as chunks and chunks are sent as messages. A stream of bytes has no borders: they get lost unless
 * `readableObjectMode` is set, in which texts come as strings. Once the WebSocket has closed and all was read, the stream
 * is over on both sides, unless `allowHalfOpen` is set.
 *
 * @example await pipeline(createReadStream(path), createWebSocketStream(socket));
 */
export function createWebSocketStream(socket: WebSocket, options: DuplexOptions = {}): Duplex {
  /** Then the WebSocket closes by itself, and tells the peer why. */
  let hasFailed = false;
  const whenOpen = (action: () => void): void => {
    if (socket.readyState === socket.CONNECTING) socket.once("open", action);
    else action();
  };
  const whenClosed = (action: () => void): void => {
    if (socket.readyState === socket.CLOSED) action();
    else socket.once("close", () => action());
  };
  const duplex = new Duplex({
    allowHalfOpen: false,
    ...options,
    objectMode: false,
    writableObjectMode: false,
    read() {
      if (socket.isPaused) socket.resume();
    },
    write(chunk: Buffer, _, callback) {
      whenOpen(() => socket.send(chunk, callback));
    },
    final(callback) {
      whenOpen(() => {
        whenClosed(callback);
        socket.close();
      });
    },
    destroy(error, callback) {
      whenClosed(() => callback(error));
      if (!hasFailed) socket.terminate();
    },
  });
  socket.on("message", (data, isBinary) => {
    const chunk = !isBinary && duplex.readableObjectMode ? String(data) : data;
    if (!duplex.push(chunk)) socket.pause();
  });
  socket.once("error", (error) => {
    hasFailed = true;
    duplex.destroy(error);
  });
  socket.once("close", () => {
    if (!duplex.destroyed) duplex.push(null);
  });
  return duplex;
}
