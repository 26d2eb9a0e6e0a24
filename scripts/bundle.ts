/**
 * After `tsc -b`: the two bundles of the default client (a global for script tags, one file for import maps), every
 * technique as one file, and the licence and README that npm wants beside package.json.
 */
import { copyFileSync, existsSync } from "node:fs";
import { type BuildOptions, build } from "esbuild";
import { fromRoot } from "./paths.ts";

const client = [fromRoot("packages/bothways/dist/client/index.js")];
const shared: BuildOptions = {
  bundle: true,
  minify: true,
  platform: "browser",
  target: "es2022",
  legalComments: "none",
  sourcemap: true,
};

await build({
  ...shared,
  entryPoints: client,
  format: "iife",
  globalName: "bothways",
  outfile: fromRoot("packages/bothways/dist/bothways.min.js"),
});
await build({
  ...shared,
  entryPoints: client,
  format: "esm",
  outfile: fromRoot("packages/bothways/dist/client.esm.min.js"),
});
await build({
  ...shared,
  entryPoints: [fromRoot("packages/bothways/dist/client/transports.js")],
  format: "esm",
  outfile: fromRoot("packages/bothways/dist/transports.esm.min.js"),
});

for (const name of ["LICENSE", "README.md"]) {
  if (existsSync(fromRoot(name))) copyFileSync(fromRoot(name), fromRoot(`packages/bothways/${name}`));
}
