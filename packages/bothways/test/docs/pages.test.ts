/** Pages that are printed from code are as the code is, and no page points nowhere. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findStale } from "../../../../scripts/print-docs.ts";
import { pagesIn, readPage, root } from "./programs.ts";

const folders = ["docs/", "packages/bothways/src/"];
const pages = [
  ...["README.md", "README.ko.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"],
  ...folders.flatMap(pagesIn),
];

test("`npm run docs` would change nothing", () => {
  expect(findStale()).toEqual([]);
});

describe("links", () => {
  test.each(pages)("%s", (path) => {
    const page = readPage(path);
    const targets = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
    const inside = targets
      .filter((target) => !/^[a-z]+:|^#/.test(target))
      .map((target) => target.replace(/#.*/, ""));
    expect(inside.filter((target) => !existsSync(join(root, dirname(path), target)))).toEqual([]);
  });
});
