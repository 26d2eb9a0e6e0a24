/** The application on `bothways/websocket`, of whichever build. */
import { application, maxBufferedBytes, maxMessageBytes } from "./application.js";
import { runApplication } from "./shape-of-ws.ts";

export function runOurs({ PreparedMessage, WebSocketServer }: typeof import("bothways/websocket")): void {
  const options = {
    host: "127.0.0.1",
    port: 0,
    maxPayload: maxMessageBytes,
    maxBufferedAmount: maxBufferedBytes,
    perMessageDeflate: application.isCompressed ?? false,
  };
  const server = new WebSocketServer(options as ConstructorParameters<typeof WebSocketServer>[0]);
  runApplication(server, (data, isBinary) => {
    const message = new PreparedMessage(data, { binary: isBinary });
    for (const client of server.clients ?? []) client.send(message);
  });
}
