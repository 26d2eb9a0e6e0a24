/** Where a client may live: scripts and workers of each kind, under a policy that allows nothing but one's own origin. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "bothways";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { fromRoot } from "../../../../scripts/paths.ts";
import { useChromium, watchPage } from "./chromium.ts";

const policy = "default-src 'none'; script-src 'self'; connect-src 'self'; worker-src 'self'; img-src data:";
const asModule = 'import { io } from "/bothways/client.js";';
const ask = "io().emitWithAck('where')";
const script = (options: object): string =>
  `${asModule} io(${JSON.stringify(options)}).emitWithAck("where").then(console.log);`;

/** The file that the page loads, and what it loads in its turn. */
const places: readonly (readonly [name: string, file: string, others: Readonly<Record<string, string>>])[] = [
  ["a module", script({}), {}],
  ["a module, stream", script({ transports: ["stream"] }), {}],
  ["a module, sse", script({ transports: ["sse"] }), {}],
  ["a module, long-polling", script({ transports: ["long-polling"] }), {}],
  [
    "a worker",
    'new Worker("/worker.js", { type: "module" }).onmessage = ({ data }) => console.log(data);',
    { "/worker.js": `${asModule} ${ask}.then(postMessage);` },
  ],
  [
    "a classic worker",
    'new Worker("/worker.js").onmessage = ({ data }) => console.log(data);',
    { "/worker.js": `importScripts("/bothways.min.js"); bothways.${ask}.then(postMessage);` },
  ],
  [
    "a shared worker",
    `const { port } = new SharedWorker("/worker.js", { type: "module" });
      port.onmessage = ({ data }) => console.log(data);`,
    {
      "/worker.js": `${asModule}
        onconnect = ({ ports: [port] }) => ${ask}.then((answer) => port.postMessage(answer));`,
    },
  ],
  [
    "a service worker",
    `const { serviceWorker } = navigator;
      serviceWorker.onmessage = ({ data }) => console.log(data);
      await serviceWorker.register("/worker.js", { type: "module" });
      (await serviceWorker.ready).active.postMessage("");`,
    {
      "/worker.js": `${asModule}
        onmessage = ({ source }) => ${ask}.then((answer) => source.postMessage(answer));`,
    },
  ],
];

const browser = useChromium();
const library = readFileSync(fromRoot("packages/bothways/dist/bothways.min.js"), "utf8");
let page = "";
let files: Readonly<Record<string, string>> = {};
const httpServer = createServer(({ url = "" }, response) => {
  response.setHeader("Content-Security-Policy", policy);
  response.setHeader("Content-Type", url === "/" ? "text/html" : "text/javascript");
  response.end(url === "/" ? page : files[url]);
});
const io = new Server(httpServer);
io.on("connection", (socket) => socket.on("where", () => "here"));

beforeAll(async () => {
  httpServer.listen(0, "127.0.0.1");
  await once(httpServer, "listening");
});
afterAll(() => io.close());

/** Opens a page with these scripts: the first thing it says is what the server answered. */
async function visit(scripts: string, others: Readonly<Record<string, string>>): Promise<void> {
  page = `<!doctype html><link rel="icon" href="data:,">${scripts}`;
  files = { "/bothways.min.js": library, ...others };
  // service workers and shared ones stay with their context
  const context = await browser().newContext();
  onTestFinished(() => context.close());
  const tab = await context.newPage();
  const problems = watchPage(tab);
  const said = tab.waitForEvent("console");
  await tab.goto(`http://127.0.0.1:${(httpServer.address() as AddressInfo).port}/`);
  expect((await said).text()).toBe("here");
  expect(problems).toEqual([]);
}

test.each(places)("%s", (_name, file, others) =>
  visit('<script type="module" src="/page.js"></script>', { "/page.js": file, ...others }),
);

test("two classic scripts", () =>
  visit('<script src="/bothways.min.js"></script><script src="/page.js"></script>', {
    "/page.js": `bothways.${ask}.then(console.log);`,
  }));
