/** Who a client is does not last for ever: it is told, shows a fresh token on the transport it has, or is let go. */
import { describe, expect, test } from "vitest";
import { next, nextReason, Rig, type Technique } from "./rig.ts";

const day = 86_400_000;

export function authentication(technique: Technique): void {
  describe("authentication that ends", () => {
    test("with the session, and the client does not come back by itself (option: authenticate)", async () => {
      const rig = await Rig.open(technique, {
        authenticate: () => ({ user: "ada", expiresAt: new Date(Date.now() + 1_000) }),
      });
      const { client, server } = await rig.join("/", { reconnectionDelay: 1 });
      const reasons = [nextReason(server), nextReason(client)];
      expect(await Promise.all(reasons)).toEqual(["unauthorized", "io server disconnect"]);
      expect(client.active).toBe(false);
      expect(client.report().attempts).toMatchObject([
        { code: 4401, reason: "the authentication has ended" },
      ]);
    });

    test("after a warning, unless a fresh token is shown (options: refreshAuth, authWarning)", async () => {
      const shown: unknown[] = [];
      const rig = await Rig.open(technique, {
        authenticate: () => ({ user: "ada", expiresAt: Date.now() + 5_000 }),
        authWarning: 60_000,
        refreshAuth: (token, identity) => {
          shown.push(token, identity);
          return { user: "ada", token, expiresAt: Date.now() + day };
        },
      });
      const client = rig.client();
      const [leftMs] = await next(client, "auth_expiring");
      expect(leftMs).toBeGreaterThan(0);
      expect(leftMs).toBeLessThanOrEqual(5_000);
      const [server] = await rig.io.fetchSockets();
      await client.refreshAuth("fresh");
      expect(shown).toEqual(["fresh", expect.objectContaining({ user: "ada" })]);
      const socket = rig.io.sockets.sockets.get(String(server?.id));
      expect(socket?.identity).toMatchObject({ token: "fresh" });
      expect(socket?.conn.expiresAt).toBeGreaterThan(Date.now() + day / 2);
    });

    test("a token that is no good changes nothing", async () => {
      let judged = (): unknown => {
        throw new Error("bad token");
      };
      const rig = await Rig.open(technique, {
        authenticate: () => ({ user: "ada" }),
        refreshAuth: () => judged(),
      });
      const { client, server } = await rig.join();
      await expect(client.refreshAuth("x")).rejects.toThrow(/BW_UNAUTHORIZED: .*bad token/);
      judged = () => ({ user: "eve" });
      await expect(client.refreshAuth("x")).rejects.toThrow(/BW_IDENTITY/);
      judged = () => ({ user: "ada", expiresAt: 1_700_000_000 });
      await expect(client.refreshAuth("x")).rejects.toThrow(/milliseconds/);
      judged = () => new Promise(() => {});
      const first = client.refreshAuth("x").catch(() => "late");
      await expect(client.refreshAuth("y")).rejects.toThrow(/BW_RATE_LIMIT/);
      expect(server.identity).toEqual({ user: "ada" });
      client.disconnect();
      await first;
    });

    test("where the server takes no tokens it says so", async () => {
      const rig = await Rig.open(technique);
      const { client } = await rig.join();
      await expect(client.refreshAuth("x")).rejects.toThrow(/BW_UNAUTHORIZED/);
    });

    test("middleware that judges tokens says when they end", async () => {
      const rig = await Rig.open(technique, { authWarning: 0 });
      rig.io.use((socket, proceed) => {
        socket.conn.expiresAt = Date.now() + 1_000;
        proceed();
      });
      const { server } = await rig.join();
      expect(await nextReason(server)).toBe("unauthorized");
    });

    test("a time that is none is the application's mistake, and nothing else", async () => {
      const rig = await Rig.open(technique);
      const { client, server } = await rig.join();
      for (const time of [Number.NaN, 0, 1_700_000_000]) {
        expect(() => {
          server.conn.expiresAt = time;
        }).toThrow(/milliseconds/);
      }
      expect(server.conn.expiresAt).toBe(Infinity);
      server.conn.expiresAt = Infinity;
      expect(client.connected).toBe(true);
    });

    test("the warning is no mistake where too much waits to take it, and the end comes in time", async () => {
      let expiresAt = Infinity;
      const rig = await Rig.open(technique, {
        authenticate: () => {
          expiresAt = Date.now() + 1_500;
          return { user: "ada", expiresAt };
        },
        authWarning: 500,
        slowConsumer: "block",
        maxBufferedBytes: 20_000,
        windowBytes: 65_536,
        proxy: { maxBufferedBytes: 1_000 },
      });
      const { server } = await rig.join();
      rig.proxy.stall();
      const fill = (text: string): void => {
        for (;;) server.emit("x", text);
      };
      // to the last byte
      for (const length of [5_000, 0]) expect(() => fill("x".repeat(length))).toThrow(/BW_BACKPRESSURE/);
      expect(await nextReason(server)).toBe("unauthorized");
      // not with the next heartbeat, 25 s later
      expect(Date.now()).toBeLessThan(expiresAt + 10_000);
      expect(rig.errors).toEqual([]);
      rig.proxy.resume();
    });

    test("it is judged anew when the session is resumed, and the newer word counts", async () => {
      let expiresAt = Date.now() + 60_000;
      const rig = await Rig.open(technique, {
        authenticate: () => ({ user: "ada", expiresAt }),
        proxy: true,
      });
      const { client, server } = await rig.join("/", { reconnectionDelay: 1 });
      expiresAt = Date.now() + day;
      rig.proxy.cut();
      await next(client, "connect");
      expect(client.recovered).toBe(true);
      expect(server.conn.expiresAt).toBe(expiresAt);
    });
  });

  describe("authentication that is taken back", () => {
    test("from a user, wherever he is", async () => {
      const rig = await Rig.open(technique, {
        authenticate: ({ url }) => new URL(String(url), "http://host").searchParams.get("user"),
      });
      const ada = await rig.join("/", { query: { user: "ada" } });
      const other = await rig.join("/", { query: { user: "ada" } });
      const bob = await rig.join("/", { query: { user: "bob" } });
      const reasons = [ada, other].map(({ client }) => nextReason(client));
      expect(rig.io.revoke({ user: "ada" })).toBe(2);
      expect(await Promise.all(reasons)).toEqual(Array(2).fill("io server disconnect"));
      expect(ada.client.report().attempts).toMatchObject([{ code: 4401 }]);
      expect(bob.server.connected).toBe(true);
      expect(rig.io.revoke({ user: "nobody" })).toBe(0);
    });

    test("from the session of one socket", async () => {
      const rig = await Rig.open(technique);
      const one = await rig.join();
      const other = await rig.join();
      const reasons = [nextReason(one.server), nextReason(one.client)];
      expect(rig.io.revoke({ socket: one.server.id })).toBe(1);
      expect(await Promise.all(reasons)).toEqual(["unauthorized", "io server disconnect"]);
      expect(other.server.connected).toBe(true);
      expect(rig.io.revoke({ socket: one.server.id })).toBe(0);
    });
  });
}
