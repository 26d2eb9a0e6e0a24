/**
 * Takes files, the server: `node examples/upload/server.ts`; `PORT` changes the port. It prints what it got, and keeps none.
 *
 * An ack says that a part is on the disk, so a client that awaits its acks is never faster than the disk.
 */
import { Server } from "bothways";
import { contract, PART_BYTES } from "./contract.ts";
import { ReceivedFile } from "./received-file.ts";

const port = Number(process.env.PORT ?? 3000);
const io = new Server(port, { contract });

io.on("connection", (socket) => {
  let file: ReceivedFile | undefined;
  const finish = async (): Promise<void> => {
    const over = file;
    file = undefined;
    await over?.remove();
  };

  socket.on("begin", async (size) => {
    await finish();
    file = await ReceivedFile.create(size);
    if (socket.disconnected) await finish();
    return PART_BYTES;
  });
  socket.on("part", async (offset, bytes) => {
    await file?.write(offset, bytes);
    return bytes.length;
  });
  socket.on("end", async () => {
    const digest = (await file?.digest()) ?? "no file";
    await finish();
    console.log(`got ${digest}`);
    return digest;
  });
  socket.on("disconnect", finish);
});

console.log(`listening on http://localhost:${port}`);
