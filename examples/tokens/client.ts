/** Streams the tokens of a model, the client: `node examples/tokens/client.ts PROMPT [URL]` prints the answer as it comes. */
import { randomUUID } from "node:crypto";
import { io } from "bothways/client";
import type { ToClient, ToServer } from "./contract.ts";

const [prompt = "everything", url = "http://localhost:3000"] = process.argv.slice(2);
const socket = io<ToClient, ToServer>(url, { reconnectionDelay: 100 });
const id = randomUUID();
let received = 0;

socket.on("connect", () => {
  // where the session went on, what was missed follows by itself
  if (!socket.recovered) socket.emit("answer", { id, prompt, from: received });
});
socket.on("token", (index, text) => {
  if (index !== received) return;
  received += 1;
  process.stdout.write(text);
});
socket.on("done", () => socket.disconnect());
