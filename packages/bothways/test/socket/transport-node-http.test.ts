/** Long polling's server half behind `node:http`: each request gets one answer, or its client is gone. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Account } from "../../src/model/account.ts";
import type { Data } from "../../src/model/message.ts";
import { HttpAnswer } from "../../src/transport/node/http.ts";
import { PollingLink } from "../../src/transport/node/long-polling.ts";
import type { OpenRequests } from "../../src/transport/node/open-requests.ts";
import { checkOrigin, corsHeaders } from "../../src/transport/node/origin.ts";
import { readBody } from "../../src/transport/node/request-body.ts";
import { decodeBody, encodeBody } from "../../src/wire/native/body.ts";

const account = new Account(1e9);
const limits = { maxBytes: 1_000, timeoutMs: 1_000, account };
const openRequests: OpenRequests = { count: 0, account };
const events: string[] = [];
let link: PollingLink;
let frames: Data[];
let port = 0;
let url = "";

/** As little of a driver as a link needs. */
function handle(request: IncomingMessage, response: ServerResponse): void {
  const verdict = checkOrigin(request, { origins: ["https://app.com"], trustProxy: false });
  const answer = new HttpAnswer(response, corsHeaders(verdict), openRequests);
  if (!verdict.isAllowed) return answer.refuse("BW_ORIGIN", verdict.reason);
  if (request.method === "OPTIONS") return answer.permit(request.headers["access-control-request-headers"]);
  if (request.method !== "POST") return answer.refuse("BW_METHOD");
  readBody(request, limits, (result) => {
    if (!result.isRead) return answer.refuse(result.error);
    const body = decodeBody(result.bytes);
    if (body === undefined) return answer.refuse("BW_BAD_REQUEST");
    const [first, ...rest] = body;
    if (first === "h") link.open(answer);
    else if (typeof first === "string" && first.startsWith("k"))
      link.batch(Number(first.slice(1)), rest, answer);
    else if (typeof first === "string" && first.startsWith("q"))
      link.poll(Number(first.slice(1)), rest, answer);
    else answer.refuse("BW_BAD_REQUEST");
  });
}

const server = createServer(handle);

beforeEach(async () => {
  events.length = 0;
  frames = [];
  link = new PollingLink();
  link.bind({
    receive: (data) => frames.push(typeof data === "string" ? data : data.slice()),
    received: () => events.push("received"),
    writable: () => events.push("writable"),
    blocked: () => events.push("blocked"),
    position: () => "a1,2,3",
    lost: (code) => events.push(code),
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  url = `http://127.0.0.1:${port}/bothways/`;
});

afterEach(async () => {
  link.close(4000, "bye");
  await vi.waitFor(() => expect(openRequests.count).toBe(0));
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

function post(body: readonly Data[], init: RequestInit = {}): Promise<Response> {
  return fetch(url, { method: "POST", body: encodeBody(body) as BodyInit, ...init });
}

async function bodyOf(response: Response): Promise<Data[] | undefined> {
  return decodeBody(new Uint8Array(await response.arrayBuffer()));
}

async function openRaw(text: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

function headOf(length: number | "chunked"): string {
  const field = length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`;
  return `POST /bothways/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${field}\r\n\r\n`;
}

describe("exchanges", () => {
  test("hello, polls and batches, text and binary", async () => {
    const hello = post(["h"]);
    await vi.waitFor(() => expect(events).toEqual(["writable"]));
    expect(openRequests.count).toBe(1);
    link.send({ data: 'w{"sid":"한국어"}' });
    link.send({ data: "m1" });
    link.flush();
    const welcome = await hello;
    expect(await bodyOf(welcome)).toEqual(['w{"sid":"한국어"}', "m1"]);
    expect(Object.fromEntries(welcome.headers)).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-type": "text/plain; charset=utf-8",
      vary: "Origin",
    });

    const poll = post(["q1", "a1,9,9"]);
    await vi.waitFor(() => expect(events.at(-1)).toBe("writable"));
    const binary = Uint8Array.of(109, 0, 255);
    const batch = await post(["k1", "mx", binary]);
    expect(await bodyOf(batch)).toEqual(["a1,2,3"]);
    expect(frames).toEqual(["a1,9,9", "mx", binary]);
    link.send({ data: binary });
    link.flush();
    const answer = await poll;
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    expect(await bodyOf(answer)).toEqual([binary]);
  });

  test("a poll that goes away blocks the link", async () => {
    const abort = new AbortController();
    const poll = post(["q1"], { signal: abort.signal });
    await vi.waitFor(() => expect(events.at(-1)).toBe("writable"));
    abort.abort();
    await expect(poll).rejects.toThrow();
    await vi.waitFor(() => expect(events.at(-1)).toBe("blocked"));
    expect(openRequests.count).toBe(0);
  });

  test("a client that ends its side has gone away", async () => {
    const socket = await openRaw(`${headOf(2)}q1`);
    await vi.waitFor(() => expect(events.at(-1)).toBe("writable"));
    socket.end();
    await vi.waitFor(() => expect(events.at(-1)).toBe("blocked"));
    socket.destroy();
  });

  test("a client that resets has gone away", async () => {
    const socket = await openRaw(`${headOf(2)}q1`);
    await vi.waitFor(() => expect(events.at(-1)).toBe("writable"));
    socket.resetAndDestroy();
    await vi.waitFor(() => expect(events.at(-1)).toBe("blocked"));
  });

  test("a closed link tells its end to the poll that is held, and to later requests with the status of the code", async () => {
    const poll = post(["q1"]);
    await vi.waitFor(() => expect(events.at(-1)).toBe("writable"));
    link.close(4409, "taken over");
    const answer = await poll;
    expect(answer.status).toBe(200);
    expect(await bodyOf(answer)).toEqual(["c4409,taken over"]);
    expect((await post(["q2"])).status).toBe(409);
    expect((await post(["k1", "mx"])).status).toBe(409);
    expect(frames).toEqual([]);
  });
});

describe("bodies", () => {
  test("byte by byte", async () => {
    const socket = await openRaw("");
    for (const byte of `${headOf(5)}k1\nmx`) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 200 /);
    expect(frames).toEqual(["mx"]);
    socket.destroy();
  });

  test("a malformed one is refused", async () => {
    const answer = await fetch(url, { method: "POST", body: Uint8Array.of(0, 0, 0, 0, 9, 1) });
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toEqual([expect.stringMatching(/^c4400,/)]);
  });

  test("one declared too long is refused at once", async () => {
    const socket = await openRaw(headOf(1_001));
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  test("one that grows too long is refused, and the connection serves on when it has ended", async () => {
    const socket = await openRaw(headOf("chunked"));
    for (let i = 0; i < 20; i++) socket.write(`64\r\n${"x".repeat(100)}\r\n`);
    socket.write("0\r\n\r\n");
    const [chunk] = await once(socket, "data");
    expect(String(chunk)).toMatch(/^HTTP\/1\.1 413 /);
    socket.write(`${headOf(5)}k1\nmx`);
    const [next] = await once(socket, "data");
    expect(String(next)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  test("one that never ends is cut off, refused or not", async () => {
    const endless = await openRaw(headOf("chunked"));
    endless.write(`7d0\r\n${"x".repeat(2_000)}\r\n`);
    expect(await readAll(endless)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("a slow one is refused and its connection closed", async () => {
    const socket = await openRaw(`${headOf(4)}k`);
    const text = await readAll(socket);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toMatch(/\r\nConnection: close\r\n/);
    expect(text).toMatch(/c4408,/);
  });

  test("one cut short by a reset is never answered", async () => {
    const socket = await openRaw(`${headOf(4)}k`);
    await vi.waitFor(() => expect(openRequests.count).toBe(1));
    socket.resetAndDestroy();
    await vi.waitFor(() => expect(openRequests.count).toBe(0));
    expect(frames).toEqual([]);
  });
});

describe("other origins", () => {
  test("one that is allowed may read each answer, good or bad", async () => {
    for (const [body, status] of [["k1", 200] as const, ["?", 400] as const]) {
      const answer = await post([body], { headers: { Origin: "https://app.com" } });
      expect(answer.status).toBe(status);
      expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.com");
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
      expect(answer.headers.get("vary")).toBe("Origin");
    }
  });

  test("one that is not is told what was compared", async () => {
    const answer = await post(["k1", "mx"], { headers: { Origin: "https://evil.com" } });
    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(answer.headers.get("vary")).toBe("Origin");
    const [frame] = (await bodyOf(answer)) ?? [];
    expect(frame).toContain(`c4403,origin "https://evil.com" is not the server's "http://127.0.0.1:${port}"`);
    expect(frames).toEqual([]);
  });

  test("a preflight is answered", async () => {
    const headers = {
      Origin: "https://app.com",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization, x-trace",
    };
    const answer = await fetch(url, { method: "OPTIONS", headers });
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": "https://app.com",
      "access-control-allow-methods": "POST, OPTIONS",
      "access-control-allow-headers": "authorization, x-trace",
    });
    expect(
      (await fetch(url, { method: "OPTIONS", headers: { ...headers, Origin: "https://evil.com" } })).status,
    ).toBe(403);
  });
});

test("an answer is given once", async () => {
  const seen: HttpAnswer[] = [];
  const once_ = createServer((_, response) => {
    const answer = new HttpAnswer(response, {}, openRequests);
    seen.push(answer);
    answer.send(200, ["m1"]);
    answer.send(200, ["m2"]);
    answer.refuse("BW_BAD_REQUEST");
    answer.permit(undefined);
  }).listen(0, "127.0.0.1");
  await once(once_, "listening");
  const response = await fetch(`http://127.0.0.1:${(once_.address() as AddressInfo).port}`);
  expect(await response.text()).toBe("m1");
  expect(seen[0]?.isOver).toBe(true);
  expect(openRequests.count).toBe(0);
  once_.closeAllConnections();
  once_.close();
});
