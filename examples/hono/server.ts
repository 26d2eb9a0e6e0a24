/**
 * Orders in a Hono application, the server: `node examples/hono/server.ts`; `PORT` changes the port. What is posted is told
 * to all who listen, and it is Hono alone that listens for requests:
 *
 * curl -H 'Authorization: Bearer secret' http://localhost:3000/orders --json '{"table":7,"dish":"soup"}'
 */
import { serve } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { Server } from "bothways";
import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import type { Order, ToClient, ToServer } from "./events.ts";

const port = Number(process.env.PORT ?? 3000);
const tokens = new Map([
  ["secret", "the kitchen"],
  ["hidden", "the bar"],
]);
const open = new Set<number>();
let count = 0;

const io = new Server<ToServer, ToClient>({
  // the request is that of the web, as Hono's `c.req.raw`
  authenticateFetch(request) {
    const user = tokens.get(request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "");
    if (user === undefined) throw new Error("who are you?");
    return { user };
  },
});

io.on("connection", (socket) => {
  socket.on("serve", (number) => {
    // the first who says so serves it
    if (open.delete(number)) io.emit("served", number, socket.identity.user);
  });
});

const app = new Hono();
app.all("/bothways/*", (c) => io.fetch(c.req.raw, { address: getConnInfo(c).remote.address ?? "" }));
app.post("/orders", bearerAuth({ token: [...tokens.keys()] }), async (c) => {
  const order = await c.req.json<Order>();
  const number = ++count;
  open.add(number);
  io.emit("ordered", number, order);
  return c.json({ number }, 201);
});

serve({ fetch: app.fetch, port }, () => console.log(`listening on http://localhost:${port}`));
