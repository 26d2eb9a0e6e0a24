/** Event streams: who may subscribe, what is told, what is sent again. docs/protocol/plain.md §1, §3, §4. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { EventSource } from "eventsource";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { io as connectNative } from "../../src/client/index.node.ts";
import { next } from "../suites/rig.ts";
import { type Place, serve, subscribe } from "./plain-rig.ts";

const allowRoom = (): boolean => true;

async function servePrices(): Promise<Place> {
  const place = await serve({ allowRoom });
  place.io.of("/prices").history({ maxMessages: 5 });
  return place;
}

const wanted = "events?ns=/prices&room=AAPL&room=MSFT";

describe("a subscriber", () => {
  test("is told that it is in, and then what its rooms are told", async () => {
    const { io, url } = await servePrices();
    const prices = io.of("/prices");
    const joined = next<[{ id: string; rooms: Set<string> }]>(prices, "connection");
    const stream = await subscribe(url + wanted);
    const [socket] = await joined;
    expect(await stream.next()).toMatchObject({
      event: "connect",
      data: JSON.stringify([{ sid: socket.id }]),
    });
    expect([...socket.rooms]).toEqual([socket.id, "AAPL", "MSFT"]);
    prices.to("GOOG").emit("tick", 1);
    prices.to("AAPL").emit("tick", 2, { up: true });
    prices.to(["AAPL", "MSFT"]).emit("tick", 3);
    prices.to(socket.id).emit("private", 4);
    prices.emit("all", new Uint8Array([1, 2, 3]));
    const told = [];
    for (let count = 0; count < 4; count++) told.push(await stream.next());
    expect(told.map(({ event, data }) => [event, JSON.parse(data)])).toEqual([
      ["tick", [2, { up: true }]],
      ["tick", [3]],
      ["private", [4]],
      ["all", [{ $binary: "AQID" }]],
    ]);
  });

  test("gets an answer that nobody on the way keeps, changes or guesses at", async () => {
    const { url } = await serve();
    const { status, headers } = await subscribe(`${url}events`);
    expect(status).toBe(200);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
      "x-content-type-options": "nosniff",
    });
    expect(headers.get("content-encoding")).toBeNull();
  });

  test("begins with a time to wait before it comes back", async () => {
    const { url } = await serve();
    const stream = await subscribe(`${url}events`);
    await stream.next();
    expect(stream.text()).toMatch(/^retry: [12]\d{3}\n\n/);
  });

  test("is shown that the server is there (option: pingInterval)", async () => {
    const { url } = await serve({ pingInterval: 30 });
    const stream = await subscribe(`${url}events`);
    await vi.waitFor(() => expect(stream.text()).toMatch(/\n\n:\n\n:\n\n/));
  });

  test("cannot answer, and who asked is told", async () => {
    const { io, url } = await serve();
    const joined = next<[{ emitWithAck(event: string): Promise<unknown> }]>(io, "connection");
    const stream = await subscribe(`${url}events`);
    const [socket] = await joined;
    await expect(socket.emitWithAck("well?")).rejects.toMatchObject({ code: "BW_ACK_REFUSED" });
    await expect(io.emitWithAck("all?")).rejects.toMatchObject({ code: "BW_ACK_REFUSED", responses: [] });
    expect((await stream.next()).event).toBe("connect");
    expect([await stream.next(), await stream.next()].map(({ event }) => event)).toEqual(["well?", "all?"]);
  });

  test("that leaves has left", async () => {
    const { io, url } = await serve();
    const joined = next<[unknown]>(io, "connection");
    const stream = await subscribe(`${url}events`);
    const [socket] = await joined;
    stream.leave();
    expect(await next(socket, "disconnect")).toEqual(["transport close"]);
    expect(io.stats()).toMatchObject({ sessions: 0, connections: 0 });
  });

  test("is told why the server ends it", async () => {
    const { io, url } = await serve();
    const stream = await subscribe(`${url}events`);
    await stream.next();
    io.disconnectSockets();
    expect(await stream.next()).toMatchObject({ event: "disconnect", data: '[4000,"closed"]' });
    await stream.ended;
    const another = await subscribe(`${url}events`);
    await another.next();
    void io.close();
    expect((await another.next()).data).toBe('[4503,"the server is shutting down"]');
    await another.ended;
  });
});

describe("what a subscriber missed", () => {
  test("an EventSource that is cut off hears everything once and in order, of all its rooms", async () => {
    const { io, url } = await servePrices();
    const prices = io.of("/prices");
    const ticks: unknown[] = [];
    const positions: string[] = [];
    const source = new EventSource(url + wanted);
    onTestFinished(() => source.close());
    source.addEventListener("tick", ({ data, lastEventId }) => {
      ticks.push(...JSON.parse(data));
      positions.push(lastEventId);
    });
    await next(prices, "connection");
    prices.to("AAPL").emit("tick", 1);
    await vi.waitFor(() => expect(ticks).toEqual([1]));
    prices.disconnectSockets();
    prices.to("MSFT").emit("tick", 2);
    prices.to(["AAPL", "MSFT"]).emit("tick", 3);
    prices.to("GOOG").emit("tick", "not for it");
    prices.to("AAPL").emit("tick", 4);
    await next(prices, "connection");
    prices.to("MSFT").emit("tick", 5);
    await vi.waitFor(() => expect(ticks).toEqual([1, 2, 3, 4, 5]));
    expect(new Set(positions).size).toBe(5);
    for (const position of positions) expect(position).toMatch(/^[\w.-]{1,64}$/);
  });

  test("who heard nothing yet has a position too", async () => {
    const { io, url } = await servePrices();
    const stream = await subscribe(url + wanted);
    const { id } = await stream.next();
    stream.leave();
    io.of("/prices").to("AAPL").emit("tick", 1);
    const again = await subscribe(url + wanted, { "Last-Event-ID": id });
    expect([await again.next(), await again.next()].map(({ event, id }) => [event, id === ""])).toEqual([
      ["connect", true],
      ["tick", false],
    ]);
  });

  test.each([
    ["more was said than is kept", 6, (id: string) => id],
    ["of another run of the server", 1, () => "another.3"],
    ["made up", 1, () => "x".repeat(5000)],
  ])("a position %s: `gap` comes first", async (_which, count, change) => {
    const { io, url } = await servePrices();
    const stream = await subscribe(url + wanted);
    const { id } = await stream.next();
    for (let tick = 1; tick <= count; tick++) io.of("/prices").to("AAPL").emit("tick", tick);
    const since = change(id);
    const again = await subscribe(url + wanted, { "Last-Event-ID": since });
    const events = [await again.next(), await again.next(), await again.next()];
    expect(events.map(({ event }) => event)).toEqual(["gap", "connect", "tick"]);
    expect(JSON.parse(events[0]?.data ?? "")).toEqual([{ since: since.slice(0, 64) }]);
  });

  test("in a room that keeps nothing is a gap, and so it is without a room", async () => {
    const { io, url } = await serve({ allowRoom });
    io.of("/prices").history({ rooms: "AAPL" });
    const { id } = await (await subscribe(`${url}events?ns=/prices&room=AAPL`)).next();
    for (const query of ["room=AAPL&room=MSFT", "", "room=MSFT"]) {
      const stream = await subscribe(`${url}events?ns=/prices&${query}`, { "Last-Event-ID": id });
      expect((await stream.next()).event).toBe("gap");
    }
    expect((await (await subscribe(`${url}events?ns=/prices`)).next()).id).toBe("");
  });

  test("may be asked for by `since`, and from the beginning", async () => {
    const { io, url } = await servePrices();
    const position = (await (await subscribe(url + wanted)).next()).id;
    io.of("/prices").to("AAPL").emit("tick", 1);
    for (const since of ["", position]) {
      const stream = await subscribe(`${url + wanted}&since=${since}`);
      expect([(await stream.next()).event, (await stream.next()).data]).toEqual(["connect", "[1]"]);
    }
  });

  test("is what was said then, though its values changed since", async () => {
    const { io, url } = await servePrices();
    const value = { price: 1 };
    io.of("/prices").to("AAPL").emit("tick", value);
    value.price = 2;
    const stream = await subscribe(`${url + wanted}&since=`);
    await stream.next();
    expect((await stream.next()).data).toBe('[{"price":1}]');
  });
});

describe("who may subscribe", () => {
  async function refusal(url: string, headers: Record<string, string> = {}): Promise<[number, unknown]> {
    const response = await fetch(url, { headers });
    return [response.status, await response.json()];
  }

  test("a room is nobody's where nothing allows it (option: allowRoom)", async () => {
    const silent = await serve();
    expect(await refusal(`${silent.url}events?room=lobby`)).toMatchObject([403, { code: "BW_ROOM_REFUSED" }]);
    const { io, url } = await serve({
      allowRoom: async (room, socket) => socket.nsp.name === "/prices" && room === socket.identity.room,
      authenticate: () => ({ room: "AAPL" }),
    });
    io.of("/prices");
    expect((await subscribe(`${url}events?ns=/prices&room=AAPL`)).status).toBe(200);
    expect(await refusal(`${url}events?ns=/prices&room=AAPL&room=MSFT`)).toMatchObject([
      403,
      { code: "BW_ROOM_REFUSED" },
    ]);
    expect(await refusal(`${url}events?room=AAPL`)).toMatchObject([403, { code: "BW_ROOM_REFUSED" }]);
    expect(io.stats().sessions).toBe(1);
  });

  test("the room of a single socket is never given away", async () => {
    const { io, url } = await serve({ allowRoom });
    const client = connectNative(url.replace("/bothways/", ""), { forceNew: true });
    onTestFinished(() => void client.disconnect());
    await next(io, "connection");
    expect(await refusal(`${url}events?room=${client.id}`)).toMatchObject([403, { code: "BW_ROOM_REFUSED" }]);
  });

  test("a fault in allowRoom lets nobody in, and is told (option: onError)", async () => {
    const { url, errors } = await serve({
      allowRoom: () => {
        throw new Error("oops");
      },
    });
    expect(await refusal(`${url}events?room=a`)).toMatchObject([500, { code: "BW_INTERNAL" }]);
    expect(errors).toMatchObject([{ message: "oops" }]);
  });

  test("rooms neither too many nor too long (option: maxRoomsPerRequest)", async () => {
    const { url } = await serve({ allowRoom, maxRoomsPerRequest: 2 });
    expect((await subscribe(`${url}events?room=a&room=b&room=a`)).status).toBe(200);
    expect(await refusal(`${url}events?room=a&room=b&room=c`)).toMatchObject([
      429,
      { code: "BW_ROOM_LIMIT" },
    ]);
    expect(await refusal(`${url}events?room=${"x".repeat(256)}`)).toMatchObject([
      400,
      { code: "BW_ROOM_NAME" },
    ]);
  });

  test("who passes the namespace's middleware, which is told the query", async () => {
    const { io, url } = await serve();
    io.of("/guarded").use((socket, next) => {
      if (socket.handshake.query.token === "t") next();
      else next(Object.assign(new Error("not you"), { data: { hint: 1 } }));
    });
    expect((await subscribe(`${url}events?ns=guarded&token=t`)).status).toBe(200);
    expect(await refusal(`${url}events?ns=guarded`)).toEqual([
      403,
      { code: "BW_CONNECT_REFUSED", message: "not you" },
    ]);
    expect(await refusal(`${url}events?ns=/none`)).toMatchObject([403, { message: "Invalid namespace" }]);
  });

  test("who is authenticated, as long as that holds", async () => {
    const { io, url } = await serve({
      authenticate: ({ headers }) => {
        if (headers.authorization === undefined) throw new Error("who are you?");
        return {
          user: headers.authorization,
          // long enough to come in on a slow machine
          expiresAt: Date.now() + (headers.authorization === "short" ? 1_500 : 600_000),
        };
      },
      authWarning: 60_000,
    });
    expect(await refusal(`${url}events`)).toEqual([
      401,
      { code: "BW_UNAUTHORIZED", message: "who are you?" },
    ]);
    const short = await subscribe(`${url}events`, { authorization: "short" });
    expect((await short.next()).event).toBe("connect");
    expect((await short.next()).event).toBe("auth_expiring");
    expect(await short.next()).toMatchObject({
      event: "disconnect",
      data: '[4401,"the authentication has ended"]',
    });
    const ada = await subscribe(`${url}events`, { authorization: "ada" });
    await ada.next();
    expect(io.revoke({ user: "ada" })).toBe(1);
    expect((await ada.next()).data).toContain("4401");
  });

  test("pages of the server's own origin, and those that may (option: origins)", async () => {
    const { url, port } = await serve({ origins: ["https://friend.example"] });
    const own = `http://127.0.0.1:${port}`;
    const stream = await subscribe(`${url}events`, { Origin: "https://friend.example" });
    expect(stream.headers.get("access-control-allow-origin")).toBe("https://friend.example");
    expect((await subscribe(`${url}events`, { Origin: own })).status).toBe(200);
    for (const headers of [
      { Origin: "https://friend.example.evil" },
      { Origin: "null" },
      { "Sec-Fetch-Site": "cross-site" },
      { Cookie: "a=b" },
    ]) {
      expect(await refusal(`${url}events`, headers as never)).toMatchObject([403, { code: "BW_ORIGIN" }]);
    }
  });

  test("by GET", async () => {
    const { url } = await serve();
    const response = await fetch(`${url}events`, { method: "POST", body: "x" });
    expect([response.status, await response.json()]).toMatchObject([405, { code: "BW_METHOD" }]);
  });

  test("where plain clients are spoken to (option: dialects)", async () => {
    const { url } = await serve({ dialects: [] });
    expect((await fetch(`${url}events`)).status).toBe(418);
    const socket = new WebSocket(url.replace("http", "ws"));
    await once(socket, "error");
  });
});

describe("a subscriber that does not read", () => {
  /** Sends the request, and never reads a byte of the answer. */
  async function stall({ io, port }: Place): Promise<{ id: string; conn: { bufferedBytes: number } }> {
    const tcp = connectTcp({ port, host: "127.0.0.1" });
    onTestFinished(() => void tcp.destroy());
    tcp.on("error", () => {});
    tcp.pause();
    tcp.write("GET /bothways/events HTTP/1.1\r\nHost: x\r\n\r\n");
    const [socket] = await next<[{ id: string; conn: { bufferedBytes: number } }]>(io, "connection");
    return socket;
  }

  test("is ended at its limit, and nobody else notices (option: maxBufferedBytes)", async () => {
    const place = await serve({ maxBufferedBytes: 100_000 });
    const socket = await stall(place);
    const gone = next(socket, "disconnect");
    const reader = await subscribe(`${place.url}events`);
    await reader.next();
    const block = "x".repeat(50_000);
    let [sent, isGone] = [0, false];
    void gone.then(() => (isGone = true));
    while (!isGone) {
      place.io.emit("block", ++sent, block);
      expect(JSON.parse((await reader.next()).data)[0]).toBe(sent);
      // the kernel holds some MiB on either side before anything waits here
      expect(sent).toBeLessThan(1000);
    }
    expect(await gone).toEqual(["slow consumer"]);
    await vi.waitFor(() =>
      expect(place.io.stats()).toMatchObject({ sessions: 1, openRequests: 1, bufferedBytes: 4096 }),
    );
  });

  test("is cut off after a time, however little waits (option: writeTimeout)", async () => {
    const place = await serve({
      writeTimeout: 50,
      maxBufferedBytes: 50_000_000,
      maxClientBytes: 100_000_000,
    });
    const socket = await stall(place);
    const gone = next(socket, "disconnect");
    place.io.emit("block", "x".repeat(20_000_000));
    expect(await gone).toEqual(["slow consumer"]);
  });
});

test("curl -N, if there is one: apt-get install curl", async () => {
  const { io, url } = await servePrices();
  const curl = spawn("curl", ["--silent", "--show-error", "--no-buffer", url + wanted]);
  onTestFinished(() => void curl.kill());
  curl.on("error", (error) => {
    throw new Error("curl is needed for this test: apt-get install curl", { cause: error });
  });
  let printed = "";
  curl.stdout.on("data", (data) => {
    printed += data;
  });
  await next(io.of("/prices"), "connection");
  io.of("/prices").to("AAPL").emit("tick", 187.5, "up");
  await vi.waitFor(() => expect(printed).toMatch(/\nevent: tick\nid: \S+\ndata: \[187\.5,"up"\]\n\n$/));
});
