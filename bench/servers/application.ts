/**
 * The application under test, the same for every server, and the answers about its process.
 *
 * What both libraries have in common is described here by shape, so that neither gets code of its own.
 */
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { answer, cpuUs } from "../ipc.ts";
import type { Usage } from "../works.ts";

interface ApplicationSocket {
  on(event: "echo" | "enter" | "shout", listener: (payload: unknown) => void): unknown;
  emit(event: "echo" | "entered", payload: unknown): unknown;
  join(room: string): unknown;
}

interface ApplicationServer {
  on(event: "connection", listener: (socket: ApplicationSocket) => void): unknown;
  to(room: string): { emit(event: "shout", payload: unknown): unknown };
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
  });
  const listening = new Promise<number>((resolve) => {
    httpServer.listen(0, "127.0.0.1", () => resolve((httpServer.address() as AddressInfo).port));
  });
  answer((question: ServerQuestion) => (question === "port" ? listening : measure(question)));
}

async function measure(question: ServerQuestion): Promise<Usage> {
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
