/** Advisories about what a message holds: names, values, depth, attachments. The rule of each is in README.md. */
import { describe, expect, test, vi } from "vitest";
import { io as connect } from "../../src/client/index.node.ts";
import { reservedEvents } from "../../src/model/events.ts";
import type { Socket } from "../../src/server/index.ts";
import { encodePacket } from "../../src/wire/native/packet.ts";
import { hello, send } from "../socket/strangers.ts";
import { type Client, untilConnected } from "../suites/rig.ts";
import { frame } from "./frames.ts";
import { open, openRaw, type Place, type Raw, welcomeIn } from "./place.ts";

/** One who has joined, and what the application heard from it. */
async function joined(place: Place): Promise<{ raw: Raw; heard: unknown[][]; say: (text: string) => void }> {
  const heard: unknown[][] = [];
  place.io.on("connection", (socket) => socket.onAny((...args) => heard.push(args)));
  const raw = await openRaw(place, hello());
  const say = (text: string): void => raw.send(frame({ payload: text }));
  say("n1");
  return { raw, heard, say };
}

/** The messages it got. */
function texts(raw: Raw): string[] {
  const frames = raw.frames.filter(({ opcode }) => opcode === 1).map(({ payload }) => String(payload));
  return frames.filter((text) => text[0] === "m");
}

describe("CVE-2024-38355: no name a peer sends is special to the process", () => {
  test.each([...reservedEvents])("%s is the server's own to raise", async (event) => {
    const place = await open();
    const { raw, heard, say } = await joined(place);
    say(`m21${JSON.stringify([event, "forged"])}`);
    await vi.waitFor(() => expect(texts(raw).at(-1)).toMatch(/^m51\{"message":".*BW_RESERVED_EVENT/));
    expect(heard).toEqual([]);
    expect(place.errors).toMatchObject([{ code: "BW_RESERVED_EVENT" }]);
  });

  test.each([
    "error",
    "newListener",
    "removeListener",
    "connection",
    "__proto__",
    "constructor",
    "toString",
    "",
  ])("%s is a name like any other", async (event) => {
    const place = await open();
    const { heard, say } = await joined(place);
    say(`m2${JSON.stringify([event, 1])}`);
    await vi.waitFor(() => expect(heard).toEqual([[event, 1]]));
    expect(place.errors).toEqual([]);
  });

  test("a client is as hard to fool", async () => {
    const place = await open();
    const client = connect(`http://127.0.0.1:${place.port}`, { forceNew: true }) as unknown as Client;
    await untilConnected(client);
    const heard: unknown[] = [];
    client.onAny((...args: unknown[]) => heard.push(args));
    for (const event of ["error", "__proto__", "constructor"]) place.io.emit(event, 1);
    await vi.waitFor(() => expect(heard).toHaveLength(3));
    client.disconnect();
  });
});

describe("CVE-2022-2421, CVE-2023-32695: every decoded field is of the type it is used as", () => {
  test.each([
    "m2",
    "m2{}",
    "m2null",
    "m2[]",
    'm2[{"toString":1}]',
    "m2[null]",
    "m2[1]",
    'm2[["a"]]',
    'm3["no id"]',
    "m31{}",
    'm51"text"',
    "m51{}",
    'm51{"message":{}}',
    "m4null",
    "m9[]",
    "m",
    'm2/chat["x"]',
    'm2[1e999,"x"',
    "m2[__proto__]",
  ])("%s ends its sender, with 4400", async (message) => {
    const place = await open();
    const { raw, heard, say } = await joined(place);
    say(message);
    expect(await raw.closeCode()).toBe(4400);
    expect(heard).toEqual([]);
    expect(place.errors).toEqual([]);
  });

  /** The binary form, with its JSON as it is given. */
  function binary(json: string, ...attachments: Uint8Array[]): Uint8Array {
    const part = (bytes: Uint8Array): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    return Buffer.concat([Buffer.from("m"), ...[Buffer.from(json), ...attachments].map(part)]);
  }

  test.each(["!1", "!99", "!-1", "!1.5", "!x", "!length", "!__proto__", "!constructor", "!NaN"])(
    "the placeholder %s of no attachment",
    async (placeholder) => {
      const place = await open();
      const { raw, heard } = await joined(place);
      const payload = binary(`2${JSON.stringify(["x", placeholder])}`, new Uint8Array(3));
      raw.send(frame({ opcode: 2, payload }));
      expect(await raw.closeCode()).toBe(4400);
      expect(heard).toEqual([]);
    },
  );

  test("CVE-2026-33151, CVE-2026-69185: nothing waits for attachments that do not come", async () => {
    const place = await open();
    const whole = encodePacket({
      type: 2,
      namespace: "/",
      data: ["x", new Uint8Array(9), new Uint8Array(9)],
    });
    for (const cut of [1, 4, 5, 12, whole.length - 10, whole.length - 1]) {
      const { raw } = await joined(place);
      raw.send(frame({ opcode: 2, payload: (whole as Uint8Array).subarray(0, cut) }));
      expect(await raw.closeCode()).toBe(4400);
    }
    const { raw, heard } = await joined(place);
    const lying = Buffer.from(whole as Uint8Array);
    lying.writeUInt32BE(0xffff_ffff, 1);
    raw.send(frame({ opcode: 2, payload: lying }));
    expect(await raw.closeCode()).toBe(4400);
    expect(heard).toEqual([]);
  });
});

describe("CVE-2019-0982, CVE-2020-5234, CVE-2026-45591: what nests too deep", () => {
  const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

  test.each([
    ["at the limit", 127, false],
    ["one beyond", 128, true],
    ["40,000", 40_000, true],
  ])("in an event, %s", async (_what, depth, isRefused) => {
    const place = await open();
    const { raw, heard, say } = await joined(place);
    say(`m2["x",${nested(depth)}]`);
    if (isRefused) expect(await raw.closeCode()).toBe(4400);
    else await vi.waitFor(() => expect(heard).toHaveLength(1));
    expect(place.errors).toEqual([]);
  });

  test("a million, where so long a message may be (option: maxJsonDepth)", async () => {
    const place = await open({ maxHttpBufferSize: 3_000_000 });
    const { raw, say } = await joined(place);
    say(`m2["x",${nested(1_000_000)}]`);
    expect(await raw.closeCode()).toBe(4400);
    expect(raw.frames.at(-1)?.payload.toString("utf8", 2)).toContain("maxJsonDepth");
  });

  test("in a hello, and beside attachments", async () => {
    const place = await open();
    const deep = hello().replace('["/"]', `["/",${nested(200)}]`);
    expect((await send(place.url, deep)).body).toMatch(/^c4400,.*maxJsonDepth/);
    const { raw } = await joined(place);
    const data = ["x", new Uint8Array(3), JSON.parse(nested(150))];
    raw.send(frame({ opcode: 2, payload: encodePacket({ type: 2, namespace: "/", data }) }));
    expect(await raw.closeCode()).toBe(4400);
  });

  test("by HTTP", async () => {
    const place = await open();
    const { key } = welcomeIn((await send(place.url, hello())).body);
    const answer = await send(place.url, `k${key},1\nn1\nm2["x",${nested(500)}]`);
    expect(answer).toMatchObject({ status: 200, body: expect.stringMatching(/^c4400,.*maxJsonDepth/) });
  });
});

test("a hello is judged by its length before it is parsed (option: maxHelloSize)", async () => {
  const place = await open({ maxHelloSize: 2_000 });
  const joining = (length: number): string =>
    hello().replace('["/"]', `["/",${JSON.stringify("x".repeat(length))}]`);
  const answer = await send(place.url, joining(2_000));
  expect(answer.body).toMatch(/^c4413,/);
  const raw = await openRaw(place);
  raw.send(frame({ opcode: 1, payload: joining(2_000) }));
  expect(await raw.closeCode()).toBe(4413);
  expect(welcomeIn((await send(place.url, joining(1_000))).body).key).toBeTruthy();
});

test("prototype pollution: keys of objects are keys and nothing else", async () => {
  const place = await open();
  const echoed: unknown[] = [];
  place.io.on("connection", (socket) => socket.on("merge", (value) => echoed.push(Object.keys(value))));
  const { say } = await joined(place);
  say('m2["merge",{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]');
  await vi.waitFor(() => expect(echoed).toEqual([["__proto__", "constructor"]]));
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  const auth = '{"__proto__":{"admin":true}}';
  let seen: Socket | undefined;
  place.io.use((socket, next) => {
    seen = socket;
    next();
  });
  await send(`${place.url}?__proto__=1&constructor=2`, hello().replace('["/"]', `["/",${auth}]`));
  expect(seen?.handshake.auth.admin).toBeUndefined();
  expect(Object.keys(seen?.handshake.query ?? {})).toEqual(["__proto__", "constructor"]);
});

describe("CVE-2020-36049: a huge message", () => {
  test("over WebSocket", async () => {
    const { raw, say } = await joined(await open());
    say(`m2["x","${"x".repeat(100_000)}"]`);
    expect(await raw.closeCode()).toBe(1009);
  });

  test("of very many values is but one message", async () => {
    const { heard, say } = await joined(await open({ maxHttpBufferSize: 1_000_000 }));
    say(`m2["x",{${Array.from({ length: 60_000 }, (_, at) => `"k${at}":0`).join(",")}}]`);
    await vi.waitFor(() => expect(heard).toHaveLength(1));
  });
});

describe("a thousand of everything", () => {
  test("namespaces in a hello", async () => {
    const { url } = await open();
    const join = Array.from({ length: 1_000 }, (_, at) => [`/n${at}`]);
    expect((await send(url, hello({ join }))).body).toMatch(/^c4400,/);
  });

  test("namespaces one by one, that there are and that there are not", async () => {
    const place = await open();
    for (let at = 0; at < 1_000; at++) place.io.of(`/n${at}`);
    const { raw, say } = await joined(place);
    say("a1,10000,1000000");
    for (let at = 0; at < 1_000; at++) say(`m0/n${at},`);
    for (let at = 0; at < 1_000; at++) say(`m0/nowhere${at},`);
    await vi.waitFor(() => expect(texts(raw).at(-1)).toContain("/nowhere999,"));
    const answers = texts(raw).filter((text) => /^m[04]\/n\d/.test(text));
    // the default namespace is one of the 32
    expect(answers.filter((text) => text.startsWith("m0"))).toHaveLength(31);
    expect(answers.filter((text) => text.includes("BW_NAMESPACE_LIMIT"))).toHaveLength(969);
    expect(texts(raw).filter((text) => text.includes("Invalid namespace"))).toHaveLength(1_000);
  });

  test("rooms, which are gone when their last member is", async () => {
    const place = await open({ resumeWindow: 50 });
    place.io.on("connection", (socket) =>
      socket.on("join", (rooms: string[]) => {
        socket.join(rooms);
        return socket.rooms.size;
      }),
    );
    const { raw, say } = await joined(place);
    say(`m21${JSON.stringify(["join", Array.from({ length: 1_000 }, (_, at) => `room${at}`)])}`);
    await vi.waitFor(() => expect(texts(raw).at(-1)).toBe("m31[1001]"));
    say(`m22${JSON.stringify(["join", ["x".repeat(256)]])}`);
    await vi.waitFor(() => expect(texts(raw).at(-1)).toMatch(/^m52\{.*BW_ROOM_NAME/));
    raw.socket.destroy();
    await vi.waitFor(() => expect(place.io.sockets).toHaveProperty("index.size", 0));
  });

  test("answers to what nobody asked", async () => {
    const place = await open();
    const { raw, say } = await joined(place);
    for (let id = 0; id < 1_000; id++) say(`m3${id}[1]`);
    say('m21["echo",1]');
    await vi.waitFor(() => expect(texts(raw).at(-1)).toBe("m31[1]"));
    expect(place.errors).toEqual([]);
  });
});
