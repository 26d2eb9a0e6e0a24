/** Bun's own server, run by Bun. In JavaScript, since its types are no concern of the others. */
import { answerRun } from "../process.js";
import { application, maxBufferedBytes, maxMessageBytes } from "./application.js";

const { kind, isCompressed = false } = application;
const everybody = "everybody";

/** @typedef {{ subscribe(topic: string): void, send(data: string | Buffer, isCompressed: boolean): number }} Client */

const server = Reflect.get(globalThis, "Bun").serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (/** @type {Request} */ request, /** @type {{ upgrade(request: Request): boolean }} */ self) =>
    self.upgrade(request) ? undefined : new Response(null, { status: 426 }),
  websocket: {
    maxPayloadLength: maxMessageBytes,
    backpressureLimit: maxBufferedBytes,
    perMessageDeflate: isCompressed,
    open(/** @type {Client} */ client) {
      if (kind === "broadcast") client.subscribe(everybody);
    },
    message(/** @type {Client} */ client, /** @type {string | Buffer} */ data) {
      if (kind === "broadcast") server.publish(everybody, data, isCompressed);
      else client.send(data, isCompressed);
    },
  },
});
answerRun(server.port);
