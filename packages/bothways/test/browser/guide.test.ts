/** The pages that the guide prints in HTML, opened in a real browser: each says the id of its socket on the console. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server, type Socket } from "bothways";
import { expect, onTestFinished, test } from "vitest";
import { blocksOf, pagesIn, readPage } from "../docs/programs.ts";
import { slowWebSocket, useChromium, watchPage } from "./chromium.ts";

const browser = useChromium();
const blocks = pagesIn("docs/guide/").flatMap((path) =>
  blocksOf(readPage(path), "html").map((html) => ({ path, html })),
);

test.each(blocks)("$path", async ({ html }) => {
  const head = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">';
  const httpServer = createServer((_request, response) =>
    response.setHeader("content-type", "text/html").end(head + html),
  );
  const io = new Server(httpServer, { dialects: ["plain"] });
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
  const connection = new Promise<Socket>((resolve) => io.on("connection", resolve));
  const page = await browser().newPage();
  onTestFinished(async () => {
    await page.close();
    await io.close();
  });
  const problems = watchPage(page, slowWebSocket);
  const said = page.waitForEvent("console", (message) => message.type() === "log");
  await page.goto(`http://127.0.0.1:${(httpServer.address() as AddressInfo).port}`);
  expect((await said).text()).toBe((await connection).id);
  expect(problems).toEqual([]);
});
