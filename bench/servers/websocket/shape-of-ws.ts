/** The application as it is written for `ws`, and for ours, which has the same shape. */
import type { AddressInfo } from "node:net";
import { answerRun } from "../process.js";
import { application } from "./application.js";

interface Client {
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): unknown;
  send(data: Buffer, options: { binary: boolean }): unknown;
}

interface WebSocketServer {
  on(event: "connection", listener: (client: Client) => void): unknown;
  once(event: "listening", listener: () => void): unknown;
  address(): AddressInfo | string | null;
}

/** `publish` sends one message to all of its clients. */
export function runApplication(
  server: WebSocketServer,
  publish: (data: Buffer, isBinary: boolean) => void,
): void {
  server.on("connection", (client) => {
    if (application.kind === "broadcast") client.on("message", publish);
    else client.on("message", (data, isBinary) => client.send(data, { binary: isBinary }));
  });
  answerRun(
    new Promise((resolve) => {
      server.once("listening", () => resolve((server.address() as AddressInfo).port));
    }),
  );
}
