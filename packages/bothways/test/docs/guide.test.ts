/** The JavaScript of each page of the guide is one program, which prints what the comments behind `console.log` say. */
import { describe, expect, test } from "vitest";
import { blocksOf, freePort, pagesIn, promisedOutput, readPage, runModule } from "./programs.ts";

describe("the guide", () => {
  test.each(pagesIn("docs/guide/"))("%s", async (path) => {
    const code = blocksOf(readPage(path), "js").join("\n");
    const promised = promisedOutput(code);
    expect(promised.length).toBeGreaterThan(0);
    const program = runModule(`${code}\nprocess.exit();`, await freePort());
    try {
      expect(await program.ended(), program.output).toEqual(promised);
    } finally {
      await program.kill();
    }
  });
});

test.each(pagesIn("docs/reference/"))("the blocks of %s marked as runnable run", async (path) => {
  for (const code of blocksOf(readPage(path), "js").filter((block) => block.startsWith("// runs\n"))) {
    const program = runModule(code, 0);
    expect(await program.ended(), program.output).toEqual(promisedOutput(code));
  }
});
