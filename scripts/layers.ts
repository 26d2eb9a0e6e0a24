/**
 * The house as data: which folder of the library may import which, and which platform it sees. From this table come
 * the small tsconfig of each folder (project references and `lib`/`types`: the compiler keeps the arrows and the
 * purity) and the table in ARCHITECTURE.md.
 *
 * Invariant: nothing else decides who may import whom; to move an arrow is to change a row here.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** What a layer sees beside the language: UTF-8 only, the DOM, Node, or both. */
export type Platform = "pure" | "dom" | "node" | "node+dom";

export interface Layer {
  /** Unique; the folder under `src`, or the one file that differs from its folder. */
  readonly name: string;
  readonly platform: Platform;
  readonly imports: readonly string[];
}

const clientImports = ["model", "wire", "session", "dialect", "transport/client"];

/**
 * A row whose name is a file takes that file out of the row of its folder. What a row imports must be allowed to import
 * no more than the row itself, since the compiler follows references of references.
 */
export const layers: readonly Layer[] = [
  { name: "model", platform: "pure", imports: [] },
  { name: "wire", platform: "pure", imports: ["model"] },
  { name: "session", platform: "pure", imports: ["model"] },
  { name: "hub", platform: "pure", imports: ["model"] },
  { name: "contract", platform: "pure", imports: ["model"] },
  { name: "dialect", platform: "pure", imports: ["model", "wire", "session"] },
  { name: "platform/node.ts", platform: "node", imports: ["model"] },
  { name: "platform/web.ts", platform: "dom", imports: ["model"] },
  { name: "transport/client", platform: "pure", imports: ["model", "wire"] },
  {
    name: "transport/web",
    platform: "dom",
    imports: ["model", "wire", "platform/web.ts", "transport/client"],
  },
  { name: "transport/node", platform: "node", imports: ["model", "wire", "platform/node.ts"] },
  {
    name: "transport/node-client",
    platform: "node",
    imports: ["model", "wire", "platform/node.ts", "transport/client"],
  },
  { name: "websocket", platform: "node", imports: ["model", "wire", "platform/node.ts", "transport/node"] },
  { name: "observe", platform: "node", imports: ["model"] },
  {
    name: "server",
    platform: "node",
    imports: ["model", "wire", "session", "hub", "dialect", "platform/node.ts", "transport/node", "observe"],
  },
  { name: "client", platform: "dom", imports: clientImports },
  {
    name: "client/index.ts",
    platform: "dom",
    imports: [...clientImports, "client", "platform/web.ts", "transport/web"],
  },
  {
    name: "client/index.node.ts",
    platform: "node+dom",
    imports: [...clientImports, "client", "platform/node.ts", "transport/node-client"],
  },
  {
    name: "client/transports.ts",
    platform: "dom",
    imports: ["model", "wire", "platform/web.ts", "transport/client", "transport/web"],
  },
  {
    name: "client/transports.node.ts",
    platform: "node",
    imports: ["model", "wire", "platform/node.ts", "transport/client", "transport/node-client"],
  },
  { name: "testing", platform: "node", imports: ["model"] },
];

const platforms: Record<Platform, { lib: string[]; types: string[] }> = {
  pure: { lib: ["es2023"], types: [] },
  dom: { lib: ["es2023", "dom", "dom.iterable"], types: [] },
  node: { lib: ["es2023"], types: ["node"] },
  "node+dom": { lib: ["es2023", "dom", "dom.iterable"], types: ["node"] },
};

const generatedNote = "// Written by `npm run layers` from scripts/layers.ts; do not edit.";
const tableStart = "<!-- layers:start (written by `npm run layers`) -->";
const tableEnd = "<!-- layers:end -->";

/** A file as the table wants it. */
export interface WantedFile {
  readonly path: string;
  readonly text: string;
}

/** Every generated file of the house whose repository is at `root`. Rows without a source file are skipped. */
export function wantedFiles(root: string): WantedFile[] {
  const packageFolder = join(root, "packages/bothways");
  const sources = sourceFiles(join(packageFolder, "src"));
  const present = layers.filter((layer) => sources.some((file) => rowOf(file) === layer));
  const files = present.map((layer) => tsconfigOf(packageFolder, layer, present));
  const references = present.map((layer) => ({ path: `./src/${referencePath(layer)}` }));
  files.push({
    path: join(packageFolder, "tsconfig.json"),
    text: jsonText({ compilerOptions: { composite: true }, files: [], references }),
  });
  const page = join(root, "ARCHITECTURE.md");
  if (existsSync(page)) files.push({ path: page, text: withTable(readFileSync(page, "utf8")) });
  return files;
}

/** What is wrong in the house at `root`, one line each; empty where nothing is. */
export function findBreaches(root: string): string[] {
  const source = join(root, "packages/bothways/src");
  const stale = wantedFiles(root)
    .filter(({ path, text }) => !existsSync(path) || readFileSync(path, "utf8") !== text)
    .map(({ path }) => `${relative(root, path)} differs from scripts/layers.ts: run \`npm run layers\``);
  const homeless = sourceFiles(source)
    .filter((file) => rowOf(file) === undefined)
    .map((file) => `src/${file} is in no row of scripts/layers.ts`);
  return [...stale, ...homeless];
}

/** The row that a source file, named from `src`, belongs to. */
export function rowOf(file: string): Layer | undefined {
  const inFolder = layers.find(({ name }) => file.startsWith(`${name}/`));
  return layers.find(({ name }) => name === file) ?? inFolder;
}

/** Writes every generated file of the house at `root`. */
export function writeHouse(root: string): void {
  for (const { path, text } of wantedFiles(root)) writeFileSync(path, text);
}

/** The arrows as a Markdown table. */
export function layersTable(): string {
  const rows = layers.map(({ name, platform, imports }) => {
    const allowed = imports.length === 0 ? "–" : imports.join(", ");
    return `| \`${name}\` | ${allowed} | ${platformNames[platform]} |`;
  });
  return ["| Layer | May import | Sees |", "|---|---|---|", ...rows].join("\n");
}

const platformNames: Record<Platform, string> = {
  pure: "the language and UTF-8",
  dom: "the DOM",
  node: "Node.js",
  "node+dom": "Node.js, the DOM's types",
};

function tsconfigOf(packageFolder: string, layer: Layer, present: readonly Layer[]): WantedFile {
  const path = join(packageFolder, "src", configPath(layer));
  const folder = dirname(path);
  const isFile = layer.name.endsWith(".ts");
  const own = isFile ? [layer.name.slice(layer.name.lastIndexOf("/") + 1)] : ["**/*.ts"];
  const platformFile = join(packageFolder, "src/model/platform.d.ts");
  const shared = layer.platform === "pure" && layer.name !== "model" ? [relative(folder, platformFile)] : [];
  const exclude = layers
    .filter(({ name }) => name.startsWith(`${layer.name}/`))
    .map(({ name }) => name.slice(layer.name.length + 1));
  const references = present
    .filter(({ name }) => layer.imports.includes(name))
    .map((other) => ({ path: relative(folder, join(packageFolder, "src", referencePath(other))) || "." }));
  const config = {
    extends: relative(folder, join(packageFolder, "tsconfig.src.json")),
    compilerOptions: platforms[layer.platform],
    include: [...own, ...shared],
    ...(exclude.length > 0 && { exclude }),
    ...(references.length > 0 && { references }),
  };
  return { path, text: jsonText(config) };
}

/** `hub` → `hub/tsconfig.json`; `client/index.node.ts` → `client/tsconfig.index.node.json`. */
function configPath({ name }: Layer): string {
  if (!name.endsWith(".ts")) return `${name}/tsconfig.json`;
  const cut = name.lastIndexOf("/") + 1;
  return `${name.slice(0, cut)}tsconfig.${name.slice(cut, -".ts".length)}.json`;
}

/** As a project reference names it: the folder is enough where its config is `tsconfig.json`. */
function referencePath(layer: Layer): string {
  return layer.name.endsWith(".ts") ? configPath(layer) : layer.name;
}

function jsonText(value: object): string {
  const lines = Object.entries(value).map(([key, part]) => `  "${key}": ${JSON.stringify(part)}`);
  return `${generatedNote}\n{\n${lines.join(",\n")}\n}\n`;
}

function withTable(page: string): string {
  const start = page.indexOf(tableStart);
  const end = page.indexOf(tableEnd);
  if (start < 0 || end < start) return `${page}\n${tableStart}\n${layersTable()}\n${tableEnd}\n`;
  return `${page.slice(0, start)}${tableStart}\n${layersTable()}\n${page.slice(end)}`;
}

function sourceFiles(source: string): string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts"));
}
