/** A server in a process of its own: prints its port, and drains on SIGTERM. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Server } from "../../src/server/index.ts";

const io = new Server(0, { drainOnSigterm: true });
io.on("connection", (socket) => {
  process.stdout.write(`connected by ${socket.conn.transport.name}\n`);
  socket.on("disconnect", (reason) => process.stdout.write(`${reason}\n`));
});
if (io.httpServer) {
  await once(io.httpServer, "listening");
  process.stdout.write(`${(io.httpServer.address() as AddressInfo).port}\n`);
}
