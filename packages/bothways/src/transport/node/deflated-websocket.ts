/** A WebSocket link whose client agreed to permessage-deflate (RFC 7692): messages from the threshold on are compressed. */
import type { Duplex } from "node:stream";
import type { Data, Message } from "../../model/message.ts";
import type { Primitives } from "../../model/primitives.ts";
import type { DeflatedConnection } from "../../wire/websocket/deflated-connection.ts";
import { opcode } from "../../wire/websocket/frame.ts";
import { type DeflateAcceptance, defaultDeflate } from "../../wire/websocket/permessage-deflate.ts";
import type { PerMessageDeflate, SharedFrames } from "./per-message-deflate.ts";
import { WebSocketLink, type WebSocketLinkOptions } from "./websocket.ts";

export class DeflatedWebSocketLink extends WebSocketLink {
  readonly #deflate: PerMessageDeflate;
  /** A message keeps its frame for one window only: the longest. */
  readonly #frames: SharedFrames | undefined;
  readonly #primitives: Primitives;
  readonly #connection: DeflatedConnection;

  constructor(
    socket: Duplex,
    answer: string,
    options: WebSocketLinkOptions,
    { deflate, accepted }: { readonly deflate: PerMessageDeflate; readonly accepted: DeflateAcceptance },
  ) {
    const made: DeflatedConnection[] = [];
    super(socket, answer, options, (_options, host) => {
      const connection = deflate.connect(accepted.agreed, host);
      made.push(connection);
      return connection;
    });
    const [connection] = made;
    if (connection === undefined) throw new Error("no connection was made");
    this.#connection = connection;
    this.#deflate = deflate;
    const { serverMaxWindowBits } = accepted.agreed;
    const isUsual = serverMaxWindowBits === defaultDeflate.serverMaxWindowBits;
    this.#frames = isUsual ? deflate.framesFor(accepted.agreed) : undefined;
    this.#primitives = options.primitives;
  }

  override send(message: Message): void {
    const connection = this.#connection;
    const { data } = message;
    const isShort = this.#deflate.isShort(data);
    const frames = this.#frames;
    if (isShort && !connection.isOutputHeld) super.send(message);
    else if (!isShort && frames !== undefined) {
      const kind = typeof data === "string" ? opcode.text : opcode.binary;
      connection.sendShared((done) => frames.frameOf(message, kind, () => this.#encode(data), done));
    } else if (typeof data === "string") connection.sendText(data);
    else connection.sendBinary(data);
  }

  #encode(data: Data): Uint8Array {
    if (typeof data !== "string") return data;
    const payload = new Uint8Array(this.#primitives.utf8Length(data));
    this.#primitives.writeUtf8(data, payload, 0, payload.length);
    return payload;
  }
}
