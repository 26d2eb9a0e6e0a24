/**
 * The same scenarios with `ws` and with ours: which events come on either side, in which order, with what, and in which
 * `readyState`. Where ours differs the table says how, and docs/migrate/from-ws.md says so too.
 */
import { describe, expect, test } from "vitest";
import type { WebSocket } from "../../src/websocket/index.ts";
import {
  connectPair,
  implementations,
  type Name,
  open,
  type Pair,
  portOf,
  RawClient,
  record,
  serve,
  urlOf,
} from "./rig.ts";

interface Told {
  readonly server: readonly string[];
  readonly client: readonly string[];
}

interface Scenario {
  readonly name: string;
  readonly act: (pair: Pair) => unknown;
  readonly expected: Told;
  /** What ours says instead. */
  readonly ours?: Partial<Told>;
}

const scenarios: readonly Scenario[] = [
  {
    name: "messages and then a close with a reason, from the client",
    act: ({ client }) => {
      client.send("one");
      client.send(Buffer.from("two"));
      client.close(4000, "done");
    },
    expected: {
      server: ["message one false (1)", "message two true (1)", "close 4000 done (3)"],
      client: ["close 4000 done (3)"],
    },
    ours: { client: ["close 4000  (3)"] },
  },
  {
    name: "a close without a code, from the server",
    act: ({ server }) => server.close(),
    expected: { server: ["close 1005  (3)"], client: ["close 1005  (3)"] },
  },
  {
    name: "both close at once",
    act: ({ server, client }) => {
      server.close(4001);
      client.close(4002);
    },
    expected: { server: ["close 4002  (3)"], client: ["close 4001  (3)"] },
  },
  {
    name: "the client terminates",
    act: ({ client }) => client.terminate(),
    expected: { server: ["close 1006  (3)"], client: ["close 1006  (3)"] },
  },
  {
    name: "the server terminates",
    act: ({ server }) => server.terminate(),
    expected: { server: ["close 1006  (3)"], client: ["close 1006  (3)"] },
  },
  {
    name: "the server terminates behind a message",
    act: ({ server }) => {
      server.send("last");
      server.terminate();
    },
    expected: { server: ["close 1006  (3)"], client: ["message last false (1)", "close 1006  (3)"] },
  },
  {
    name: "the client ends TCP without a close frame",
    act: ({ client }) => void client._socket?.end(),
    expected: { server: ["close 1006  (3)"], client: ["close 1006  (3)"] },
  },
  {
    name: "the client closes twice, and sends when it is late",
    act: ({ client }) => {
      client.close(4000);
      client.close(4001);
      client.send("late");
      client.ping();
    },
    expected: { server: ["close 4000  (3)"], client: ["close 4000  (3)"] },
  },
  {
    name: "ping and pong, and a pong nobody asked for",
    act: async ({ client, server }) => {
      client.ping("hi");
      await new Promise((resolve) => client.once("pong", resolve));
      server.pong("yes");
      await new Promise((resolve) => client.once("pong", resolve));
      client.close(1000);
    },
    expected: {
      server: ["ping hi (1)", "close 1000  (3)"],
      client: ["pong hi (1)", "pong yes (1)", "close 1000  (3)"],
    },
  },
  {
    name: "a message too long",
    act: ({ client }) => client.send("x".repeat(2_000)),
    expected: { server: ["error (2)", "close 1006  (3)"], client: ["close 1009  (3)"] },
  },
  {
    name: "a text that is not UTF-8",
    act: ({ client }) => client.send(Buffer.from([0xff]), { binary: false }),
    expected: { server: ["error (2)", "close 1006  (3)"], client: ["close 1007  (3)"] },
  },
  {
    name: "bytes that are no frame",
    act: ({ client }) => void client._socket?.write(Buffer.from([0xf2, 0x80, 0, 0, 0, 0])),
    expected: { server: ["error (2)", "close 1006  (3)"], client: ["close 1002  (3)"] },
  },
  {
    name: "a message that arrives after close was called",
    act: ({ server, client }) => {
      server.send("crossing");
      client.close(4000);
    },
    expected: { server: ["close 4000  (3)"], client: ["message crossing false (2)", "close 4000  (3)"] },
    ours: { client: ["close 4000  (3)"] },
  },
];

const bothWays: readonly Name[] = ["ws", "ours"];

describe.each(scenarios)("$name", ({ act, expected, ours }) => {
  test.each(bothWays)("%s", async (name) => {
    const client = { perMessageDeflate: false as const };
    const pair = await connectPair({ names: [name, name], server: { maxPayload: 1_000 }, client });
    const told = { server: record(pair.server), client: record(pair.client) };
    const ends = [pair.server, pair.client].map(
      (one) => new Promise((resolve) => one.once("close", resolve)),
    );
    await act(pair);
    await Promise.all(ends);
    expect(told).toEqual(name === "ours" ? { ...expected, ...ours } : expected);
  });
});

test.each(bothWays)("%s: who is terminated as it connects was open", async (name) => {
  const wss = await serve({}, name);
  wss.on("connection", (socket) => socket.terminate());
  const client = open(urlOf(wss), { perMessageDeflate: false }, name);
  const told = record(client);
  await new Promise((resolve) => client.once("close", resolve));
  expect(told).toEqual(["open (1)", "close 1006  (3)"]);
});

interface ClientScenario {
  readonly name: string;
  /** What the server answers, raw; undefined: nothing listens there. */
  readonly answer: string | undefined;
  readonly act?: (socket: WebSocket) => void;
  readonly expected: readonly string[];
}

const clientScenarios: readonly ClientScenario[] = [
  { name: "nobody listens", answer: undefined, expected: ["error (2)", "close 1006  (3)"] },
  {
    name: "an answer of 404",
    answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    expected: ["error (2)", "close 1006  (3)"],
  },
  { name: "no HTTP", answer: "nonsense\r\n\r\n", expected: ["error (2)", "close 1006  (3)"] },
  { name: "the end of TCP", answer: "", expected: ["error (2)", "close 1006  (3)"] },
  {
    name: "the wrong Sec-WebSocket-Accept",
    answer:
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    expected: ["error (2)", "close 1006  (3)"],
  },
  {
    name: "close() before it is open",
    answer: "wait",
    act: (socket) => socket.close(),
    expected: ["error (2)", "close 1006  (3)"],
  },
  {
    name: "terminate() before it is open",
    answer: "wait",
    act: (socket) => socket.terminate(),
    expected: ["error (2)", "close 1006  (3)"],
  },
];

describe.each(clientScenarios)("a client that meets: $name", ({ answer, act, expected }) => {
  test.each(bothWays)("%s", async (name) => {
    const { createServer } = await import("node:net");
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer !== "wait" && socket.end(answer ?? ""));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const port = portOf(server as never);
    if (answer === undefined) await new Promise((resolve) => server.close(resolve));
    const socket = open(`ws://127.0.0.1:${port}/`, {}, name);
    const told = record(socket);
    const end = new Promise((resolve) => socket.once("close", resolve));
    act?.(socket);
    await end;
    server.close();
    expect(told).toEqual(expected);
  });
});

describe("what the caller did wrong is thrown by both", () => {
  const mistakes: Readonly<Record<string, (socket: WebSocket) => void>> = {
    "a code that may not be sent": (socket) => socket.close(1006),
    "a reason too long": (socket) => socket.close(1000, "é".repeat(62)),
    "a ping too long": (socket) => socket.ping("x".repeat(126)),
    "what cannot be sent": (socket) => socket.send({} as never),
  };
  test.each(Object.keys(mistakes))("%s", async (mistake) => {
    for (const name of bothWays) {
      const { client } = await connectPair({ names: [name, name] });
      expect(() => mistakes[mistake]?.(client)).toThrow();
      expect(client.readyState).toBe(1);
    }
  });

  test.each(["nonsense", "ftp://localhost", "ws://localhost/#part", "/relative", ""])(
    "the address %o",
    (address) => {
      for (const name of bothWays) {
        const { WebSocket: Class } = implementations[name];
        expect(() => new Class(address)).toThrow(expect.objectContaining({ name: "SyntaxError" }));
      }
    },
  );

  test.each([[["a", "a"]], [["a b"]], [[""]], [["é"]]])("the subprotocols %o", (protocols) => {
    for (const name of bothWays) {
      const { WebSocket: Class } = implementations[name];
      expect(() => new Class("ws://localhost", protocols)).toThrow(
        expect.objectContaining({ name: "SyntaxError" }),
      );
    }
  });

  test("send and ping before it is open", async () => {
    for (const name of bothWays) {
      const wss = await serve({}, name);
      const socket = open(urlOf(wss), {}, name);
      expect(() => socket.send("x")).toThrow("WebSocket is not open: readyState 0 (CONNECTING)");
      expect(() => socket.ping()).toThrow("WebSocket is not open: readyState 0 (CONNECTING)");
    }
  });
});

test("requests that are no upgrade get the same status", async () => {
  const heads = {
    "no key":
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "a POST": "POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "no upgrade": "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  };
  for (const head of Object.values(heads)) {
    const answers = await Promise.all(
      bothWays.map(async (name) => {
        const wss = await serve({}, name);
        return (await new RawClient(portOf(wss), head).ended()).slice(0, 12);
      }),
    );
    expect(answers[1]).toBe(answers[0]);
  }
});
