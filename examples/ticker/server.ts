/**
 * Prices for pages without a library, the server: `node examples/ticker/server.ts`; `PORT` changes the port, `KEY` the key
 * of those who publish. Open the page, then publish from another terminal:
 *
 * curl -H 'Authorization: Bearer secret' http://localhost:3000/bothways/emit \
 *   --json '{"namespace":"/prices","rooms":["ACME"],"event":"price","args":["ACME",101]}'
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Server } from "bothways";

const port = Number(process.env.PORT ?? 3000);
const page = readFileSync(new URL("page.html", import.meta.url));

const httpServer = createServer((_request, response) =>
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page),
);
const io = new Server(httpServer, {
  dialects: ["plain"],
  allowRoom: (room, socket) => socket.nsp.name === "/prices" && /^[A-Z]{1,8}$/.test(room),
  publishKeys: [process.env.KEY ?? "secret"],
});
// who was cut off is told what it missed, of the last minute
io.of("/prices").history({ maxMessages: 100, maxAgeMs: 60_000 });

httpServer.listen(port, () => console.log(`listening on http://localhost:${port}`));
