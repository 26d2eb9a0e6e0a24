/** Orders in a Hono application, a client that serves what is ordered: `node examples/hono/client.ts TOKEN URL`. */
import { io } from "bothways/client";
import { sse, stream } from "bothways/client/transports";
import type { ToClient, ToServer } from "./events.ts";

const [token = "secret", url = "http://localhost:3000"] = process.argv.slice(2);
const socket = io<ToClient, ToServer>(url, {
  // there is no WebSocket to try first
  transports: [stream(), sse()],
  extraHeaders: { authorization: `Bearer ${token}` },
});

socket.on("connect", () => console.log(`listening, by ${socket.io.transport}`));
socket.on("connect_error", ({ message }) => console.log(`refused: ${message}`));
socket.on("ordered", (number, { table, dish }) => {
  console.log(`ordered: ${dish} for ${table}`);
  socket.emit("serve", number);
});
socket.on("served", (number, by) => console.log(`${number} was served by ${by}`));
