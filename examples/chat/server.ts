/** A chat for terminals, the server: `node examples/chat/server.ts`; `PORT` changes the port. */
import { Server } from "bothways";
import { contract } from "./contract.ts";

const port = Number(process.env.PORT ?? 3000);
const io = new Server(port, { contract });
const people = new Map<string, string>();

io.on("connection", (socket) => {
  socket.on("enter", (name) => {
    people.set(socket.id, name);
    socket.broadcast.emit("entered", name);
    return [...people.values()];
  });
  socket.on("say", (text) => {
    const name = people.get(socket.id);
    if (name !== undefined) socket.broadcast.emit("said", name, text);
  });
  socket.on("disconnect", () => {
    const name = people.get(socket.id);
    people.delete(socket.id);
    if (name !== undefined) io.emit("left", name);
  });
});

console.log(`listening on http://localhost:${port}`);
