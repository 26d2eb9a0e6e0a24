/**
 * Prices that change many times a second, the server: `node examples/prices/server.ts`; `PORT` changes the port.
 *
 * A room for each ticker. A price is volatile: whoever cannot take it at once gets the next one instead, so a slow client
 * is never behind and costs no memory.
 */
import { Server } from "bothways";
import { contract, type Ticker } from "./contract.ts";

const port = Number(process.env.PORT ?? 3000);
const io = new Server(port, { contract });
const latest: Record<Ticker, number> = { ACME: 100, GLOBEX: 250, INITECH: 40 };

io.on("connection", (socket) => {
  socket.on("watch", (ticker) => {
    socket.join(ticker);
    return latest[ticker];
  });
  socket.on("unwatch", (ticker) => socket.leave(ticker));
});

setInterval(() => {
  for (const ticker of Object.keys(latest) as Ticker[]) {
    latest[ticker] = Math.round(latest[ticker] * (99.5 + Math.random())) / 100;
    io.to(ticker).volatile.emit("price", ticker, latest[ticker]);
  }
}, 50);

console.log(`listening on http://localhost:${port}`);
