/**
 * The client half of RFC 6455, as much as a load generator needs: text frames built ahead and sent many in one write,
 * and frames of a server read where they lie. It trusts its peer.
 */
import { connect, type Socket } from "node:net";

export interface RawWebSocketOptions {
  readonly port: number;
  readonly path: string;
  readonly protocols?: string;
  /** The handshake was answered. */
  readonly opened?: () => void;
  /** One text frame: its payload is `bytes[start, end)`. */
  readonly frame: (bytes: Buffer, start: number, end: number) => void;
  /** All frames of one chunk were told. */
  readonly turn: () => void;
}

/** Not zero, so that the server has something to unmask. */
const maskKey = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** One masked text frame, of at most 64 KiB. */
export function textFrame(text: string): Buffer {
  const body = Buffer.from(text);
  const length =
    body.length < 126 ? [0x80 | body.length] : [0x80 | 126, body.length >>> 8, body.length & 0xff];
  const masked = body.map((byte, index) => byte ^ (maskKey[index & 3] ?? 0));
  return Buffer.concat([Buffer.from([0x81, ...length]), maskKey, masked]);
}

/** The same frame many times over, to send any number of them in one write. */
export class RepeatedFrame {
  readonly #length: number;
  readonly #block: Buffer;

  constructor(text: string, most: number) {
    const frame = textFrame(text);
    this.#length = frame.length;
    this.#block = Buffer.concat(Array.from({ length: most }, () => frame));
  }

  take(count: number): Buffer {
    return this.#block.subarray(0, count * this.#length);
  }
}

/** Returns the socket at once; what is written to it before the handshake is answered would be too early. */
export function openWebSocket({ port, path, protocols, opened, frame, turn }: RawWebSocketOptions): Socket {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const protocolLine = protocols === undefined ? "" : `Sec-WebSocket-Protocol: ${protocols}\r\n`;
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${protocolLine}\r\n`,
  );
  let isOpen = false;
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    if (!isOpen) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end >= 0 && !bytes.subarray(0, end).includes(" 101 ")) throw new Error(bytes.toString());
      isOpen = end >= 0;
      at = isOpen ? end + 4 : 0;
      if (isOpen) opened?.();
    }
    if (isOpen) at = readFrames(bytes, at, frame);
    rest = bytes.subarray(at);
    turn();
  });
  socket.on("close", () => {
    throw new Error("the server closed a connection");
  });
  return socket;
}

/** Tells every whole frame from `start` on, and returns where the first that is not whole begins. */
function readFrames(bytes: Buffer, start: number, frame: RawWebSocketOptions["frame"]): number {
  let at = start;
  while (at + 2 <= bytes.length) {
    const short = bytes[at + 1] ?? 0;
    const headerBytes = short < 126 ? 2 : 4;
    if (short === 127) throw new Error("a frame longer than expected");
    if (at + headerBytes > bytes.length) break;
    const end = at + headerBytes + (short < 126 ? short : bytes.readUInt16BE(at + 2));
    if (end > bytes.length) break;
    if (bytes[at] !== 0x81) throw new Error(`not a text frame: ${bytes.toString("latin1", at, end)}`);
    frame(bytes, at + headerBytes, end);
    at = end;
  }
  return at;
}
