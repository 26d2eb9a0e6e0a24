/**
 * The JavaScript of each page of the guide, and of that for who comes from Socket.IO, is one program, its TypeScript
 * another: both print what the comments behind `console.log` say, and the second is compiled besides. Pages in HTML are
 * opened in test/browser/guide.test.ts.
 */
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { blocksOf, compile, freePort, pagesIn, promisedOutput, readPage, runModule } from "./programs.ts";

const pages = [...pagesIn("docs/guide/"), "docs/migrate/from-socket-io.md"];
const programs = pages.flatMap((path) =>
  (["js", "ts"] as const).flatMap((language) => {
    const code = blocksOf(readPage(path), language).join("\n");
    return code === "" ? [] : [{ path, language, code }];
  }),
);

describe("the guide", () => {
  test.each(programs)("the $language of $path", async ({ language, code }) => {
    const type = language === "ts" ? "module-typescript" : "module";
    const program = runModule(`${code}\nprocess.exit();`, await freePort(), type);
    try {
      expect((await program.ended()).join("\n"), program.output).toBe(promisedOutput(code).join("\n"));
    } finally {
      await program.kill();
    }
  });

  test.each(pages)("%s promises something, in languages that are run", (path) => {
    const page = readPage(path);
    expect(programs.some((program) => program.path === path && promisedOutput(program.code).length > 0)).toBe(
      true,
    );
    // those from nginx on are no programs
    const isRun = /^(js|ts|html|nginx|haproxy|text|diff)$/;
    const languages = [...page.matchAll(/^```(\w*)\n[\s\S]*?^```/gm)].map(([, language = ""]) => language);
    expect(languages.filter((language) => !isRun.test(language))).toEqual([]);
  });

  test("its TypeScript compiles", () => {
    const files = programs.filter(({ language }) => language === "ts");
    expect(compile(files.map(({ path, code }) => [basename(path, ".md"), code]))).toBe("");
    expect(files.length).toBeGreaterThan(1);
  });
});

test.each(pagesIn("docs/reference/"))("the blocks of %s marked as runnable run", async (path) => {
  for (const code of blocksOf(readPage(path), "js").filter((block) => block.startsWith("// runs\n"))) {
    const program = runModule(code, 0);
    expect(await program.ended(), program.output).toEqual(promisedOutput(code));
  }
});
