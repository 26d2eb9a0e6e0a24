/**
 * A bare WebSocket client for servers that send each message back, or to everybody. It costs as little as one read and
 * one write of Node's sockets do: frames are built before and many leave in one write, bytes come in one buffer that all
 * connections share, and of what comes only the headers of the frames are looked at.
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { deflateRawSync } from "node:zlib";
import type { Application } from "../works.ts";
import type { Conversation, Dialect, Heard, Join } from "./conversation.ts";
import { FrameCounter } from "./frame-counter.ts";

/** The offer of a browser. */
const offer = "permessage-deflate; client_max_window_bits";
/** Not zero, so that the server has something to unmask. */
const maskKey = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const pong = Buffer.concat([Buffer.from([0x8a, 0x80]), maskKey]);
const receiveBuffer = Buffer.allocUnsafeSlow(262_144);
const mostBlockBytes = 65_536;

export function rawWebSocket(application: Application): Dialect {
  const frame = maskedFrame(application);
  const block = Buffer.concat(Array(Math.max(1, Math.floor(mostBlockBytes / frame.length))).fill(frame));
  const join: Join = (port, heard) =>
    new Promise((resolve, reject) => {
      const socket = open(port, application, heard, reject, () => resolve(conversation));
      const conversation: Conversation = {
        send(event, count) {
          // with having connected a client is in
          if (event === "enter") return heard(count);
          const bytes = count * frame.length;
          for (let at = 0; at < bytes; at += block.length) socket.write(block.subarray(0, bytes - at));
        },
      };
    });
  return { default: join, websocket: join };
}

function open(
  port: number,
  { messageBytes, isCompressed = false }: Application,
  heard: Heard,
  refused: (error: Error) => void,
  opened: () => void,
): Socket {
  const frames = new FrameCounter(isCompressed, messageBytes, () => socket.write(pong));
  let head = "";
  let isOpen = false;
  const read = (chunk: Buffer): void => {
    const count = frames.count(chunk);
    if (count > 0) heard(count);
  };
  const readHead = (chunk: Buffer): void => {
    head += chunk.toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    if (!head.startsWith("HTTP/1.1 101 ")) return refused(new Error(head));
    const isNegotiated = /^sec-websocket-extensions:.*permessage-deflate/im.test(head.slice(0, end));
    if (isNegotiated !== isCompressed) return refused(new Error("permessage-deflate was not agreed on"));
    isOpen = true;
    opened();
    read(Buffer.from(head.slice(end + 4), "latin1"));
  };
  const callback = (length: number): boolean => {
    const chunk = receiveBuffer.subarray(0, length);
    if (isOpen) read(chunk);
    else readHead(chunk);
    return true;
  };
  const socket = connect({
    port,
    host: "127.0.0.1",
    noDelay: true,
    onread: { buffer: receiveBuffer, callback },
  });
  const extensions = isCompressed ? `Sec-WebSocket-Extensions: ${offer}\r\n` : "";
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extensions}\r\n`,
  );
  socket.on("close", () => {
    const error = new Error("the server closed a connection");
    if (!isOpen) return refused(error);
    throw error;
  });
  return socket;
}

function maskedFrame({ messageBytes, isCompressed = false }: Application): Buffer {
  const text = Buffer.from(createText(messageBytes));
  // without the end of the flush (RFC 7692 §7.2.1)
  const body = isCompressed ? deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4) : text;
  const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
  head[0] = isCompressed ? 0xc1 : 0x81;
  head[1] = 0x80 | (head.length === 2 ? body.length : head.length === 4 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(body.length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, maskKey, body.map((byte, index) => byte ^ (maskKey[index & 3] ?? 0))]);
}

/** JSON as applications send it, always the same, of which compression leaves about a third. */
function createText(bytes: number): string {
  let text = "[";
  for (let id = 1; text.length < bytes; id++) {
    const number = (id * 2_654_435_761) >>> 0;
    text += `{"id":${id},"name":"item ${number.toString(36)}","price":${number % 10_000}},`;
  }
  return text.slice(0, bytes);
}
