/** The table of options: each has a test that names it, and the defaults it tells are those of the code. */
import { describe, expect, test } from "vitest";
import { listOptions } from "../../../../scripts/print-docs.ts";
import { errorTable } from "../../src/model/errors.ts";
import { defaults } from "../../src/server/options.ts";

const [server, client] = listOptions();

describe.each([
  ["server", server],
  ["client", client],
])("every option of the %s", (_side, options) => {
  test("has a test with its name in the title", () => {
    expect(options.filter(({ tests }) => tests.length === 0).map(({ name }) => name)).toEqual([]);
  });

  test("names errors that there are", () => {
    expect(options.flatMap(({ errors }) => errors).filter((code) => !(code in errorTable))).toEqual([]);
  });
});

test.each(Object.entries(defaults))("the default of %s is what its doc comment says", (name, value) => {
  const told = server.find((option) => option.name === name)?.defaultValue ?? "";
  expect(typeof value === "number" ? parseNumber(told) : told.replaceAll(/[`" ]/g, "")).toBe(
    typeof value === "number" ? value : String(value),
  );
});

/** `1,024`, `256 KiB`, `1 MiB`. */
function parseNumber(text: string): number {
  const [, digits = "", unit = ""] = /^([\d,]+)(?: ([KM])iB)?$/.exec(text) ?? [];
  return Number(digits.replaceAll(",", "")) * ({ K: 1_024, M: 1_048_576 }[unit] ?? 1);
}
