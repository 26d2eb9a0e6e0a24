import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { platform } from "../../src/client/platform.ts";

test("after a stall, what the kernel holds is read before a timer is called", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[peer]] = await Promise.all([accepted, once(socket, "connect")]);
  const order: string[] = [];
  const data = once(socket, "data").then(() => order.push("data"));
  const timer = new Promise<void>((resolve) => {
    platform.setTimer(() => {
      order.push("timer");
      resolve();
    }, 5);
  });
  peer.write("x");
  const stalledUntil = performance.now() + 50;
  while (performance.now() < stalledUntil);
  await Promise.all([data, timer]);
  expect(order).toEqual(["data", "timer"]);
  socket.destroy();
  server.close();
});
