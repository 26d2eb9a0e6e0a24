/**
 * The application under test, the same for every server, and the answers about its process.
 *
 * What both libraries have in common is described here by shape, so that neither gets code of its own.
 */
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answer, cpuUs } from "../ipc.ts";
import { type EventName, roomsPerFurnish } from "../load/conversation.ts";
import type { Usage } from "../works.ts";

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

export type ServerQuestion = "port" | "usage" | "settled-usage";

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
  const listening = new Promise<number>((resolve) => {
    httpServer.listen(0, "127.0.0.1", () => resolve((httpServer.address() as AddressInfo).port));
  });
  answer((question: ServerQuestion) => (question === "port" ? listening : measureProcess(question)));
}

export async function measureProcess(question: ServerQuestion): Promise<Usage> {
  if (question === "settled-usage") await settle();
  return { cpuUs: cpuUs(), rssBytes: process.memoryUsage.rss() };
}

/**
 * Collects garbage until there is none (what is freed by one collection may free more at the next turn), and has V8
 * close the gaps, so that what is left is what connections hold and not what connecting left behind.
 */
async function settle(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
