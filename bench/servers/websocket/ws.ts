/** `ws`. */
import { WebSocketServer } from "ws";
import { application, maxMessageBytes } from "./application.js";
import { runApplication } from "./shape-of-ws.ts";

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  maxPayload: maxMessageBytes,
  perMessageDeflate: application.isCompressed ?? false,
});
runApplication(server, (data, isBinary) => {
  for (const client of server.clients) client.send(data, { binary: isBinary });
});
