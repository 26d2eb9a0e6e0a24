/** docs/protocol/bothways-1.md, "Attaching", as the client does it: which transport is tried when, and what ends it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hedged, inTurn } from "../../src/client/chooser.ts";
import { connect } from "../../src/client/io.ts";
import type { CoreOptions } from "../../src/client/options.ts";
import type { Socket } from "../../src/client/socket.ts";
import { createTransports, FakePlatform } from "./fake-world.ts";

let count = 0;

interface World {
  readonly platform: FakePlatform;
  readonly links: ReturnType<typeof createTransports>["links"];
  /** `name at time` of each attempt. */
  dialed(): string[];
  make(namespace: string, options?: Partial<CoreOptions>): Socket;
  /** Makes one, and lets this turn end. */
  open(namespace?: string, options?: Partial<CoreOptions>): Socket;
}

/** A server of its own: what worked with one is remembered. */
function createWorld(names: readonly string[] = ["a", "b", "c"], shared: Partial<CoreOptions> = {}): World {
  const platform = new FakePlatform();
  const { transports, links } = createTransports(platform, names);
  const origin = `http://host-${++count}`;
  return {
    platform,
    links,
    dialed: () => links.map(({ name, startedAt }) => `${name} ${startedAt}`),
    make: (namespace, options) =>
      connect(origin + namespace, { transports, ...shared, ...options }, platform, hedged),
    open(namespace = "/", options = {}) {
      const socket = this.make(namespace, options);
      platform.settle();
      return socket;
    },
  };
}

/** The n-th attempt. */
function link({ links }: World, index: number): (typeof links)[number] {
  const found = links.at(index);
  if (!found) throw new Error(`no attempt ${index} of ${links.length}`);
  return found;
}

/** Names of the socket's own events, as they come. */
function record(socket: Socket): string[] {
  const events: string[] = [];
  socket.on("connect", () => events.push(socket.recovered ? "recovered" : "connect"));
  socket.on("disconnect", (reason) => events.push(`disconnect: ${reason}`));
  socket.on("connect_error", ({ message }) => events.push(`error: ${message}`));
  socket.on("gap", ({ reason }) => events.push(`gap: ${reason}`));
  return events;
}

describe("a round of attempts", () => {
  test("the best at once, the others beside it after the hedge delay (options: client transports, client hedgeDelay)", () => {
    const world = createWorld(["a", "b", "c"], { hedgeDelay: 100 });
    world.open("/", { auth: { token: 1 } });
    world.platform.pass(1_000);
    expect(world.dialed()).toEqual(["a 0", "b 100", "c 200"]);
    const [first, ...others] = world.links.map(({ hello }) => hello);
    expect(first).toMatchObject({ version: 1, generation: 1, received: 0, join: [["/", { token: 1 }]] });
    for (const hello of others) expect(hello).toEqual(first);
  });

  test("the hedge delay lies between 400 and 1,000 ms where it is not set", () => {
    const world = createWorld();
    world.open();
    world.platform.pass(3_000);
    const [, second = 0] = world.links.map(({ startedAt }) => startedAt);
    expect(second).toBeGreaterThanOrEqual(400);
    expect(second).toBeLessThanOrEqual(1_000);
  });

  test("one that fails is not waited for", () => {
    const world = createWorld(["a", "b", "c"], { hedgeDelay: 100 });
    world.open();
    world.platform.pass(10);
    link(world, 0).lose();
    expect(world.dialed()).toEqual(["a 0", "b 10"]);
    world.platform.pass(100);
    expect(world.dialed()).toEqual(["a 0", "b 10", "c 110"]);
  });

  test("the first to be welcomed is used, and the others are let go", () => {
    const world = createWorld(["a", "b", "c"], { hedgeDelay: 100, upgrade: false });
    const socket = world.open();
    const events = record(socket);
    world.platform.pass(150);
    link(world, 1).welcome();
    expect(events).toEqual(["connect"]);
    expect(socket.io.transport).toBe("b");
    expect(world.links.map(({ closed }) => closed)).toEqual([4409, undefined]);
    world.platform.pass(1_000);
    expect(world.links).toHaveLength(2);
    expect(socket.report().attempts.map(({ outcome }) => outcome)).toEqual(["closed", "open"]);
  });

  test("nothing is sent on a link that is not welcomed yet", () => {
    const world = createWorld(["a", "b"], { hedgeDelay: 100 });
    const socket = world.open();
    socket.emit("early", 1);
    world.platform.pass(150);
    link(world, 1).welcome();
    expect(link(world, 0).sent).toEqual([]);
    expect(link(world, 1).sent).toContain('m2["early",1]');
  });

  test("an attempt that is not answered is given up (option: client timeout)", () => {
    const world = createWorld(["a"], { timeout: 300, reconnection: false });
    const socket = world.open();
    const events = record(socket);
    world.platform.pass(299);
    expect(events).toEqual([]);
    world.platform.pass(1);
    expect(events).toEqual(["error: timeout"]);
    expect(link(world, 0).closed).toBe(4408);
    expect(world.platform.timers).toBe(0);
  });

  test("in turn: one after the other, and the next round begins with the first", () => {
    const platform = new FakePlatform();
    const { transports, links } = createTransports(platform, ["a", "b"]);
    connect(`http://host-${++count}`, { transports, reconnectionDelay: 100 }, platform, inTurn);
    platform.pass(10_000);
    expect(links).toHaveLength(1);
    for (const name of ["a", "b", "a"]) {
      expect(links.at(-1)?.name).toBe(name);
      links.at(-1)?.lose();
      platform.pass(100);
    }
    expect(links).toHaveLength(4);
  });
});

describe("a better transport", () => {
  function openSecond(options: Partial<CoreOptions> = {}): {
    world: World;
    socket: Socket;
    events: string[];
  } {
    const world = createWorld(["a", "b"], { hedgeDelay: 100, ...options });
    const socket = world.open();
    const events = record(socket);
    link(world, 0).lose();
    link(world, 1).welcome();
    return { world, socket, events };
  }

  /** Time goes on, and the server is heard of. */
  const pings = (world: World, ms: number): void => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      world.platform.pass(1_000);
      link(world, 1).say("p");
    }
  };

  test("takes over live when it can be opened after all", () => {
    const { world, socket, events } = openSecond();
    const names: string[] = [];
    socket.io.on("transport", (name) => names.push(name));
    socket.io.on("upgrade", (name) => names.push(`upgrade ${name}`));
    socket.io.on("downgrade", (name) => names.push(`downgrade ${name}`));
    pings(world, 16_000);
    expect(world.dialed()).toEqual(["a 0", "b 0", "a 16000"]);
    expect(link(world, 2).hello).toMatchObject({ generation: 3, sid: "sid", secret: "secret", received: 1 });
    link(world, 2).welcome();
    expect(socket.io.transport).toBe("a");
    expect(link(world, 1).closed).toBe(4409);
    expect(names).toEqual(["a", "upgrade a"]);
    socket.switchTo("b");
    link(world, 3).welcome();
    expect(names.slice(2)).toEqual(["b", "downgrade b"]);
    expect(events).toEqual(["connect"]);
  });

  test("fails after it has fenced the one there was: a loss like any other", () => {
    const { world, socket, events } = openSecond();
    socket.switchTo("a");
    link(world, 2).lose();
    link(world, 1).lose(4409, "a newer link of the session took over");
    expect(events).toEqual(["connect", "disconnect: transport close"]);
    world.platform.pass(1_000);
    expect(link(world, 3).hello).toMatchObject({ sid: "sid" });
    link(world, 3).welcome();
    expect(events).toEqual(["connect", "disconnect: transport close", "recovered"]);
  });

  test("what opens after a loss is neither better nor worse", () => {
    const { world, socket } = openSecond({ upgrade: false });
    const names: string[] = [];
    for (const event of ["upgrade", "downgrade"] as const) socket.io.on(event, (name) => names.push(name));
    link(world, 1).lose();
    world.platform.pass(1_000);
    link(world, -1).lose();
    link(world, -1).welcome();
    expect(socket.io.transport).toBe("a");
    expect(names).toEqual([]);
  });

  test("is tried less and less often", () => {
    const { world, events } = openSecond();
    for (const waitMs of [16_000, 64_000, 256_000, 300_000, 300_000]) {
      const before = world.links.length;
      pings(world, waitMs - 1_000);
      expect(world.links).toHaveLength(before);
      pings(world, 1_000);
      expect(world.links).toHaveLength(before + 1);
      link(world, -1).lose();
    }
    expect(events).toEqual(["connect"]);
  });

  test("is left alone where that is wished (option: client upgrade)", () => {
    const { world } = openSecond({ upgrade: false });
    world.platform.pass(1_400);
    expect(world.links).toHaveLength(2);
  });

  test("switchTo moves at once, and stays", () => {
    const world = createWorld(["a", "b"]);
    const socket = world.open();
    link(world, 0).welcome();
    socket.io.switchTo("b");
    link(world, 1).welcome();
    expect(socket.io.transport).toBe("b");
    world.platform.pass(1_400);
    expect(world.links).toHaveLength(2);
    link(world, 1).lose();
    world.platform.pass(2_000);
    expect(link(world, 2).name).toBe("b");
  });

  test("switchTo a name that no transport has: BW_TRANSPORT_NAME, and nothing changes", () => {
    const world = createWorld(["a", "b"]);
    const socket = world.open();
    link(world, 0).welcome();
    const error = expect.objectContaining({
      code: "BW_TRANSPORT_NAME",
      message: expect.stringContaining('"websockt"'),
    });
    expect(() => socket.switchTo("websockt")).toThrow(error);
    expect(() => socket.io.switchTo("websockt")).toThrow(error);
    expect(socket.io.transport).toBe("a");
    expect(world.links).toHaveLength(1);
  });

  test("a switch that is not answered is given up sooner than a connection", () => {
    const world = createWorld(["a", "b"]);
    const socket = world.open();
    link(world, 0).welcome();
    socket.io.switchTo("b");
    for (let second = 0; second < 5; second++) {
      world.platform.pass(1_000);
      link(world, 0).say("p");
    }
    expect(link(world, 1).closed).toBe(4408);
    expect(socket.connected).toBe(true);
  });

  test("answered by a server that does not know the session: a loss like any other", () => {
    const world = createWorld(["a", "b"], { upgrade: false });
    const socket = world.open();
    const events = record(socket);
    link(world, 0).welcome();
    socket.io.switchTo("b");
    link(world, 1).welcome({ sid: "another", lost: "server-lost" });
    expect(events).toEqual(["connect", "disconnect: transport close", "gap: server-lost", "connect"]);
    expect(socket).toMatchObject({ id: "socket-another", connected: true, recovered: false });
  });
});

describe("what worked is remembered", () => {
  test("for the same list of transports: another one is begun with its best", () => {
    const world = createWorld(["a", "b"]);
    world.open();
    link(world, 0).lose();
    link(world, 1).welcome();
    const { transports, links } = createTransports(world.platform, ["c"]);
    world.open("/", { transports, forceNew: true });
    expect(links.map(({ name }) => name)).toEqual(["c"]);
  });

  test("per server: the next connection begins with it, and still prefers the best", () => {
    const world = createWorld(["a", "b"], { hedgeDelay: 100 });
    const first = world.open("/", { forceNew: true });
    world.platform.pass(100);
    link(world, 1).welcome();
    first.disconnect();
    world.open("/", { forceNew: true });
    expect(link(world, 2).name).toBe("b");
    link(world, 2).welcome();
    world.platform.pass(1_000);
    expect(link(world, 3).name).toBe("a");
    createWorld(["a", "b"]).open();
    expect(link(world, 0).name).toBe("a");
  });

  test("for half an hour", () => {
    const world = createWorld(["a", "b"], { hedgeDelay: 100, upgrade: false });
    const first = world.open("/", { forceNew: true });
    link(world, 0).lose();
    link(world, 1).welcome();
    first.disconnect();
    world.platform.pass(1_800_001);
    world.open("/", { forceNew: true });
    expect(link(world, 2).name).toBe("a");
  });
});

describe("trying again", () => {
  const waits = (options: Partial<CoreOptions>, chance: number, tries: number): number[] => {
    const world = createWorld(["a"], options);
    world.platform.chance = chance;
    world.open();
    const waited: number[] = [];
    for (let index = 0; index < tries; index++) {
      const from = world.platform.now();
      link(world, index).lose();
      world.platform.pass(20_000);
      waited.push(link(world, index + 1).startedAt - from);
    }
    return waited;
  };

  test("waits longer each time, up to a limit (options: client reconnectionDelay, client reconnectionDelayMax)", () => {
    expect(waits({}, 0.5, 5)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(waits({ reconnectionDelay: 100, reconnectionDelayMax: 300 }, 0.5, 3)).toEqual([100, 200, 300]);
  });

  test("so much longer or shorter as chance and randomizationFactor say (option: client randomizationFactor)", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
        const [wait = 0] = waits({}, chance, 1);
        expect(wait).toBeGreaterThanOrEqual(500);
        expect(wait).toBeLessThanOrEqual(1_500);
      }),
      { numRuns: 50 },
    );
    expect(waits({ randomizationFactor: 0 }, 0.9, 1)).toEqual([1_000]);
  });

  test("each failed round is told, and the tries are counted (option: client reconnectionAttempts)", () => {
    const world = createWorld(["a", "b"], { reconnectionAttempts: 2, hedgeDelay: 60_000, timeout: 60_000 });
    const socket = world.open();
    const events = record(socket);
    const tries: number[] = [];
    socket.io.on("reconnect_attempt", (number) => tries.push(number));
    for (let index = 0; index < 3; index++) {
      link(world, -1).lose(undefined, "first");
      link(world, -1).lose(undefined, "second");
      world.platform.pass(10_000);
    }
    expect(events).toEqual(["error: second", "error: second", "error: second"]);
    expect(tries).toEqual([1, 2]);
    world.platform.pass(60_000);
    expect(world.links).toHaveLength(6);
    expect(world.platform.timers).toBe(0);
  });

  test("giving up is told once, and connect() begins anew with as many tries", () => {
    const world = createWorld(["a"], { reconnectionAttempts: 2 });
    const socket = world.open();
    const told: (number | string)[] = [];
    socket.io.on("reconnect_attempt", (number) => told.push(number));
    socket.io.on("reconnect_failed", () => told.push("failed"));
    const fail = (): void => {
      link(world, -1).lose();
      world.platform.pass(10_000);
    };
    for (let index = 0; index < 3; index++) fail();
    expect(told).toEqual([1, 2, "failed"]);
    expect([socket.active, world.links.length]).toEqual([true, 3]);
    socket.connect();
    world.platform.settle();
    for (let index = 0; index < 3; index++) fail();
    expect(told).toEqual([1, 2, "failed", 1, 2, "failed"]);
  });

  test("after a loss it resumes, and counts anew", () => {
    const world = createWorld(["a"]);
    const socket = world.open();
    const events = record(socket);
    const reconnected: number[] = [];
    socket.io.on("reconnect", (number) => reconnected.push(number));
    link(world, 0).welcome();
    for (let round = 0; round < 2; round++) {
      link(world, -1).lose();
      world.platform.pass(1_000);
      expect(link(world, -1).hello).toMatchObject({ sid: "sid", secret: "secret", generation: round + 2 });
      link(world, -1).welcome();
    }
    expect(events).toEqual([
      "connect",
      "disconnect: transport close",
      "recovered",
      "disconnect: transport close",
      "recovered",
    ]);
    expect(reconnected).toEqual([1, 1]);
  });

  test("not where that is not wished, until the application says so (option: client reconnection)", () => {
    const world = createWorld(["a"], { reconnection: false });
    const socket = world.open();
    link(world, 0).welcome();
    link(world, 0).lose();
    world.platform.pass(100_000);
    expect(world.links).toHaveLength(1);
    socket.connect();
    world.platform.settle();
    expect(link(world, 1).hello.sid).toBe("sid");
  });

  test("disconnect() ends it, and leaves no timer behind", () => {
    for (const isWelcomed of [true, false]) {
      const world = createWorld(["a"]);
      const socket = world.open();
      if (isWelcomed) link(world, 0).welcome();
      link(world, 0).lose();
      socket.disconnect();
      world.platform.pass(100_000);
      expect(world.links).toHaveLength(1);
      expect(world.platform.timers).toBe(0);
    }
  });

  test("no timer is left behind by a connection that was open, or a program would not end", () => {
    for (const end of [
      (socket: Socket) => socket.disconnect(),
      (_socket: Socket, world: World) => link(world, 0).lose(),
      (_socket: Socket, world: World) => link(world, 0).lose(4401),
    ]) {
      const world = createWorld(["a"], { reconnection: false });
      const socket = world.open();
      link(world, 0).welcome();
      link(world, 0).say('m2["news",1]');
      end(socket, world);
      expect(world.platform.timers).toBe(0);
    }
  });

  test("silence is a loss", () => {
    const world = createWorld(["a"]);
    const socket = world.open();
    const events = record(socket);
    link(world, 0).welcome();
    world.platform.pass(1_000);
    link(world, 0).say("p");
    expect(link(world, 0).sent).toContain("o");
    world.platform.pass(1_499);
    expect(events).toEqual(["connect"]);
    world.platform.pass(1_000);
    expect(events).toEqual(["connect", "disconnect: ping timeout"]);
    expect(link(world, 0).closed).toBe(4408);
  });
});

describe("waking up", () => {
  test("while it waits to try again: tries at once", () => {
    const world = createWorld(["a"]);
    world.open();
    link(world, 0).lose();
    world.platform.pass(100);
    world.platform.wake();
    expect(world.dialed()).toEqual(["a 0", "a 100"]);
    world.platform.pass(1_000);
    expect(world.links).toHaveLength(2);
  });

  test("while an attempt is under way: nothing, and the next one is tried in time", () => {
    const world = createWorld(["a", "b"]);
    world.open();
    world.platform.wake();
    expect(world.links).toHaveLength(1);
    world.platform.pass(500);
    expect(world.dialed()).toEqual(["a 0", "b 500"]);
  });

  test("on another network: what worked on the old one is forgotten", () => {
    for (const isNetworkNew of [true, false]) {
      const world = createWorld(["a", "b"]);
      world.open();
      link(world, 0).lose();
      link(world, 1).welcome();
      link(world, 1).lose();
      world.platform.wake(isNetworkNew);
      expect(link(world, 2).name).toBe(isNetworkNew ? "a" : "b");
    }
  });

  test("on another network while connected: asks at once, and the best is tried within a second", () => {
    const world = createWorld(["a", "b"]);
    world.open();
    link(world, 0).lose();
    link(world, 1).welcome({ ping: [10_000, 5_000] });
    world.platform.wake(true);
    expect(link(world, 1).sent).toContain("p");
    world.platform.pass(1_000);
    expect(world.dialed()).toEqual(["a 0", "b 0", "a 1000"]);
  });

  test("while connected: asks whether the server is still there", () => {
    const world = createWorld(["a"]);
    const socket = world.open();
    const events = record(socket);
    link(world, 0).welcome();
    world.platform.wake();
    expect(link(world, 0).sent).toContain("p");
    world.platform.pass(499);
    expect(events).toEqual(["connect"]);
    world.platform.pass(1);
    expect(events).toEqual(["connect", "disconnect: ping timeout"]);
  });

  test("a connection that nobody uses is held by nothing, and watches again when it is used", () => {
    const world = createWorld(["a"]);
    const one = world.make("/one");
    const two = world.open("/two");
    link(world, 0).welcome();
    one.disconnect();
    expect(world.platform.watchers).toBe(1);
    two.disconnect();
    expect(world.platform.watchers).toBe(0);
    one.connect();
    expect(world.platform.watchers).toBe(1);
  });

  test("after it was told to disconnect: nothing", () => {
    const world = createWorld(["a"]);
    world.open().disconnect();
    world.platform.wake();
    world.platform.pass(10_000);
    expect(world.links.filter(({ closed }) => closed === undefined)).toEqual([]);
  });
});

describe("a page that goes away", () => {
  test.each([
    [true, 4503],
    [false, 4000],
  ])("kept: %s; its link ends with %d, and it comes back to its session", (isKept, code) => {
    const world = createWorld();
    const socket = world.open();
    const events = record(socket);
    link(world, 0).welcome();
    world.platform.leave(isKept);
    expect([link(world, 0).closed, socket.connected]).toEqual([code, false]);
    world.platform.pass(60_000);
    expect(world.links).toHaveLength(1);
    socket.emit("meanwhile");
    world.platform.wake();
    expect(link(world, 1).hello).toMatchObject({ sid: "sid", secret: "secret" });
    link(world, 1).welcome();
    expect(events).toEqual(["connect", "disconnect: transport close", "recovered"]);
    expect(link(world, 1).sent).toContain('m2["meanwhile"]');
  });

  test("while it tries to connect: it stops, that is no failure, and it begins anew", () => {
    const world = createWorld(["a", "b"], { hedgeDelay: 100 });
    const events = record(world.open());
    world.platform.leave(true);
    world.platform.pass(60_000);
    expect([world.dialed(), link(world, 0).closed, events]).toEqual([["a 0"], 4503, []]);
    world.platform.wake();
    link(world, 1).welcome();
    expect(events).toEqual(["connect"]);
  });

  test("before it was ever told to connect: nothing", () => {
    const world = createWorld();
    world.make("/", { autoConnect: false });
    world.platform.leave(true);
    expect(world.links).toEqual([]);
  });
});

describe("codes that links end with", () => {
  test.each([
    [4000, "io server disconnect"],
    [4400, "parse error"],
    [4401, "io server disconnect"],
    [4403, "io server disconnect"],
    [4409, "taken over"],
    [4426, "io server disconnect"],
  ])("%i is the end", (code, reason) => {
    const open = createWorld(["a", "b"]);
    const socket = open.open();
    const events = record(socket);
    link(open, 0).welcome();
    link(open, 0).lose(code, "why");
    expect(events).toEqual(["connect", `disconnect: ${reason}`]);

    const refused = createWorld(["a", "b"]);
    const unwelcome = refused.open();
    const errors = record(unwelcome);
    link(refused, 0).lose(code, "why");
    expect(errors).toEqual(["error: why"]);

    for (const [world, ended] of [
      [open, socket],
      [refused, unwelcome],
    ] as const) {
      world.platform.pass(100_000);
      expect(world.links).toHaveLength(1);
      expect(ended.active).toBe(false);
      expect(world.platform.timers).toBe(0);
    }
  });

  test.each([1006, 4408, 4410, 4429, 4503])("%i ends the link only", (code) => {
    const world = createWorld(["a"]);
    const socket = world.open();
    link(world, 0).welcome();
    link(world, 0).lose(code);
    world.platform.pass(1_000);
    link(world, 1).welcome();
    expect(socket).toMatchObject({ connected: true, recovered: true });

    const refused = createWorld(["a"]);
    refused.open();
    link(refused, 0).lose(code);
    refused.platform.pass(1_000);
    expect(refused.links).toHaveLength(2);
  });
});

describe("auth", () => {
  /** A function that is answered when the test says so. */
  function createAuth(): {
    auth: (done: (value: object) => void) => void;
    asked: ((value: object) => void)[];
  } {
    const asked: ((value: object) => void)[] = [];
    return { auth: (done) => void asked.push(done as (value: object) => void), asked };
  }

  test("functions are waited for, all of them, and asked for each attempt to connect", () => {
    const world = createWorld(["a"]);
    const one = createAuth();
    const two = createAuth();
    world.open("/one", { auth: one.auth as never });
    world.open("/two", { auth: two.auth as never });
    world.platform.pass(50);
    for (const done of one.asked) done({ n: 1 });
    expect(world.links).toHaveLength(0);
    for (const done of two.asked) done({ n: 2 });
    expect(world.dialed()).toEqual(["a 50"]);
    expect(link(world, 0).hello.join).toEqual([
      ["/one", { n: 1 }],
      ["/two", { n: 2 }],
    ]);
    const before = one.asked.length;
    link(world, 0).lose();
    world.platform.pass(1_000);
    expect(one.asked).toHaveLength(before + 1);
  });

  test("who comes while an attempt is under way is let in with its own, and not before", () => {
    const world = createWorld(["a"]);
    world.open("/one");
    const { auth, asked } = createAuth();
    world.open("/late", { auth: auth as never });
    expect(link(world, 0).hello.join).toEqual([["/one", {}]]);
    link(world, 0).welcome();
    expect(link(world, 0).sent.join()).not.toContain("/late");
    for (const done of asked) done({ late: true });
    world.platform.settle();
    expect(link(world, 0).sent).toContain('m0/late,{"late":true}');
  });

  test("who leaves a connection that is open before the function answers does not join", () => {
    const world = createWorld(["a"]);
    world.open("/one");
    link(world, 0).welcome();
    const { auth, asked } = createAuth();
    world.open("/late", { auth: auth as never }).disconnect();
    for (const done of asked) done({});
    world.platform.settle();
    expect(link(world, 0).sent.join()).not.toContain("/late");
  });

  test("a function that never answers is asked again by connect()", () => {
    const world = createWorld(["a"]);
    const { auth, asked } = createAuth();
    const socket = world.open("/", { auth: auth as never });
    socket.connect();
    world.platform.settle();
    expect(asked).toHaveLength(2);
    asked[1]?.({ n: 2 });
    expect(link(world, 0).hello.join).toEqual([["/", { n: 2 }]]);
    asked[0]?.({ n: 1 });
    expect(world.links).toHaveLength(1);
  });

  test("who leaves before the function answers is not connected", () => {
    const world = createWorld(["a"]);
    const { auth, asked } = createAuth();
    const socket = world.open("/", { auth: auth as never });
    socket.disconnect();
    asked[0]?.({});
    world.platform.pass(10_000);
    expect(world.links).toEqual([]);
    expect(world.platform.timers).toBe(0);
  });

  test("one who leaves does not keep another from connecting", () => {
    const world = createWorld(["a"]);
    const { auth, asked } = createAuth();
    const leaving = world.open("/leaving", { auth: auth as never });
    world.open("/staying");
    leaving.disconnect();
    for (const done of asked) done({});
    world.platform.pass(10);
    expect(link(world, 0).hello.join.map(([namespace]) => namespace)).toEqual(["/staying"]);
  });

  test("a value is read when it is needed", () => {
    const world = createWorld(["a"]);
    const socket = world.open("/", { auth: { n: 1 } });
    link(world, 0).lose();
    socket.auth = { n: 2 };
    world.platform.pass(1_000);
    expect(link(world, 1).hello.join).toEqual([["/", { n: 2 }]]);
  });
});

describe("leaving", () => {
  test("by either side's wish: the id is gone before `disconnect` is raised; after a loss it stays", () => {
    const world = createWorld(["a"]);
    const socket = world.open();
    const ids: (string | undefined)[] = [];
    socket.on("disconnect", () => ids.push(socket.id));
    link(world, 0).welcome();
    link(world, 0).lose();
    world.platform.pass(1_000);
    link(world, 1).welcome();
    link(world, 1).say("m1");
    socket.connect();
    world.platform.settle();
    link(world, 2).welcome();
    socket.disconnect();
    expect(ids).toEqual(["socket-sid", undefined, undefined]);
  });
});

describe("an event whose answer nobody waits for any more", () => {
  test("is not sent, where it has not been: who asks again does not ask twice", () => {
    const world = createWorld(["a"]);
    const socket = world.open();
    const answers: unknown[] = [];
    const controller = new AbortController();
    socket.timeout(100).emit("late", (error: Error) => answers.push(error.message));
    socket.signal(controller.signal).emit("aborted", (error: Error) => answers.push(error.message));
    socket.timeout(60_000).emit("kept", () => undefined);
    expect(socket.io.bufferedBytes).toBeGreaterThan(0);
    controller.abort();
    world.platform.pass(100);
    link(world, 0).welcome();
    expect(answers).toEqual(["aborted", "operation has timed out"]);
    expect(link(world, 0).sent.filter((frame) => frame.startsWith("m2"))).toEqual(['m23["kept"]']);
    expect(socket.io.bufferedBytes).toBe(0);
  });

  test("has been sent where there was a way: that is not taken back", () => {
    const world = createWorld(["a"]);
    const socket = world.open();
    link(world, 0).welcome();
    const answers: unknown[] = [];
    socket.timeout(100).emit("late", (error: Error) => answers.push(error.message));
    world.platform.pass(100);
    expect(answers).toEqual(["operation has timed out"]);
    expect(link(world, 0).sent).toContain('m21["late"]');
    expect(socket.io.bufferedBytes).toBe(0);
  });
});

describe("sockets that share a connection", () => {
  test("one that comes while an attempt is under way does not keep the next from being tried", () => {
    const world = createWorld(["a", "b"]);
    world.open("/one");
    world.platform.pass(100);
    world.open("/two");
    world.platform.pass(400);
    expect(world.dialed()).toEqual(["a 0", "b 500"]);
  });

  test("travel in one hello when made in one go, and one leaves alone", () => {
    const world = createWorld(["a"]);
    const one = world.make("/one");
    const two = world.make("/two");
    expect(one.io).toBe(two.io);
    world.platform.settle();
    expect(link(world, 0).hello.join).toEqual([
      ["/one", {}],
      ["/two", {}],
    ]);
    link(world, 0).welcome();
    one.disconnect();
    world.platform.settle();
    expect(link(world, 0).sent).toContain("m1/one,");
    expect(two.connected).toBe(true);
    two.disconnect();
    expect(link(world, 0).closed).toBe(4000);
  });

  /** One that holds the connection, and one beside it that was let in, as `socket-sid`. */
  function openPair(): { world: World; two: Socket } {
    const world = createWorld(["a"]);
    world.make("/one");
    const two = world.open("/two");
    link(world, 0).welcome();
    return { world, two };
  }

  test("one that leaves before it was let in is not left behind on the server", () => {
    const { world } = openPair();
    const three = world.open("/three");
    three.disconnect();
    const { sent } = link(world, 0);
    expect(sent).toContain("m0/three,{}");
    expect(sent).not.toContain("m1/three,");
    link(world, 0).say('m0/three,{"sid":"late"}');
    expect(sent).toContain("m1/three,");
    link(world, 0).say('m4/four,{"message":"full"}');
    expect(sent.filter((frame) => frame.startsWith("m1"))).toEqual(["m1/three,"]);
  });

  test("what was sent to one that has left does not reach the one that comes anew", () => {
    const { world, two } = openPair();
    const heard: unknown[] = [];
    two.on("news", (value) => heard.push(value));
    two.disconnect();
    two.connect();
    link(world, 0).say('m2/two,["news","old"]');
    link(world, 0).say('m0/two,{"sid":"anew"}');
    link(world, 0).say('m2/two,["news","new"]');
    expect(heard).toEqual(["new"]);
  });

  test("the server's goodbye to one that has left does not end the one that comes anew", () => {
    const { world, two } = openPair();
    two.disconnect();
    two.connect();
    link(world, 0).say("m1/two,");
    expect(two.active).toBe(true);
    link(world, 0).say('m0/two,{"sid":"anew"}');
    expect(two.id).toBe("anew");
    link(world, 0).say("m1/two,");
    expect([two.active, two.connected]).toEqual([false, false]);
  });

  test("an answer comes too late for the socket that was asked: the next one does not give it", () => {
    const { world, two } = openPair();
    const answers: ((value: unknown) => void)[] = [];
    two.on("ask", (answer) => void answers.push(answer));
    link(world, 0).say('m2/two,0["ask"]');
    two.disconnect();
    two.connect();
    link(world, 0).say('m0/two,{"sid":"anew"}');
    link(world, 0).say('m2/two,0["ask"]');
    for (const [index, answer] of answers.entries()) answer(index);
    world.platform.settle();
    expect(link(world, 0).sent.filter((frame) => frame.startsWith("m3"))).toEqual(["m3/two,0[1]"]);
  });

  test("who left and comes back displaces nobody who came meanwhile", () => {
    const world = createWorld(["a"]);
    const one = world.open();
    link(world, 0).welcome();
    one.disconnect();
    const two = world.open();
    link(world, 1).welcome();
    one.connect();
    world.platform.settle();
    link(world, 2).welcome();
    expect([one.connected, two.connected]).toEqual([true, true]);
    one.disconnect();
    expect([one.connected, two.connected]).toEqual([false, true]);
    one.connect();
    expect(one.io).not.toBe(two.io);
  });

  test("two of one namespace that connect later have a connection each (option: client autoConnect)", () => {
    const world = createWorld(["a"]);
    const one = world.make("/", { autoConnect: false });
    const two = world.make("/", { autoConnect: false });
    const three = world.make("/");
    one.connect();
    two.connect();
    world.platform.settle();
    expect(new Set([one.io, two.io, three.io]).size).toBe(3);
    expect(world.links).toHaveLength(3);
    for (const each of world.links) each.welcome();
    expect([one, two, three].map(({ connected }) => connected)).toEqual([true, true, true]);
    two.disconnect();
    expect(one.connected).toBe(true);
  });

  test("a listener of the connection that throws stops nothing", () => {
    const world = createWorld(["a"]);
    const socket = world.open();
    const events = record(socket);
    const unhandled = catchUnhandled();
    socket.io.on("transport", () => {
      throw new Error("mine");
    });
    link(world, 0).welcome();
    link(world, 0).say('m2["news",1]');
    expect(events).toEqual(["connect"]);
    link(world, 0).lose();
    world.platform.pass(1_000);
    link(world, 1).welcome();
    expect(events).toEqual(["connect", "disconnect: transport close", "recovered"]);
    return unhandled().then((errors) => expect(errors).toEqual(Array(3).fill(new Error("mine"))));
  });
});

/** Keeps unhandled rejections from the test runner until the function returned is called; it gives them. */
function catchUnhandled(): () => Promise<unknown[]> {
  const caught: unknown[] = [];
  const others = process.rawListeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => caught.push(error));
  return async () => {
    await new Promise(setImmediate);
    process.removeAllListeners("unhandledRejection");
    for (const other of others) process.on("unhandledRejection", other as () => void);
    return caught;
  };
}
