/** Each policy and armed fault between a plain HTTP client and a plain HTTP server: who sees what, and what is counted. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request as requestHttp, type Server } from "node:http";
import { request as requestHttps } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  captivePortal,
  FaultProxy,
  PolicyProxy,
  type PolicyProxyOptions,
  type ProxiedRequest,
} from "../../src/testing/index.ts";
import { certificate, privateKey } from "../fixtures/localhost-certificate.ts";

interface Seen {
  readonly method: string;
  readonly version: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/**
 * `/echo` gives the body back with its length, `/chunks` in two chunks, the second when `release` is called; `/hold` waits for
 * `release`. Upgrades are echoed byte by byte.
 */
class Place {
  readonly seen: Seen[] = [];
  readonly proxy: PolicyProxy;
  readonly #server: Server;
  readonly #held: (() => void)[] = [];
  gone = 0;

  private constructor(server: Server, proxy: PolicyProxy) {
    this.#server = server;
    this.proxy = proxy;
    server.on("request", async (request, response) => {
      let body = "";
      for await (const part of request.setEncoding("utf8")) body += part;
      const { method = "", httpVersion, headers } = request;
      this.seen.push({ method, version: httpVersion, headers, body });
      response.on("close", () => {
        if (!response.writableFinished) this.gone += 1;
      });
      if (request.url === "/hold") return this.#held.push(() => response.end("held"));
      if (request.url !== "/chunks") return response.setHeader("X-Seen", "yes").end(body);
      response.write("first ");
      this.#held.push(() => response.end("second"));
    });
    server.on("upgrade", (_request, socket: Socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello ");
      socket.pipe(socket);
    });
  }

  static async open(options: Omit<PolicyProxyOptions, "target"> = {}): Promise<Place> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const proxy = await PolicyProxy.listen({ ...options, target: { port } });
    const place = new Place(server, proxy);
    onTestFinished(() => place.close());
    return place;
  }

  /** How many requests wait to be released. */
  get held(): number {
    return this.#held.length;
  }

  get serverConnections(): Promise<number> {
    return new Promise((resolve) => this.#server.getConnections((_error, count) => resolve(count)));
  }

  release(): void {
    for (const go of this.#held.splice(0)) go();
  }

  async close(): Promise<void> {
    await this.proxy.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** A socket to the proxy that collects what it hears. */
  async raw(text = ""): Promise<{ socket: Socket; heard: () => string; closed: Promise<string> }> {
    const socket = connect(this.proxy.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let heard = "";
    let code = "";
    socket.setEncoding("latin1").on("data", (part) => {
      heard += part;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      code = error.code ?? "";
    });
    await once(socket, "connect");
    socket.write(text);
    return {
      socket,
      heard: () => heard,
      closed: new Promise((resolve) => socket.on("close", () => resolve(code))),
    };
  }

  async upgrade(): Promise<Awaited<ReturnType<Place["raw"]>>> {
    return this.raw("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  }
}

interface Answered {
  readonly status: number;
  readonly version: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

function ask(
  url: string,
  path = "/echo",
  body = "",
  headers: Record<string, string> = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https") ? requestHttps : requestHttp;
    const request = send(
      url + path,
      { method: "POST", headers, agent: false, ca: certificate },
      async (response) => {
        try {
          let text = "";
          for await (const part of response.setEncoding("utf8")) text += part;
          const { statusCode: status = 0, httpVersion: version } = response;
          resolve({ status, version, headers: response.headers, body: text });
        } catch (error) {
          reject(error);
        }
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

describe("without a policy", () => {
  test("requests and answers pass with their headers", async () => {
    const { proxy, seen } = await Place.open();
    const answer = await ask(proxy.url, "/echo", "ä body", { "X-Mine": "1" });
    expect(answer).toMatchObject({
      status: 200,
      version: "1.1",
      body: "ä body",
      headers: { "x-seen": "yes" },
    });
    expect(seen).toMatchObject([
      { method: "POST", version: "1.1", body: "ä body", headers: { "x-mine": "1" } },
    ]);
    const strikes = Object.values(proxy.stats.strikes);
    expect(proxy.stats).toMatchObject({ opened: 1, requests: 1, upgrades: 0 });
    expect(strikes.every((count) => count === 0)).toBe(true);
  });

  test("one connection carries many requests, in chunks or not, with or without a body", async () => {
    const place = await Place.open();
    const { socket, heard } = await place.raw();
    const say = async (text: string, answer: string) => {
      socket.write(text);
      await vi.waitFor(() => expect(heard()).toMatch(new RegExp(`${answer}$`)));
    };
    await say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n", "one");
    await say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo", "two");
    await say("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
    await say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour", "four");
    expect(place.seen.map(({ body }) => body)).toEqual(["one", "two", "", "four"]);
    expect(place.proxy.stats.opened).toBe(1);
  });

  test("a head that comes byte by byte is read", async () => {
    const place = await Place.open();
    const { socket, heard } = await place.raw();
    for (const byte of "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n") {
      await new Promise((resolve) => socket.write(byte, resolve));
    }
    await vi.waitFor(() => expect(heard()).toContain("ok"));
  });

  test("chunks pass as they come", async () => {
    const place = await Place.open();
    const { heard } = await place.raw("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(heard()).toContain("6\r\nfirst \r\n"));
    place.release();
    await vi.waitFor(() => expect(heard()).toMatch(/6\r\nsecond\r\n0\r\n\r\n$/));
  });

  test("upgraded connections pass byte by byte, until either end is over", async () => {
    const place = await Place.open();
    const { socket, heard, closed } = await place.upgrade();
    await vi.waitFor(() => expect(heard()).toMatch(/^HTTP\/1\.1 101[\s\S]*\r\n\r\nhello $/));
    socket.write("GET /not HTTP\r\n\r\n");
    await vi.waitFor(() => expect(heard()).toMatch(/hello GET \/not HTTP\r\n\r\n$/));
    socket.end();
    expect(await closed).toBe("");
    expect(place.proxy.stats).toMatchObject({ requests: 1, upgrades: 1, live: 0 });
  });

  test("a client that leaves takes its request with it", async () => {
    const place = await Place.open();
    const { socket } = await place.raw("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(place.held).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(place.gone).toBe(1));
  });

  test("502 when the server cannot be reached", async () => {
    const place = await Place.open();
    place.proxy.target = { port: 1 };
    expect(await ask(place.proxy.url)).toMatchObject({ status: 502 });
  });

  test("what is no HTTP is cut off", async () => {
    const place = await Place.open();
    const { closed } = await place.raw("POST / HTTP/1.1\r\nContent-Length: some\r\n\r\n");
    expect(await closed).toBe("ECONNRESET");
    const endless = await place.raw("x".repeat(70_000));
    expect(await endless.closed).toBe("ECONNRESET");
  });

  test("so is a request that is too long, and who asks much before anything was answered", async () => {
    const place = await Place.open();
    const long = await place.raw(`POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n`);
    long.socket.write(Buffer.alloc(17_000_000));
    expect(await long.closed).toMatch(/ECONNRESET|EPIPE/);
    const many = await place.raw("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n".repeat(102));
    expect(await many.closed).toBe("ECONNRESET");
  });
});

describe("upgrade", () => {
  test.for([200, 400, 403, 502])("is answered with %i", async (upgrade) => {
    const { proxy } = await Place.open({ upgrade });
    const socket = connect(proxy.port, "127.0.0.1");
    socket.write("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    expect(String((await once(socket, "data"))[0])).toMatch(new RegExp(`^HTTP/1.1 ${upgrade} `));
    socket.destroy();
    expect(await ask(proxy.url, "/echo", "others pass")).toMatchObject({ body: "others pass" });
    expect(proxy.stats.strikes.upgrade).toBe(1);
  });

  test("strip: the server sees a plain request", async () => {
    const place = await Place.open({ upgrade: "strip" });
    const { heard } = await place.upgrade();
    await vi.waitFor(() => expect(heard()).toMatch(/^HTTP\/1.1 200 /));
    expect(place.seen[0]?.headers.upgrade).toBe(undefined);
    expect(place.proxy.stats).toMatchObject({ upgrades: 0, strikes: { upgrade: 1 } });
  });

  test("hang: nobody ever answers, and the server does not hear of it", async () => {
    const place = await Place.open({ upgrade: "hang" });
    const { heard, socket } = await place.upgrade();
    await vi.waitFor(() => expect(place.proxy.stats.strikes.upgrade).toBe(1));
    expect(await ask(place.proxy.url)).toMatchObject({ status: 200 });
    expect(heard()).toBe("");
    expect(socket.closed).toBe(false);
    expect(place.seen).toHaveLength(1);
  });
});

describe("bufferBytes", () => {
  test("holds an answer until it ends", async () => {
    const place = await Place.open({ bufferBytes: Number.POSITIVE_INFINITY });
    const { heard } = await place.raw("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(place.proxy.stats.strikes.bufferBytes).toBe(1));
    expect(heard()).toBe("");
    place.release();
    await vi.waitFor(() => expect(heard()).toMatch(/first [\s\S]*second\r\n0\r\n\r\n$/));
  });

  test("or until so much has come", async () => {
    const place = await Place.open({ bufferBytes: 6 });
    const { heard } = await place.raw("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(heard()).toContain("first "));
    place.release();
    await vi.waitFor(() => expect(heard()).toContain("second"));
    place.proxy.change({ bufferBytes: 7 });
    const other = await place.raw("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(place.proxy.stats.strikes.bufferBytes).toBe(2));
    expect(other.heard()).toBe("");
  });

  test("does not touch upgraded connections", async () => {
    const place = await Place.open({ bufferBytes: Number.POSITIVE_INFINITY });
    const { heard } = await place.upgrade();
    await vi.waitFor(() => expect(heard()).toMatch(/hello $/));
  });
});

describe("idleTimeoutMs", () => {
  test("resets a request that waits, and the server hears of it", async () => {
    const place = await Place.open({ idleTimeoutMs: 60 });
    await expect(ask(place.proxy.url, "/hold")).rejects.toThrow(/ECONNRESET|hang up/);
    await vi.waitFor(() => expect(place.gone).toBe(1));
    expect(place.proxy.stats.strikes.idleTimeoutMs).toBe(1);
  });

  test("reaches open connections, upgraded ones too, and leaves those that speak", async () => {
    const place = await Place.open();
    const { heard, closed } = await place.upgrade();
    await vi.waitFor(() => expect(heard()).toMatch(/hello $/));
    place.proxy.change({ idleTimeoutMs: 200 });
    const speaking = await place.upgrade();
    const timer = setInterval(() => speaking.socket.write("."), 20);
    onTestFinished(() => clearInterval(timer));
    expect(await closed).toBe("ECONNRESET");
    expect(speaking.socket.closed).toBe(false);
  });
});

test("maxConnections: the next request waits for its turn, unless its client leaves", async () => {
  const place = await Place.open({ maxConnections: 1 });
  const first = ask(place.proxy.url, "/hold");
  await vi.waitFor(() => expect(place.held).toBe(1));
  const { socket } = await place.raw("GET /left HTTP/1.1\r\nHost: a\r\n\r\n");
  await vi.waitFor(() => expect(place.proxy.stats.strikes.maxConnections).toBe(1));
  socket.destroy();
  const second = ask(place.proxy.url, "/echo", "second");
  await vi.waitFor(() => expect(place.proxy.stats.strikes.maxConnections).toBe(2));
  expect(await place.serverConnections).toBe(1);
  expect(place.seen).toHaveLength(1);
  place.release();
  expect((await first).body).toBe("held");
  expect((await second).body).toBe("second");
  expect(place.seen.map(({ body }) => body)).toEqual(["", "second"]);
  const third = ask(place.proxy.url, "/hold");
  await vi.waitFor(() => expect(place.held).toBe(1));
  const fourth = ask(place.proxy.url, "/echo", "fourth");
  await vi.waitFor(() => expect(place.proxy.stats.strikes.maxConnections).toBe(3));
  place.proxy.change({ maxConnections: 2 });
  expect((await fourth).body).toBe("fourth");
  place.release();
  await third;
});

test("stripConnection: the server sees an upgrade that is none", async () => {
  const place = await Place.open({ stripConnection: true });
  const { heard } = await place.upgrade();
  await vi.waitFor(() => expect(heard()).toMatch(/^HTTP\/1.1 200 /));
  expect(heard()).not.toMatch(/^(connection|keep-alive):/im);
  expect(place.seen[0]?.headers).toMatchObject({ upgrade: "echo" });
  expect(place.seen[0]?.headers.connection).toBe(undefined);
  expect(place.proxy.stats.strikes.stripConnection).toBe(1);
});

describe("http10", () => {
  test("both sides speak it: no chunks, and the connection ends with the answer", async () => {
    const place = await Place.open({ http10: true });
    const { heard, closed, socket } = await place.raw("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(heard()).toMatch(/\r\n\r\nfirst $/));
    place.release();
    expect(await closed).toBe("");
    expect(socket.closed).toBe(true);
    expect(heard()).toMatch(/^HTTP\/1\.0 200 OK\r\n[\s\S]*Connection: close\r\n\r\nfirst second$/);
    expect(heard()).not.toMatch(/transfer-encoding|keep-alive/i);
    expect(place.seen[0]).toMatchObject({ version: "1.0" });
  });

  test("a chunked body gets a length, and nobody can upgrade", async () => {
    const place = await Place.open({ http10: true });
    const head =
      "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked";
    const { closed, heard } = await place.raw(`${head}\r\n\r\n2\r\nok\r\n0\r\n\r\n`);
    expect(await closed).toBe("");
    expect(heard()).toMatch(/^HTTP\/1\.0 200 OK[\s\S]*ok$/);
    expect(place.seen[0]).toMatchObject({ version: "1.0", body: "ok", headers: { "content-length": "2" } });
    expect(place.proxy.stats.strikes.http10).toBe(1);
  });
});

describe("answer", () => {
  test.for([502, 503])("%i for a while, then the server again", async (answer) => {
    const { proxy, seen } = await Place.open();
    proxy.change({ answer }, 100);
    expect(await ask(proxy.url)).toMatchObject({ status: answer, body: "" });
    expect(seen).toEqual([]);
    await vi.waitFor(async () => expect((await ask(proxy.url)).status).toBe(200));
    expect(proxy.stats.strikes.answer).toBeGreaterThan(0);
  });

  test("headers and body: 429, a redirect, a captive portal, for upgrades too", async () => {
    const place = await Place.open();
    const { proxy } = place;
    proxy.change({ answer: { status: 429, headers: { "Retry-After": "7" } } });
    expect(await ask(proxy.url)).toMatchObject({ status: 429, headers: { "retry-after": "7" } });
    proxy.change({ answer: { status: 302, headers: { Location: "https://example.com/" } } });
    expect(await ask(proxy.url)).toMatchObject({
      status: 302,
      headers: { location: "https://example.com/" },
    });
    proxy.change({ answer: captivePortal });
    expect((await ask(proxy.url)).body).toContain("Sign in");
    const { heard, closed } = await place.upgrade();
    await closed;
    expect(heard()).toMatch(/^HTTP\/1.1 200 OK\r\nContent-Type: text\/html\r\n/);
    proxy.change({ answer: undefined });
    expect(await ask(proxy.url, "/echo", "back")).toMatchObject({ body: "back" });
    expect(proxy.stats.strikes.answer).toBe(4);
  });

  test("what was set meanwhile outlives the time of an earlier change", async () => {
    const { proxy } = await Place.open();
    proxy.change({ answer: 503, http10: true }, 30);
    proxy.change({ answer: 429 });
    await vi.waitFor(async () => expect((await ask(proxy.url)).version).toBe("1.1"));
    expect((await ask(proxy.url)).status).toBe(429);
  });
});

const isPost = ({ method }: ProxiedRequest): boolean => method === "POST";

describe("armed faults", () => {
  test("duplicate: the server gets the request twice, the client one answer", async () => {
    const place = await Place.open();
    const { proxy } = place;
    const struck = proxy.duplicateNext(({ body }) => String(body) === "twice");
    expect((await ask(proxy.url, "/echo", "once")).body).toBe("once");
    expect((await ask(proxy.url, "/echo", "twice")).body).toBe("twice");
    expect((await struck).request).toMatchObject({ method: "POST", path: "/echo" });
    expect(place.seen.map(({ body }) => body)).toEqual(["once", "twice", "twice"]);
    expect(proxy.stats).toMatchObject({ requests: 2, strikes: { duplicate: 1 } });
    await vi.waitFor(async () => expect(await place.serverConnections).toBe(0));
  });

  test("lose: the server has answered, the client sees a reset", async () => {
    const { proxy, seen } = await Place.open();
    const struck = proxy.loseNext(isPost);
    await expect(ask(proxy.url, "/echo", "lost")).rejects.toThrow(/ECONNRESET|hang up/);
    expect(String((await struck).request.body)).toBe("lost");
    expect(seen).toHaveLength(1);
    expect(proxy.stats.strikes.lose).toBe(1);
    expect((await ask(proxy.url)).status).toBe(200);
  });

  test("cut: in mid-chunk", async () => {
    const place = await Place.open();
    const struck = place.proxy.cutNext(8);
    const { heard, closed } = await place.raw("GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(heard()).toContain("first "));
    place.release();
    await struck;
    await closed;
    expect(heard()).toMatch(/6\r\nfirst \r\n6\r\nse$/);
  });

  test.for([0, 3, 9])("cut: never the whole of an answer (after %i bytes)", async (afterBytes) => {
    const { proxy } = await Place.open();
    const struck = proxy.cutNext(afterBytes);
    await expect(ask(proxy.url, "/echo", "four")).rejects.toThrow("aborted");
    await struck;
    expect(proxy.stats.strikes.cut).toBe(1);
  });

  test("one whose request went away waits for the next", async () => {
    const place = await Place.open();
    const { proxy } = place;
    const struck = proxy.loseNext();
    const { socket } = await place.raw("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(place.held).toBe(1));
    socket.destroy();
    await vi.waitFor(() => expect(proxy.stats.live).toBe(0));
    await expect(ask(proxy.url)).rejects.toThrow(/ECONNRESET|hang up/);
    expect((await struck).request.method).toBe("POST");
  });

  test("are rejected when the proxy closes, waiting or under way", async () => {
    const place = await Place.open();
    const struck = place.proxy.loseNext();
    const waiting = place.proxy.loseNext();
    await place.raw("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    await vi.waitFor(() => expect(place.held).toBe(1));
    await place.proxy.close();
    await expect(struck).rejects.toThrow("closed before");
    await expect(waiting).rejects.toThrow("closed before");
  });
});

test("in front of TLS: terminates it, with every policy", async () => {
  const { proxy } = await Place.open({ tls: { cert: certificate, key: privateKey }, bufferBytes: 1 });
  expect(proxy.url).toMatch(/^https:/);
  expect(await ask(proxy.url, "/echo", "secret")).toMatchObject({ body: "secret" });
  void proxy.loseNext();
  await expect(ask(proxy.url)).rejects.toThrow(/ECONNRESET|hang up/);
  // one that never begins with TLS does not keep the proxy from closing
  const silent = connect(proxy.port, "127.0.0.1");
  await once(silent, "connect");
  await proxy.close();
});

test("behind a fault proxy, both strike", async () => {
  const place = await Place.open({ stripConnection: true });
  const faults = await FaultProxy.listen({ target: { port: place.proxy.port } });
  onTestFinished(() => faults.close());
  const strike = faults.cutOnNext({ direction: "down", afterBytes: 5 });
  await expect(ask(faults.url, "/echo", "cut")).rejects.toThrow();
  expect((await strike).connections).toBe(1);
  expect(place.proxy.stats.strikes.stripConnection).toBe(1);
});

test.for([{ bufferBytes: -1 }, { idleTimeoutMs: 0 }, { maxConnections: 0 }, { maxConnections: Number.NaN }])(
  "%o is refused",
  async (policies) => {
    await expect(PolicyProxy.listen({ target: { port: 1 }, ...policies })).rejects.toThrow(RangeError);
    const { proxy } = await Place.open();
    expect(() => proxy.change(policies)).toThrow(RangeError);
  },
);

test("close leaves nothing behind: a thread with a proxy in full use ends by itself", async () => {
  const worker = new Worker(new URL("close-policy-and-exit.ts", import.meta.url));
  const [code] = await once(worker, "exit");
  expect(code).toBe(0);
});
