import { createServer, type Server } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveFolder } from "../src/chat/static-files.ts";

let server: Server;
let port: number;

beforeAll(async () => {
  const folder = fileURLToPath(new URL("../src/chat/public", import.meta.url));
  server = createServer(serveFolder(folder, { "other.js": fileURLToPath(import.meta.url) }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  port = address.port;
});

afterAll(() => server.close());

/** The status of a request whose target is sent as it is: `fetch` would tidy it up. */
async function statusOf(target: string, method = "GET"): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return Number((await text(socket)).split(" ", 2)[1]);
}

test.each([
  ["/", 200],
  ["/index.html", 200],
  ["/app.js?x=1", 200],
  ["/icon.svg", 200],
  ["/other.js", 200],
  ["/missing.js", 404],
  ["/../server.ts", 404],
  ["/%2e%2e/server.ts", 404],
  ["//app.js", 404],
  ["http://localhost/", 404],
  ["/constructor", 404],
])("%s answers %i", async (target, status) => {
  expect(await statusOf(target)).toBe(status);
});

test("nothing is posted here", async () => {
  expect(await statusOf("/", "POST")).toBe(405);
});

test("the page may run and load its own files only", async () => {
  const { headers } = await fetch(`http://127.0.0.1:${port}/`);
  const policy = headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});
