/**
 * The application under test, the same for every server, and the answers about its process.
 *
 * What both libraries have in common is described here by shape, so that neither gets code of its own.
 */
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type EventName, roomsPerFurnish } from "../load/conversation.ts";
import { answerRun } from "./process.js";

interface ApplicationSocket {
  on(event: EventName, listener: (payload: unknown) => void): unknown;
  emit(event: "echo" | "entered" | "furnished", payload: unknown): unknown;
  join(room: string): unknown;
  leave(room: string): unknown;
}

interface ApplicationServer {
  on(event: "connection", listener: (socket: ApplicationSocket) => void): unknown;
  to(room: string): { emit(event: "shout" | "visit", payload: unknown): unknown };
}

export function runApplication(io: ApplicationServer, httpServer: HttpServer): void {
  io.on("connection", (socket) => {
    socket.on("echo", (payload) => socket.emit("echo", payload));
    socket.on("enter", (payload) => {
      socket.join("room");
      socket.emit("entered", payload);
    });
    socket.on("shout", (payload) => io.to("room").emit("shout", payload));
    let rooms = 0;
    socket.on("furnish", (payload) => {
      for (const end = rooms + roomsPerFurnish; rooms < end; rooms++) socket.join(`other ${rooms}`);
      socket.emit("furnished", payload);
    });
    socket.on("visit", (payload) => {
      socket.join("visited");
      io.to("visited").emit("visit", payload);
      socket.leave("visited");
    });
  });
  answerRun(listen(httpServer));
}

export function listen(server: HttpServer): Promise<number> {
  return new Promise((resolve) => {
    // thousands may connect at once
    const options = { port: 0, host: "127.0.0.1", backlog: 8_192 };
    server.listen(options, () => resolve((server.address() as AddressInfo).port));
  });
}
