import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
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

test("a page is watched until that is ended", () => {
  const page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("document", { hidden: false });
  onTestFinished(() => void vi.unstubAllGlobals());
  const seen: string[] = [];
  const stop = platform.watch(
    (isNetworkNew) => seen.push(`woke ${isNetworkNew}`),
    (isKept) => seen.push(`left ${isKept}`),
  );
  const all = [
    "online",
    "pageshow",
    "visibilitychange",
    Object.assign(new Event("pagehide"), { persisted: true }),
  ];
  const dispatch = (): void => {
    for (const event of all) page.dispatchEvent(typeof event === "string" ? new Event(event) : event);
  };
  dispatch();
  expect(seen).toEqual(["woke true", "woke false", "woke false", "left true"]);
  stop();
  dispatch();
  expect(seen).toHaveLength(4);
});
