/**
 * The guards of the house work: a toy house with the real tables, compiler settings and linter rules, in which every
 * forbidden import and every forbidden global is planted once, and is found, and nothing else is.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  findBreaches,
  type Layer,
  layers,
  type Platform,
  rowOf,
  writeHouse,
} from "../../../../scripts/layers.ts";

const repository = fileURLToPath(new URL("../../../..", import.meta.url));
const house = realpathSync(mkdtempSync(join(tmpdir(), "bothways-house-")));
const source = join(house, "packages/bothways/src");
const folders = layers.filter(({ name }) => !name.endsWith(".ts"));
const files = layers.filter((layer) => !folders.includes(layer));
const pureFolders = folders.filter(({ platform }) => platform === "pure");
const synchronousFolders = pureFolders.filter(({ name }) => name === "wire" || name === "session");

/** Globals that the compiler must not know, by what the layer sees. */
const unknownGlobals: Record<Platform, readonly string[]> = {
  pure: ["Buffer", "setTimeout", "process", "console", "document", "performance", "crypto", "fetch"],
  dom: ["Buffer", "process"],
  node: ["document"],
  "node+dom": [],
};

/** What only the linter can refuse: the language itself has it. */
const impurities: Record<string, string> = {
  clock: "export const used: unknown = new Date();",
  randomness: "export const used: number = Math.random();",
  "global-this": "export const used: unknown = globalThis;",
  "node-module": 'import { readFileSync } from "node:fs";\n\nexport const used: unknown = readFileSync;',
  console: 'console.log("used");',
};
const asynchrony: Record<string, string> = {
  promise: "export const used: unknown = Promise.resolve(1);",
  "async-arrow": "export const used: () => unknown = async () => 1;",
  "async-function": "async function one() {\n  return 1;\n}\n\nexport const used: () => unknown = one;",
};

beforeAll(() => {
  for (const name of ["biome.json", "biome", "tsconfig.base.json", "packages/bothways/tsconfig.src.json"]) {
    cpSync(join(repository, name), join(house, name), { recursive: true });
  }
  cpSync(join(repository, "packages/bothways/package.json"), join(house, "packages/bothways/package.json"));
  symlinkSync(join(repository, "node_modules"), join(house, "node_modules"));
  plant("model/platform.d.ts", "");
  cpSync(join(repository, "packages/bothways/src/model/platform.d.ts"), join(source, "model/platform.d.ts"));
  for (const { name } of folders) plant(`${name}/clean.ts`, "export const clean: number = 1;");
  for (const { name } of files) plant(name, "export const clean: number = 1;");
  writeHouse(house);
});

afterAll(() => rmSync(house, { recursive: true, force: true }));

test("no row imports one that may import more than it", () => {
  const open = layers.flatMap(({ name, imports }) =>
    layers
      .filter((other) => imports.includes(other.name))
      .filter((other) => other.imports.some((further) => !imports.includes(further)))
      .map((other) => `${name} -> ${other.name}`),
  );
  expect(open).toEqual([]);
});

test("the clean house stands", () => {
  expect(findBreaches(house)).toEqual([]);
  expect(compile()).toEqual([]);
  expect(lint()).toEqual([]);
});

test("every import that the table does not allow is an error, and no other is", () => {
  for (const { name } of files) {
    plant(name, folders.map((to, index) => importing(dirname(name), to, index)).join(""));
  }
  for (const from of folders) {
    for (const to of folders) {
      if (from !== to) plant(`${from.name}/to-${to.name.replace("/", "-")}.ts`, importing(from.name, to, 0));
    }
  }
  const found = compile().map(({ file, message }) => `${layerOf(file)} -> ${layerOf(targetOf(message))}`);
  const forbidden = layers.flatMap((from) =>
    folders
      .filter((to) => from !== to && !from.imports.includes(to.name))
      .map((to) => `${from.name} -> ${to.name}`),
  );
  expect(forbidden.length).toBeGreaterThan(50);
  expect(new Set(found)).toEqual(new Set(forbidden));
});

test("every global of a platform that a layer does not see is an error", () => {
  const planted = folders.flatMap(({ name, platform }) =>
    unknownGlobals[platform].map((global) =>
      plant(`${name}/uses-${global.toLowerCase()}.ts`, `export const used: unknown = ${global};`),
    ),
  );
  const found = compile().map(({ file }) => file);
  expect(found).toEqual(expect.arrayContaining(planted));
});

describe("the linter refuses", () => {
  test.each(pureFolders.map(({ name }) => name))("time, chance and Node in %s", (name) => {
    const planted = plantEach(name, impurities);
    expect(lint()).toEqual(expect.arrayContaining(planted));
  });

  test.each(synchronousFolders.map(({ name }) => name))("promises in %s", (name) => {
    const planted = plantEach(name, asynchrony);
    expect(lint()).toEqual(expect.arrayContaining(planted));
  });

  test("a cycle of imports", () => {
    const planted = [
      plant("hub/egg.ts", 'import { hen } from "./hen.ts";\n\nexport const egg = (): unknown => hen;'),
      plant("hub/hen.ts", 'import { egg } from "./egg.ts";\n\nexport const hen = (): unknown => egg;'),
    ];
    expect(lint()).toEqual(expect.arrayContaining(planted));
  });

  test("the library's inside in a demo", () => {
    const path = "packages/lab/src/peek.ts";
    mkdirSync(join(house, dirname(path)), { recursive: true });
    writeFileSync(
      join(house, path),
      'import { clean } from "../../bothways/src/hub/clean.ts";\n\nexport { clean };\n',
    );
    expect(lint()).toContain(path);
  });
});

test("a file in no row and a config edited by hand are reported", () => {
  plant("shed/tool.ts", "export const tool: number = 1;");
  writeFileSync(join(source, "hub/tsconfig.json"), "{}\n");
  expect(findBreaches(house)).toEqual([
    "packages/bothways/src/hub/tsconfig.json differs from scripts/layers.ts: run `npm run layers`",
    "src/shed/tool.ts is in no row of scripts/layers.ts",
  ]);
});

interface CompilerError {
  readonly file: string;
  readonly message: string;
}

/**
 * `--force`: what was planted in the very moment of the last build would be taken for built. `--builders 1`: beside one
 * another, builders have read declarations that were still being written.
 */
function compile(): CompilerError[] {
  const args = ["-b", "--force", "--builders", "1", "--pretty", "false", "packages/bothways"];
  const { stdout } = spawnSync("tsc", args, inHouse);
  return stdout.split("\n").flatMap((line) => {
    const match = /^(.+?)\(\d+,\d+\): error (.+)$/.exec(line);
    return match ? [{ file: match[1] ?? "", message: match[2] ?? "" }] : [];
  });
}

/** The files in which the linter found an error. */
function lint(): string[] {
  const args = ["lint", "--reporter=github", "--max-diagnostics=none", "--vcs-enabled=false", "packages"];
  const { stdout } = spawnSync("biome", args, inHouse);
  return [...stdout.matchAll(/^::error .*?file=([^,]+),/gm)].map((match) => relative(house, match[1] ?? ""));
}

const inHouse = {
  cwd: house,
  encoding: "utf8",
  env: { ...process.env, PATH: `${join(repository, "node_modules/.bin")}:${process.env.PATH}` },
} as const;

/** Writes a file of the toy library; answers its name from the root of the house. */
function plant(path: string, text: string): string {
  const file = join(source, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${text}\n`);
  return relative(house, file);
}

function plantEach(folder: string, texts: Record<string, string>): string[] {
  return Object.entries(texts).map(([name, text]) => plant(`${folder}/uses-${name}.ts`, text));
}

function importing(folder: string, to: Layer, index: number): string {
  const path = relative(join(source, folder), join(source, to.name, "clean.ts"));
  const specifier = path.startsWith(".") ? path : `./${path}`;
  return `import { clean as clean${index} } from "${specifier}";\nexport const copy${index}: number = clean${index};\n`;
}

function targetOf(message: string): string {
  return relative(house, /^TS6307: File '([^']+)'/.exec(message)?.[1] ?? message);
}

function layerOf(file: string): string {
  return rowOf(relative(source, join(house, file)))?.name ?? file;
}
