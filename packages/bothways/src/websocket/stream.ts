/** A WebSocket as one of Node's duplex streams. Backpressure holds both ways; the end of one side closes the other. */
import type { Buffer } from "node:buffer";
import { Duplex, type DuplexOptions } from "node:stream";
import type { WebSocket } from "./websocket.ts";

/**
 * Messages are read as chunks and chunks are sent as messages. A stream of bytes has no borders: they get lost unless
 * `readableObjectMode` is set, in which texts come as strings.
 *
 * @example await pipeline(createReadStream(path), createWebSocketStream(socket));
 */
export function createWebSocketStream(socket: WebSocket, options: DuplexOptions = {}): Duplex {
  /** Destroying the stream terminates the socket, but not where the socket's own end brought it about. */
  let isOver = false;
  const whenOpen = (action: () => void): void => {
    if (socket.readyState === socket.CONNECTING) socket.once("open", action);
    else action();
  };
  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
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
        if (socket.readyState === socket.CLOSED) return callback();
        socket.once("close", () => callback());
        socket.close();
      });
    },
    destroy(error, callback) {
      if (isOver) {
        callback(error);
        process.nextTick(() => duplex.emit("close"));
        return;
      }
      socket.once("close", () => {
        callback(error);
        duplex.emit("close");
      });
      socket.terminate();
    },
  });
  socket.on("message", (data, isBinary) => {
    const chunk = !isBinary && duplex.readableObjectMode ? String(data) : data;
    if (!duplex.push(chunk)) socket.pause();
  });
  socket.once("error", (error) => {
    if (duplex.destroyed) return;
    isOver = true;
    duplex.destroy(error);
  });
  socket.once("close", () => {
    isOver = true;
    if (!duplex.destroyed) duplex.push(null);
  });
  // With nothing left to read or write it is over.
  const destroyWhenDone = (): void => {
    if (!duplex.destroyed && duplex.readableEnded && duplex.writableFinished) duplex.destroy();
  };
  duplex.on("end", () => {
    if (!duplex.writableEnded) duplex.end();
    destroyWhenDone();
  });
  duplex.on("finish", destroyWhenDone);
  return duplex;
}
