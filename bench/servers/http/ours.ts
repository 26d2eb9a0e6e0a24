/** The application on our server, of whichever build. */
import { runTeller, tellWith } from "./application.ts";

export function runOurs({ Server }: typeof import("bothways")): void {
  runTeller((httpServer) =>
    tellWith(new Server(httpServer, { dialects: ["plain"], allowRoom: (room) => room === "room" })),
  );
}
