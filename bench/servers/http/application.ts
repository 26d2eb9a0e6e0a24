/**
 * What every server of events over HTTP does: it tells each of its clients an event of its own, or all of them one event,
 * whenever the load generator asks for it, which it does beside the library: one request for a whole round.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { listen } from "../application.ts";
import { answerRun } from "../process.js";

/** The load generator counts this character: it stands in each event once and nowhere else in what a server sends. */
export const mark = "^";
export const eventName = "tell";
export const payload = { id: 7, text: `hello from the other side${mark}` };

/** `/tell/<each or all>/<times>` */
const tellPath = /^\/tell\/(each|all)\/(\d+)$/;

export interface Teller {
  /** Tells each client an event of its own. */
  each(): void;
  /** Tells all of them one. */
  all(): void;
}

/** `prepare` puts the library on the server; `serve` takes the requests that are none of it, where there are any. */
export function runTeller(prepare: (httpServer: Server) => Teller, serve: RequestListener = refuse): void {
  const httpServer = createServer((request, response) => {
    const [, whom, times] = tellPath.exec(request.url ?? "") ?? [];
    if (whom === undefined) return serve(request, response);
    for (let left = Number(times); left > 0; left--)
      if (whom === "all") teller.all();
      else teller.each();
    response.writeHead(200, { "Content-Length": 0 }).end();
  });
  const teller = prepare(httpServer);
  answerRun(listen(httpServer));
}

function refuse(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404).end();
}

interface ApplicationSocket {
  on(event: "disconnect", listener: () => void): unknown;
  on(event: "up", listener: (payload: unknown) => void): unknown;
  emit(event: typeof eventName, payload: unknown): unknown;
  join(room: string): unknown;
}

interface ApplicationServer {
  on(event: "connection", listener: (socket: ApplicationSocket) => void): unknown;
  to(room: string): { emit(event: typeof eventName, payload: unknown): unknown };
}

/** The application as it is written for Socket.IO, and for ours, which has the same shape. */
export function tellWith(io: ApplicationServer): Teller {
  const sockets = new Set<ApplicationSocket>();
  let heard = 0;
  io.on("connection", (socket) => {
    sockets.add(socket);
    socket.join("room");
    socket.on("disconnect", () => sockets.delete(socket));
    socket.on("up", () => heard++);
  });
  return {
    each() {
      for (const socket of sockets) socket.emit(eventName, payload);
    },
    all: () => io.to("room").emit(eventName, payload),
  };
}
