/**
 * Client half of WebSocket in browsers: one frame per message. docs/protocol/bothways-1.md, "WebSocket".
 *
 * The browser coalesces what is sent in one task, so a flush has nothing to do, and the session's credit bounds what
 * can wait in the socket. Browsers tell a page nothing of a refused handshake but close code 1006, and cannot bound
 * a message as it arrives: `maxMessageBytes` is the server's to keep.
 */
import type { Data } from "../../model/message.ts";
import type { ClientTransport, LinkHandler } from "../../model/transport.ts";

/** Base64 makes 4,096 characters of it; common proxies cut off longer headers. */
const maxHelloBytes = 3_072;

/** The part of a browser's WebSocket that is used. */
interface Socket {
  binaryType: "blob" | "arraybuffer";
  readonly readyState: number;
  onopen: unknown;
  onmessage: ((event: MessageEvent<string | ArrayBuffer>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: Data): void;
  close(code: number, reason: string): void;
}

/** The technique `websocket`. */
export function webSocket(): ClientTransport {
  return {
    name: "websocket",
    open({ url }, hello, handler) {
      /** Gone once the link was closed: from then on nobody is told anything. */
      let listener: LinkHandler | undefined = handler;
      let socket: Socket | undefined;
      const bytes = new TextEncoder().encode(hello);
      const isEarly = bytes.length <= maxHelloBytes;
      const protocols = isEarly ? ["bothways.1", encodeBase64Url(bytes)] : ["bothways.1"];
      try {
        socket = new WebSocket(url.replace("http", "ws"), protocols) as Socket;
        socket.binaryType = "arraybuffer";
        socket.onopen = () => {
          if (!isEarly) socket?.send(hello);
          listener?.writable();
        };
        socket.onmessage = ({ data }) => {
          listener?.receive(typeof data === "string" ? data : new Uint8Array(data));
          listener?.received();
        };
        socket.onclose = ({ code, reason }) => listener?.lost("BW_LINK_LOST", code, reason);
      } catch (error) {
        // No WebSocket here, or one that the page's policy forbids.
        queueMicrotask(() => listener?.lost("BW_LINK_LOST", undefined, String(error)));
      }
      return {
        transport: "websocket",
        rewinds: false,
        send({ data }) {
          // OPEN: one that the peer is closing would only complain on the console
          if (socket?.readyState === 1) socket.send(data);
        },
        flush() {},
        close(code, reason) {
          listener = undefined;
          socket?.close(code, reason);
        },
      };
    },
  };
}

/** The alphabet of RFC 4648 §5 without padding: all its characters may stand in a subprotocol's name. */
function encodeBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}
