/**
 * Bundles what a browser downloads and fails where it is over its budget. The bundles stay in
 * packages/bothways/dist/size, so that the browser tests run on the very bytes measured here.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { fromRoot } from "./paths.ts";

interface Budget {
  readonly name: string;
  readonly source: string;
  /** Where it has to get to. */
  readonly targetGzipBytes: number;
  /** What it may weigh until then; raised only with what it buys. */
  readonly maxGzipBytes: number;
}

const budgets: readonly Budget[] = [
  {
    name: "core-websocket",
    source: 'export { io } from "bothways/client/core"; export { webSocket } from "bothways/client";',
    targetGzipBytes: 4_000,
    maxGzipBytes: 7_975,
  },
  {
    name: "default",
    source: 'export { io } from "bothways/client";',
    targetGzipBytes: 8_000,
    maxGzipBytes: 10_995,
  },
  {
    name: "all",
    source: 'export { io } from "bothways/client"; export * as techniques from "bothways/client/transports";',
    targetGzipBytes: 12_000,
    maxGzipBytes: 12_000,
  },
];

const folder = fromRoot("packages/bothways/dist/size");
mkdirSync(folder, { recursive: true });
console.log("bundle           minified      gzip   allowed    target");
for (const budget of budgets) {
  const bundle = await bundleOf(budget.source);
  writeFileSync(`${folder}/${budget.name}.js`, bundle);
  const gzipBytes = gzipSync(bundle, { level: 9 }).length;
  const isOver = gzipBytes > budget.maxGzipBytes;
  if (isOver) process.exitCode = 1;
  const numbers = [bundle.length, gzipBytes, budget.maxGzipBytes, budget.targetGzipBytes].map((bytes) =>
    String(bytes).padStart(10),
  );
  console.log(`${budget.name.padEnd(15)}${numbers.join("")}${isOver ? "  OVER" : ""}`);
}

console.log("transport      adds gzip to core");
const techniques = [
  "webSocket",
  "stream",
  "sse",
  "longPolling",
  "multipart",
  "shortPolling",
  "iframe",
  "jsonp",
];
const core = 'export { io } from "bothways/client/core";';
const coreGzipBytes = gzipSync(await bundleOf(core), { level: 9 }).length;
for (const technique of techniques) {
  const source = `${core} export { ${technique} } from "bothways/client/transports";`;
  const gzipBytes = gzipSync(await bundleOf(source), { level: 9 }).length;
  console.log(`${technique.padEnd(15)}${String(gzipBytes - coreGzipBytes).padStart(10)}`);
}

/** Minified ES module for browsers, tree-shaken, as an application's own bundler would make it. */
async function bundleOf(source: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fromRoot(".") },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    write: false,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error("esbuild wrote nothing");
  return file.contents;
}
