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

/** What links may name in a page. */
function anchorsOf(page: string): string[] {
  const headings = page.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("links", () => {
  test.each(pages)("%s", (path) => {
    const targets = [...readPage(path).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
    const broken = targets.filter((target) => {
      const [file = "", anchor] = target.split("#");
      if (/^[a-z]+:/.test(file)) return false;
      const named = file === "" ? path : join(dirname(path), file);
      if (!existsSync(join(root, named))) return true;
      return anchor !== undefined && !anchorsOf(readPage(named)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

test.each(pages.filter((path) => path.startsWith("docs/reference/")))(
  "no two headings of %s are one",
  (path) => {
    const anchors = anchorsOf(readPage(path));
    expect(anchors.filter((anchor, index) => anchors.indexOf(anchor) !== index)).toEqual([]);
  },
);

test("the index of the documentation names every page", () => {
  const named = [...readPage("docs/README.md").matchAll(/\]\(([^)#]+)\)/g)].map(([, target = ""]) =>
    join("docs", target),
  );
  expect(pagesIn("docs/").filter((path) => path !== "docs/README.md" && !named.includes(path))).toEqual([]);
});
