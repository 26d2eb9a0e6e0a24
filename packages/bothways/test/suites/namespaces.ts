/** Namespaces over one connection, and rooms within them. */
import { describe, expect, test } from "vitest";
import {
  type Client,
  next,
  nextReason,
  Rig,
  type ServerSocket,
  type Technique,
  untilConnected,
} from "./rig.ts";

const shared = { multiplex: true };

export function namespaces(technique: Technique): void {
  describe("namespaces", () => {
    test("several travel in one hello, on one connection (options: client multiplex, client forceNew)", async () => {
      const rig = await Rig.open(technique);
      const names = ["/", "/chat", "/한국", "/a/b"];
      for (const name of names)
        rig.io.of(name).on("connection", (socket) => socket.emit("name", socket.nsp.name));
      const clients = names.map((name) => rig.client(name, { ...shared, auth: { name } }));
      const heard = clients.map((client) => next(client, "name"));
      expect((await Promise.all(heard)).flat()).toEqual(names);
      expect(rig.io.stats().sessions).toBe(1);
      expect(clients[0]?.report()).toMatchObject({ attempts: [{ outcome: "open" }], sent: 0 });
      expect(new Set(clients.map((client) => client.io)).size).toBe(1);
      expect(new Set(clients.map((client) => client.id)).size).toBe(4);
    });

    test("an unknown one is refused, and its neighbours do not mind", async () => {
      const rig = await Rig.open(technique);
      const fine = rig.client("/", shared);
      const unknown = rig.client("/unknown", shared);
      const [[error]] = await Promise.all([next(unknown, "connect_error"), next(fine, "connect")]);
      expect(error).toMatchObject({ message: "Invalid namespace", code: "BW_CONNECT_REFUSED" });
      expect(unknown.active).toBe(false);
      expect(fine.connected).toBe(true);
    });

    test("joining later, leaving one of two, coming back", async () => {
      const rig = await Rig.open(technique);
      rig.io.of("/later");
      const { client, server } = await rig.join("/", shared);
      const first = await rig.join("/later", { ...shared, auth: { n: 1 } });
      expect(first.server.handshake.auth).toEqual({ n: 1 });
      const left = nextReason(first.server);
      first.client.disconnect();
      expect(await left).toBe("client namespace disconnect");
      expect([client.connected, server.connected]).toEqual([true, true]);
      const connection = next<[ServerSocket]>(rig.io.of("/later"), "connection");
      first.client.connect();
      const [second] = await connection;
      expect(second.id).not.toBe(first.server.id);
      server.emit("still");
      await next(client, "still");
      expect(rig.io.stats().sessions).toBe(1);
      expect(client.report().attempts).toHaveLength(1);
    });

    test("middleware guards one of them", async () => {
      const rig = await Rig.open(technique);
      rig.io.of("/guarded").use((socket, proceed) => {
        const isKnown = socket.handshake.auth.key === 1;
        proceed(isKnown ? null : Object.assign(new Error("no"), { data: [Uint8Array.of(1)] }));
      });
      const { client } = await rig.join("/", shared);
      const guarded = rig.client("/guarded", shared);
      const [error] = await next(guarded, "connect_error");
      expect(error).toMatchObject({ message: "no", data: [Uint8Array.of(1)] });
      guarded.auth = { key: 1 };
      guarded.connect();
      await untilConnected(guarded);
      expect(client.connected).toBe(true);
    });

    test("events stay in their namespace", async () => {
      const rig = await Rig.open(technique);
      rig.io.of("/other");
      const one = await rig.join("/", shared);
      const two = await rig.join("/other", shared);
      const heard: string[] = [];
      for (const socket of [one.client, two.client]) {
        socket.onAny((event, value) => heard.push(`${socket.nsp} ${event} ${value}`));
      }
      rig.io.emit("all", 1);
      rig.io.of("/other").emit("all", 2);
      two.server.emit("end", 3);
      await next(two.client, "end");
      expect(heard).toEqual(["/ all 1", "/other all 2", "/other end 3"]);
    });
  });

  describe("rooms", () => {
    test("to, in, except, broadcast", async () => {
      const rig = await Rig.open(technique);
      const [a, b, c] = [await rig.join(), await rig.join(), await rig.join()];
      a.server.join(["red", "both"]);
      b.server.join(["blue", "both"]);
      const heard: Record<string, string[]> = { a: [], b: [], c: [] };
      for (const [name, { client }] of Object.entries({ a, b, c })) {
        client.onAny((event) => heard[name]?.push(event));
      }
      rig.io.emit("all");
      rig.io.to("red").emit("red");
      rig.io.in(["red", "blue"]).emit("once each");
      rig.io.to("both").except("blue").emit("not blue");
      a.server.broadcast.emit("others");
      a.server.to("both").emit("both but me");
      c.server.to(a.server.id).emit("private");
      rig.io.to([]).emit("nobody");
      b.server.leave("blue");
      rig.io.to("blue").emit("gone");
      rig.io.volatile.except("both").emit("maybe");
      const done = Promise.all([a, b, c].map(({ client }) => next(client, "end")));
      rig.io.emit("end");
      await done;
      expect(heard.a).toEqual(["all", "red", "once each", "not blue", "private", "end"]);
      expect(heard.b).toEqual(["all", "once each", "others", "both but me", "end"]);
      expect(heard.c?.filter((event) => event !== "maybe")).toEqual(["all", "others", "end"]);
    });

    test("a broadcast with binary reaches all alike", async () => {
      const rig = await Rig.open(technique);
      const clients: Client[] = [];
      for (let index = 0; index < 5; index++) clients.push((await rig.join()).client);
      const heard = Promise.all(clients.map((client) => next(client, "image")));
      rig.io.emit("image", { bytes: Uint8Array.of(1, 2, 3) });
      rig.io.emit("image", { bytes: Uint8Array.of(4) });
      expect(await heard).toEqual(clients.map(() => [{ bytes: Uint8Array.of(1, 2, 3) }]));
    });
  });
}
