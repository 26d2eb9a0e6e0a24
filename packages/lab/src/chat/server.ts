/** The chat's server: its page over HTTP, and its visitors. `visit.ts` is what a connected visitor can do. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Server, type ServerOptions } from "bothways";
import { limits, parseEntry } from "./requests.ts";
import { Robot } from "./robot.ts";
import { MAX_HISTORY_BYTES } from "./room.ts";
import { Rooms } from "./rooms.ts";
import { serveFolder } from "./static-files.ts";
import { type ChatServer, tellRoom, Visit } from "./visit.ts";

const PATH = "/bothways/";

/** `iframe` and `jsonp` are off by default; here every technique can be tried. */
const everyTechnique: ServerOptions["transports"] = [
  "websocket",
  "stream",
  "sse",
  "long-polling",
  "multipart",
  "short-polling",
  "iframe",
  "jsonp",
];

export interface Chat {
  readonly port: number;
  /** Who is connected, and by what. */
  readonly io: ChatServer;
  close(): Promise<void>;
}

/** Starts the chat on `port`, 0 for any free one. */
export async function startChat(port: number): Promise<Chat> {
  const servePage = serveFolder(fileURLToPath(new URL("public/", import.meta.url)), {
    "transports.js": fileURLToPath(import.meta.resolve("bothways/client/transports.min.js")),
  });
  const httpServer = createServer((request, response) => {
    if (!request.url?.startsWith(PATH)) servePage(request, response);
  });
  const io: ChatServer = new Server(httpServer, {
    path: PATH,
    transports: everyTechnique,
    // A cut is noticed within four seconds, so that a visitor need not wait for it. The defaults are calmer.
    pingInterval: 2_000,
    pingTimeout: 2_000,
    resumeWindow: 60_000,
    maxHttpBufferSize: limits.pictureBytes + 64 * 1024,
    // A room's whole history goes out at once when somebody enters; as much again may be said while they are cut off.
    maxBufferedBytes: 2 * MAX_HISTORY_BYTES,
  });
  const rooms = new Rooms();
  const robot = new Robot((room, message) => tellRoom(io, room, message));

  io.use((socket, next) => {
    const entry = parseEntry(socket.handshake.auth);
    if (entry === undefined) return next(new Error("bad-request"));
    socket.data.entry = entry;
    next();
  });
  io.on("connection", (socket) => {
    new Visit(io, rooms, robot, socket);
  });

  await new Promise<void>((resolve, reject) => {
    httpServer.once("error", reject);
    httpServer.listen(port, resolve);
  });
  return {
    port: (httpServer.address() as AddressInfo).port,
    io,
    close: async () => {
      robot.close();
      await io.close();
    },
  };
}
