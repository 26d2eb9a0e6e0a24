/** A chat for terminals, the client: `node examples/chat/client.ts NAME [URL]`. What you type is said to all others. */
import { createInterface } from "node:readline";
import { io } from "bothways/client";
import type { ToClient, ToServer } from "./contract.ts";

const [name = "somebody", url = "http://localhost:3000"] = process.argv.slice(2);
const socket = io<ToClient, ToServer>(url);

socket.on("connect", async () => {
  // a session that went on still has our place on the server
  if (socket.recovered) return console.log("back again, nothing was missed");
  const people = await socket.emitWithAck("enter", name);
  console.log(`here: ${people.join(", ")}`);
});
socket.on("disconnect", (reason) => console.log(`gone for now: ${reason}`));
socket.on("gap", () => console.log("something was missed"));
socket.on("entered", (other) => console.log(`${other} came`));
socket.on("said", (other, text) => console.log(`${other}: ${text}`));
socket.on("left", (other) => console.log(`${other} left`));

for await (const line of createInterface({ input: process.stdin })) socket.emit("say", line);
socket.disconnect();
