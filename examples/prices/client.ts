/** Prices that change many times a second, the client: `node examples/prices/client.ts URL TICKER…`. */
import { io } from "bothways/client";
import type { Ticker, ToClient, ToServer } from "./contract.ts";

const [url = "http://localhost:3000", ...tickers] = process.argv.slice(2);
const socket = io<ToClient, ToServer>(url);

socket.on("connect", async () => {
  // a session that went on is still in its rooms
  if (socket.recovered) return;
  for (const ticker of tickers as Ticker[]) {
    const outcome = await socket.emitWithAck("watch", ticker).catch((error: Error) => error.message);
    console.log(`watching ${ticker}: ${outcome}`);
  }
});
socket.on("price", (ticker, price) => console.log(`${ticker} ${price}`));
