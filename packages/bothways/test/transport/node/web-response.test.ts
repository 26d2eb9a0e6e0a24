/** A response that is written: whole, or read piece by piece, with every byte that waits counted. */
import { once } from "node:events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { WebResponse } from "../../../src/transport/node/web-response.ts";

function open(): { response: WebResponse; left: AbortController } {
  const left = new AbortController();
  return { response: new WebResponse(left.signal), left };
}

test("what is ended in the turn it began is one piece, and over at once", async () => {
  const { response } = open();
  response.setHeader("Vary", "Origin");
  response.writeHead(200, { "Content-Length": 2 }).end("ü");
  const closed = once(response, "close");
  const answer = await response.answer;
  await closed;
  expect([answer.status, await answer.text()]).toEqual([200, "ü"]);
  expect(Object.fromEntries(answer.headers)).toMatchObject({ vary: "Origin", "content-length": "2" });
  expect(response).toMatchObject({ headersSent: true, writableLength: 0 });
});

test.each([200, 204])("no body at all: %s", async (status) => {
  const { response } = open();
  response.writeHead(status).end();
  const answer = await response.answer;
  expect([answer.status, await answer.text()]).toEqual([status, ""]);
});

test("what is long waits here until it is read", async () => {
  const { response } = open();
  response.writeHead(200).end("x".repeat(1_000_000));
  const answer = await response.answer;
  expect(response.writableLength).toBe(1_000_000);
  expect(await answer.text()).toHaveLength(1_000_000);
  expect(response.writableLength).toBe(0);
});

test("what is written comes as it was written, and what waits is what was not read", async () => {
  const chunk = fc.oneof(fc.string({ minLength: 1, unit: "grapheme" }), fc.uint8Array({ minLength: 1 }));
  const step = fc.oneof(chunk, fc.constant("read" as const), fc.constant("turn" as const));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { response } = open();
      response.writeHead(200);
      const answer = response.answer;
      const written: Uint8Array[] = [];
      const reader = (await answer).body?.getReader();
      if (reader === undefined) throw new Error("no body");
      const reads: Promise<unknown>[] = [];
      let got = Buffer.alloc(0);
      for (const what of steps) {
        if (what === "turn") await new Promise(setImmediate);
        else if (what === "read")
          reads.push(
            reader.read().then(({ value }) => {
              if (value !== undefined) got = Buffer.concat([got, value]);
            }),
          );
        else {
          written.push(Buffer.from(what));
          response.write(what);
        }
      }
      await new Promise(setImmediate);
      const taken = Math.min(reads.length, written.length);
      const waiting = written.slice(taken).reduce((total, { length }) => total + length, 0);
      expect(response.writableLength).toBe(waiting);
      expect(got).toEqual(Buffer.concat(written.slice(0, taken)));
      response.end();
      await Promise.all(reads);
      for (let result = await reader.read(); !result.done; result = await reader.read())
        got = Buffer.concat([got, result.value]);
      expect(got).toEqual(Buffer.concat(written));
    }),
    { numRuns: 100 },
  );
});

test("drain follows when all was read", async () => {
  const { response } = open();
  response.writeHead(200);
  const body = (await response.answer).body?.getReader();
  expect(response.write("x".repeat(response.writableHighWaterMark))).toBe(false);
  const drained = once(response, "drain");
  await body?.read();
  await drained;
});

test.each([
  ["given up before it began", 500, (response: WebResponse) => void response.destroy()],
  ["aborted before it began", 499, (_: WebResponse, left: AbortController) => left.abort()],
])("one that is %s has the status %i", async (_, status, giveUp) => {
  const { response, left } = open();
  const closed = once(response, "close");
  giveUp(response, left);
  const answer = await response.answer;
  await closed;
  expect([answer.status, await answer.text()]).toEqual([status, ""]);
});

test("one that is given up breaks off, and one that was aborted ends", async () => {
  const cut = open();
  cut.response.writeHead(200).write("x");
  const cutBody = (await cut.response.answer).text();
  cut.response.destroy();
  await expect(cutBody).rejects.toThrow("the answer was cut off");

  const left = open();
  left.response.writeHead(200).write("x");
  const leftBody = (await left.response.answer).text();
  left.left.abort();
  expect(await leftBody).toBe("x");
});

test.each(["at once", "after the end"])("a body that is cancelled %s closes it", async (when) => {
  const { response } = open();
  response.writeHead(200).write("x");
  if (when === "after the end") response.end("y");
  const closed = once(response, "close");
  await (await response.answer).body?.cancel();
  await closed;
  expect(response.write("y")).toBe(false);
  response.on("error", () => {});
});

test("nothing is thrown where it ends and is aborted in one turn", async () => {
  const { response, left } = open();
  response.writeHead(200).write("x");
  const text = (await response.answer).text();
  response.end();
  await new Promise(setImmediate);
  left.abort();
  response.destroy();
  expect(await text).toBe("x");
});
