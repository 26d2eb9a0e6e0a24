/** The programs on the first screen run as printed, but for the port. */
import { expect, test } from "vitest";
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
