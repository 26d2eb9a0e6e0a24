/** A server in a process of its own: prints its port, and drains on SIGTERM. What others ask is answered at SIGUSR2. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "../../src/server/index.ts";

const httpServer = createServer((_request, response) => {
  process.once("SIGUSR2", () => response.end("answered"));
  process.stdout.write("asked\n");
});
const io = new Server(httpServer, { drainOnSigterm: true });
io.on("connection", (socket) => {
  process.stdout.write(`connected by ${socket.conn.transport.name}\n`);
  socket.on("disconnect", (reason) => process.stdout.write(`${reason}\n`));
});
httpServer.listen(0);
await once(httpServer, "listening");
process.stdout.write(`${(httpServer.address() as AddressInfo).port}\n`);
