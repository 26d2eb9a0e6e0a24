/** The programs on the first screen run as printed, but for the port; the figures are those of the code. */
import { expect, test } from "vitest";
import { cases } from "../../../../conformance/rfc6455/cases/index.ts";
import { kinds } from "../hostile/peers.ts";
import { networks } from "../networks/networks.ts";
import { blocksOf, freePort, readPage, runModule } from "./programs.ts";

test.each(["README.md", "README.ko.md"])("server and client of %s", async (path) => {
  const [serverCode = "", clientCode = ""] = blocksOf(readPage(path), "js");
  const port = await freePort();
  const server = runModule(serverCode, port);
  const first = runModule(clientCode, port);
  try {
    await first.printed("1 connected");
    const second = runModule(clientCode, port);
    try {
      await second.printed("2 connected");
      await first.printed("someone said hello");
    } finally {
      await second.kill();
    }
  } finally {
    await first.kill();
    await server.kill();
  }
});

test("the translation shows the same programs, commands and tables", () => {
  const [english, korean] = ["README.md", "README.ko.md"].map(readPage);
  const shape = (page = ""): unknown => ({
    js: blocksOf(page, "js").map((code) => code.replace(/^\/\/.*\n/, "")),
    commands: blocksOf(page, "sh").map((code) => code.replace(/ *#.*$/gm, "")),
    rows: page.split("\n").filter((line) => line.startsWith("|")).length,
    headings: page.split("\n").filter((line) => line.startsWith("#")).length,
  });
  expect(shape(korean)).toEqual(shape(english));
});

test.each(["README.md", "README.ko.md"])("the figures of %s", (path) => {
  const rowOf = (command: string): string | undefined =>
    readPage(path)
      .split("\n")
      .find((line) => line.startsWith(`| \`npm run ${command}`));
  expect(rowOf("conformance")).toMatch(new RegExp(`\\b${cases.length}\\D`));
  expect(rowOf("networks")).toMatch(new RegExp(`\\b${networks.length}\\D`));
  expect(rowOf("hostile")).toMatch(new RegExp(`\\b${Object.keys(kinds).length}\\D`));
});
