/** What survives when the network or the server does not. */
import { describe, expect, test } from "vitest";
import type { Welcome } from "../../src/model/frame.ts";
import type { ClientTransport } from "../../src/model/transport.ts";
import {
  type Client,
  next,
  nextReason,
  Rig,
  type ServerSocket,
  type Technique,
  untilConnected,
} from "./rig.ts";

/** Both sides count up; what each hears must be 0, 1, 2 … without a hole. */
export function countBothWays(
  client: Client,
  server: ServerSocket,
): { up: number; down: number; bad: string[] } {
  const heard = { up: 0, down: 0, bad: [] as string[] };
  server.on("n", (number: number) => {
    if (number !== heard.up++) heard.bad.push(`up ${number}`);
  });
  client.on("n", (number: number) => {
    if (number !== heard.down++) heard.bad.push(`down ${number}`);
  });
  return heard;
}

export function recovery(technique: Technique): void {
  describe("a cut in the middle of a conversation", () => {
    test("the session goes on, and nothing is lost", async () => {
      const rig = await Rig.open(technique, { proxy: { latencyMs: 2 } });
      const { client, server } = await rig.join();
      const heard = countBothWays(client, server);
      const events: string[] = [];
      client.on("connect", () => events.push(`connect ${client.recovered}`));
      client.on("disconnect", (reason) => events.push(reason));
      client.on("gap", () => events.push("gap"));
      server.on("disconnect", () => events.push("server disconnect"));
      server.join("room");
      server.data.kept = true;
      const { id } = client;
      const strike = rig.proxy.cutOnNext({ direction: "up", minBytes: 200 });
      for (let number = 0; number < 300; number++) {
        client.emit("n", number, Uint8Array.of(number & 255));
        server.emit("n", number, "text");
        if (number % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      expect((await strike).bytesInFlightUp).toBeGreaterThan(0);
      await expect.poll(() => heard).toEqual({ up: 300, down: 300, bad: [] });
      expect(events).toEqual(["transport close", "connect true"]);
      expect(client.id).toBe(id);
      expect([server.data, server.rooms.has("room")]).toEqual([{ kept: true }, true]);
      expect(client.report().replayed).toBeGreaterThan(0);
    });

    test("a message that takes longer to cross than the heartbeat arrives, whoever sends it", async () => {
      const rig = await Rig.open(technique, {
        proxy: { bytesPerSecond: 45_000 },
        pingInterval: 250,
        pingTimeout: 250,
      });
      const { client, server } = await rig.join("/", { reconnectionDelay: 10 });
      const reasons: string[] = [];
      client.on("disconnect", (reason) => reasons.push(reason));
      const large = "l".repeat(35_000);
      const heard: unknown[] = [];
      client.on("large", (text) => heard.push(text === large));
      server.on("large", (text) => heard.push(text === large));
      server.emit("large", large);
      await expect.poll(() => heard).toEqual([true]);
      client.emit("large", large);
      await expect.poll(() => heard).toEqual([true, true]);
      expect(reasons).toContain("ping timeout");
      // on such a link the goodbye may come too late
      rig.proxy.reshape({ bytesPerSecond: Number.POSITIVE_INFINITY });
      server.on("still there", () => true);
      expect(await client.emitWithAck("still there")).toBe(true);
    });

    test("emits while away wait, on both sides; the server is told", async () => {
      const rig = await Rig.open(technique, { proxy: true, pingInterval: 200, pingTimeout: 200 });
      const { client, server } = await rig.join();
      const heard = countBothWays(client, server);
      client.on("ask", () => "answered");
      const away = Promise.all([next(server, "away"), nextReason(client)]);
      const back = next(server, "back");
      // nobody comes back before the server has noticed
      rig.proxy.admit("refuse");
      rig.proxy.cut();
      await away;
      expect(server.connected).toBe(true);
      expect(server.conn.transport.name).toBe("");
      server.emit("n", 0);
      client.emit("n", 0);
      client.volatile.emit("n", 99);
      const answer = server.emitWithAck("ask");
      rig.proxy.admit("pass");
      await back;
      expect(await answer).toBe("answered");
      await expect.poll(() => heard).toEqual({ up: 1, down: 1, bad: [] });
      expect(client.recovered).toBe(true);
    });

    test("an answer under way is not lost", async () => {
      const rig = await Rig.open(technique, { proxy: true });
      const { client, server } = await rig.join();
      server.on("slow", async (value: number) => {
        rig.proxy.cut();
        return value * 2;
      });
      expect(await client.emitWithAck("slow", 21)).toBe(42);
    });

    test("joining a namespace while away", async () => {
      const rig = await Rig.open(technique, { proxy: true });
      rig.io.of("/later");
      const { client } = await rig.join("/", { multiplex: true });
      const reason = nextReason(client);
      rig.proxy.cut();
      await reason;
      const later = rig.client("/later", { multiplex: true, auth: { late: true } });
      const connection = next<[ServerSocket]>(rig.io.of("/later"), "connection");
      await Promise.all([untilConnected(later), untilConnected(client)]);
      expect((await connection)[0].handshake.auth).toEqual({ late: true });
      expect(client.recovered).toBe(true);
      expect(later.recovered).toBe(false);
    });
  });

  describe("the server begins anew on the same port", () => {
    test("the client learns what it missed, and says what it had not said", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join("/", { reconnectionDelay: 200, auth: { who: "me" } });
      server.on("asked", (_answer: () => void) => {});
      server.on("said", (number: number) => number);
      expect(await client.emitWithAck("said", 1)).toBe(1);
      const unanswered = expect(client.emitWithAck("asked")).rejects.toMatchObject({
        code: "BW_DISCONNECTED",
      });
      const events: unknown[] = [];
      client.on("gap", (gap) => events.push(gap.reason));
      client.on("connect", () => events.push(client.recovered));
      const reason = nextReason(client);
      const heard: unknown[] = [];
      const again = rig.restart((io) => {
        io.on("connection", (socket) => {
          heard.push(socket.handshake.auth.who);
          socket.onAny((...args) => heard.push(args.slice(0, 2)));
          socket.on("waited", (value: number) => value + 1);
        });
      });
      expect(await reason).toBe("transport close");
      client.emit("unsent", 1);
      const waited = client.emitWithAck("waited", 2);
      client.emit("unsent", 3);
      await again;
      expect(await waited).toBe(3);
      await unanswered;
      expect(events).toEqual(["server-lost", false]);
      await expect.poll(() => heard).toEqual(["me", ["unsent", 1], ["waited", 2], ["unsent", 3]]);
      expect(client.id).not.toBe(server.id);
    });

    test("all namespaces come back", async () => {
      const rig = await Rig.open(technique);
      rig.io.of("/a");
      const one = await rig.join("/", { multiplex: true });
      const two = await rig.join("/a", { multiplex: true });
      const connected = Promise.all([next(one.client, "connect"), next(two.client, "connect")]);
      await rig.restart((io) => {
        io.of("/a").on("connection", (socket) => socket.emit("hello", socket.nsp.name));
      });
      const hello = next(two.client, "hello");
      await connected;
      expect(await hello).toEqual(["/a"]);
      expect(rig.io.stats().sessions).toBe(1);
    });
  });

  test("a session that has expired is a gap too (option: resumeWindow)", async () => {
    const rig = await Rig.open(technique, {
      proxy: true,
      resumeWindow: 50,
      pingInterval: 200,
      pingTimeout: 200,
    });
    const { client, server } = await rig.join();
    const gap = next(client, "gap");
    const left = Promise.all([next(server, "disconnect"), nextReason(client)]);
    // nobody comes back before it is too late
    rig.proxy.admit("refuse");
    rig.proxy.cut();
    await left;
    client.emit("n", 1);
    const heard = new Promise((resolve) => {
      rig.io.on("connection", (socket) => socket.on("n", resolve));
    });
    rig.proxy.admit("pass");
    expect(await gap).toEqual([{ from: expect.any(Number), to: undefined, reason: "expired" }]);
    await untilConnected(client);
    expect(client.recovered).toBe(false);
    expect(await heard).toBe(1);
  });

  test("who shows the secret has the session; the other one does not fight for it", async () => {
    const rig = await Rig.open(technique);
    let welcome: Welcome | undefined;
    const { client, server } = await rig.join("/", {
      transports: [
        tapped(technique.create(), (frame) => {
          welcome ??= JSON.parse(frame.slice(1));
        }),
      ],
    });
    const { sid, secret } = welcome ?? {};
    const hello = {
      version: 1,
      attempt: "thief".padEnd(22, "-"),
      generation: 9,
      received: 0,
      join: [],
      sid,
      secret,
    };
    const reason = nextReason(client);
    const answer = await new Promise((resolve) => {
      const request = { url: `${rig.url}/bothways/`, maxMessageBytes: 1_000_000 };
      technique.create().open(request, `h${JSON.stringify({ ...hello, credit: [100, 100_000] })}`, {
        receive: resolve,
        received() {},
        writable() {},
        blocked() {},
        position: () => "a0,100,100000",
        lost() {},
      });
    });
    expect(answer).toContain(`"sid":"${sid}"`);
    expect(await reason).toBe("taken over");
    expect(client.active).toBe(false);
    expect(server.connected).toBe(true);
    server.disconnect(true);
  });
}

/** A transport whose welcomes are listened to. */
function tapped(transport: ClientTransport, listen: (welcome: string) => void): ClientTransport {
  return {
    name: transport.name,
    open: (request, hello, handler) =>
      transport.open(request, hello, {
        ...handler,
        receive(data) {
          if (typeof data === "string" && data[0] === "w") listen(data);
          handler.receive(data);
        },
      }),
  };
}
