/** uWebSockets.js, which has no binaries for a newer Node.js than 20: in JavaScript, as that one runs it. */
import uws from "@rjweb/uws";
import { answerRun } from "../process.js";
import { application, maxBufferedBytes, maxMessageBytes } from "./application.js";

const { kind, isCompressed = false } = application;
const everybody = "everybody";

const app = uws.App().ws("/*", {
  maxPayloadLength: maxMessageBytes,
  maxBackpressure: maxBufferedBytes,
  compression: isCompressed ? uws.SHARED_COMPRESSOR | uws.SHARED_DECOMPRESSOR : uws.DISABLED,
  open(client) {
    if (kind === "broadcast") client.subscribe(everybody);
  },
  message(client, data, isBinary) {
    if (kind === "broadcast") app.publish(everybody, data, isBinary, isCompressed);
    else client.send(data, isBinary, isCompressed);
  },
});
answerRun(
  new Promise((resolve) => {
    app.listen("127.0.0.1", 0, (listening) => resolve(uws.getSocketPort(listening)));
  }),
);
