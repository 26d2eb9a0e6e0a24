/** How conversations begin and end, and what each side is told. */
import { describe, expect, test } from "vitest";
import { next, nextReason, Rig, type ServerSocket, type Technique, untilConnected } from "./rig.ts";

export function lifecycle(technique: Technique): void {
  describe("connecting", () => {
    test("both sides know each other", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join();
      expect(client).toMatchObject({ connected: true, active: true, disconnected: false, recovered: false });
      expect(server).toMatchObject({ connected: true, recovered: false, id: client.id });
      expect(client.id).toMatch(/^[\w-]{20}$/);
      expect(server.conn.transport.name).toBe(technique.name);
      expect(client.io.transport).toBe(technique.name);
      expect(rig.io.stats().sessions).toBe(1);
    });

    test("the handshake tells who came (options: client query, client extraHeaders)", async () => {
      const rig = await Rig.open(technique);
      const before = Date.now();
      const { server } = await rig.join("/", {
        query: { room: "blue", "a b": "ü" },
        auth: { token: "secret" },
        extraHeaders: { "X-Seen": "yes" },
      });
      const { handshake } = server;
      expect(handshake.auth).toEqual({ token: "secret" });
      expect({ ...handshake.query }).toEqual({ room: "blue", "a b": "ü" });
      expect(handshake).toMatchObject({ address: "127.0.0.1", secure: false, xdomain: false });
      expect(handshake.headers.host).toBe(`127.0.0.1:${rig.port}`);
      if (technique.platform === "Node") expect(handshake.headers["x-seen"]).toBe("yes");
      expect(handshake.issued).toBeGreaterThanOrEqual(before);
      expect(new Date(handshake.time).getTime()).toBeLessThanOrEqual(Date.now());
      expect(handshake.url).toBe("/bothways/?room=blue&a+b=%C3%BC");
    });

    test("auth comes from a function, asked anew for each session (option: client auth)", async () => {
      const rig = await Rig.open(technique);
      let count = 0;
      const auth = (callback: (auth: { count: number }) => void): void => {
        setImmediate(() => callback({ count: ++count }));
      };
      const { client, server } = await rig.join("/", { auth });
      expect(server.handshake.auth).toEqual({ count: 1 });
      client.disconnect();
      const again = next<[ServerSocket]>(rig.io.sockets, "connection");
      client.connect();
      expect((await again)[0].handshake.auth).toEqual({ count: 2 });
      expect(client.report().attempts).toHaveLength(2);
    });

    test("middleware refuses with data; the client may come again", async () => {
      const rig = await Rig.open(technique);
      rig.io.use((socket, proceed) => {
        socket.data.user = socket.handshake.auth.user;
        proceed(socket.data.user ? null : Object.assign(new Error("who?"), { data: { hint: "user" } }));
      });
      const client = rig.client();
      const [error] = await next(client, "connect_error");
      expect(error).toMatchObject({ message: "who?", code: "BW_CONNECT_REFUSED", data: { hint: "user" } });
      expect(client).toMatchObject({ active: false, connected: false });
      client.auth = { user: "ann" };
      const connection = next<[ServerSocket]>(rig.io.sockets, "connection");
      client.connect();
      expect((await connection)[0].data).toEqual({ user: "ann" });
    });

    test("asynchronous middleware is waited for", async () => {
      const rig = await Rig.open(technique);
      rig.io.use(async (socket) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        socket.data.late = true;
      });
      const { server } = await rig.join();
      expect(server.data).toEqual({ late: true });
    });
  });

  describe("disconnecting", () => {
    test("the client leaves", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join();
      const reason = nextReason(client);
      const disconnecting = new Promise((resolve) => {
        server.on("disconnecting", (why) => resolve([why, server.rooms.has(server.id)]));
      });
      const left = nextReason(server);
      expect(client.disconnect()).toBe(client);
      expect(client).toMatchObject({ connected: false, active: false, id: undefined });
      expect(await reason).toBe("io client disconnect");
      expect(await disconnecting).toEqual(["client namespace disconnect", true]);
      expect(await left).toBe("client namespace disconnect");
      expect(server.connected).toBe(false);
    });

    test("what was emitted just before leaving arrives", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join();
      const farewell = next(server, "farewell");
      client.emit("farewell", 1);
      client.disconnect();
      expect(await farewell).toEqual([1]);
    });

    test("the server makes a client leave a namespace", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join();
      const reason = nextReason(client);
      const left = nextReason(server);
      server.emit("last", "words");
      const last = next(client, "last");
      server.disconnect();
      expect(await left).toBe("server namespace disconnect");
      expect(await last).toEqual(["words"]);
      expect(await reason).toBe("io server disconnect");
      expect(client).toMatchObject({ active: false, connected: false });
    });

    test("the server ends the session and with it all namespaces", async () => {
      const rig = await Rig.open(technique);
      const nsp = rig.io.of("/other");
      const other = next<[ServerSocket]>(nsp, "connection");
      const { client, server } = await rig.join("/", { multiplex: true });
      const second = rig.client("/other", { multiplex: true });
      const [secondServer] = await other;
      await untilConnected(second);
      const reasons = Promise.all([client, second, server, secondServer].map(nextReason));
      server.disconnect(true);
      expect(await reasons).toEqual([
        "io server disconnect",
        "io server disconnect",
        "server namespace disconnect",
        "server namespace disconnect",
      ]);
      expect([client.active, second.active]).toEqual([false, false]);
    });

    test("io.close() ends all, soon, and clients mean to come back", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join("/", { reconnectionDelay: 20_000 });
      const reasons = Promise.all([nextReason(client), nextReason(server)]);
      const startedAt = performance.now();
      await rig.io.close();
      // sooner than any timeout of ours would end it, and later than a slow machine needs
      expect(performance.now() - startedAt).toBeLessThan(8_000);
      expect(await reasons).toEqual(["transport close", "server shutting down"]);
      expect(client.active).toBe(true);
    });

    test("a client that does not come back is gone when its time is over", async () => {
      const rig = await Rig.open(technique, {
        proxy: true,
        resumeWindow: 100,
        pingInterval: 300,
        pingTimeout: 300,
      });
      const { client, server } = await rig.join("/", { reconnection: false });
      const events: string[] = [];
      server.on("away", () => events.push("away"));
      server.on("disconnecting", () => events.push("disconnecting"));
      const left = nextReason(server);
      const reason = nextReason(client);
      rig.proxy.cut();
      expect(await reason).toBe("transport close");
      // a poll that breaks off says nothing of the link: silence does
      expect(await left).toBe(technique.name === "websocket" ? "transport close" : "ping timeout");
      expect(events).toEqual(["away", "disconnecting"]);
    });

    test("silence is noticed on both sides (options: pingInterval, pingTimeout)", async () => {
      const rig = await Rig.open(technique, {
        proxy: true,
        resumeWindow: 100,
        pingInterval: 100,
        pingTimeout: 100,
      });
      const { client, server } = await rig.join("/", { reconnection: false });
      const reasons = Promise.all([nextReason(client), nextReason(server)]);
      rig.proxy.halfOpen();
      expect(await reasons).toEqual(["ping timeout", "ping timeout"]);
    });
  });

  describe("coming back by hand", () => {
    test("connect() in a handler, just after disconnect()", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join();
      const reasons: unknown[] = [];
      client.on("disconnect", (reason) => reasons.push(reason));
      client.on("refresh", () => client.disconnect().connect());
      const connection = next<[ServerSocket]>(rig.io.sockets, "connection");
      server.emit("refresh");
      const [second] = await connection;
      await untilConnected(client);
      expect(client.id).toBe(second.id);
      expect(second.id).not.toBe(server.id);
      expect(reasons).toEqual(["io client disconnect"]);
    });

    test("connect() where reconnection is off", async () => {
      const rig = await Rig.open(technique, { proxy: true });
      const { client, server } = await rig.join("/", { reconnection: false });
      const reason = nextReason(client);
      rig.proxy.cut();
      await reason;
      const connected = next(client, "connect");
      client.connect();
      await connected;
      expect(client).toMatchObject({ recovered: true, id: server.id });
    });
  });
}
