/** A WebSocket link whose client agreed to permessage-deflate (RFC 7692): messages from the threshold on are compressed. */
import type { Duplex } from "node:stream";
import type { Message } from "../../model/message.ts";
import type { DeflatedConnection } from "../../wire/websocket/deflated-connection.ts";
import type { DeflateAcceptance } from "../../wire/websocket/permessage-deflate.ts";
import type { PerMessageDeflate } from "./per-message-deflate.ts";
import { WebSocketLink, type WebSocketLinkOptions } from "./websocket.ts";

export class DeflatedWebSocketLink extends WebSocketLink {
  readonly #deflate: PerMessageDeflate;
  readonly #sharesFrames: boolean;
  readonly #connection: DeflatedConnection;

  constructor(
    socket: Duplex,
    answer: string,
    options: WebSocketLinkOptions,
    { deflate, accepted }: { readonly deflate: PerMessageDeflate; readonly accepted: DeflateAcceptance },
  ) {
    const made: DeflatedConnection[] = [];
    super(socket, answer, options, (_options, host) => {
      const connection = deflate.connect(accepted, host);
      made.push(connection);
      return connection;
    });
    const [connection] = made;
    if (connection === undefined) throw new Error("no connection was made");
    this.#connection = connection;
    this.#deflate = deflate;
    this.#sharesFrames = deflate.sharesFrames(accepted);
  }

  override send(message: Message): void {
    const connection = this.#connection;
    const isShort = this.#deflate.isShort(message);
    if (isShort && !connection.isOutputHeld) super.send(message);
    else if (!isShort && this.#sharesFrames)
      connection.sendShared((done) => this.#deflate.frameOf(message, done));
    else if (typeof message.data === "string") connection.sendText(message.data);
    else connection.sendBinary(message.data);
  }
}
