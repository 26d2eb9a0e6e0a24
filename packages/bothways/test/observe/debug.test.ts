import { expect, describe as group, test } from "vitest";
import { channels } from "../../src/observe/channels.ts";
import { describe, isChosen } from "../../src/observe/debug.ts";

const names = Object.keys(channels);

group("DEBUG chooses as the debug package does", () => {
  test.each<[string, readonly string[]]>([
    ["bothways:*", names],
    ["*", names],
    ["", []],
    ["express:*", []],
    ["bothways", []],
    ["bothways:session:away", ["bothways:session:away"]],
    ["express:*, bothways:room:*", ["bothways:room:joined", "bothways:room:left"]],
    [
      "bothways:*:left bothways:limit:*",
      ["bothways:limit:struck", "bothways:namespace:left", "bothways:room:left"],
    ],
    ["bothways:room:*,-bothways:*:left", ["bothways:room:joined"]],
    ["-bothways:message:*", []],
    ["*:s*s*:*away", ["bothways:session:away"]],
    ["bothways:session:away*away", []],
    ["*bothways:session:away*", ["bothways:session:away"]],
  ])("%j", (patterns, chosen) => {
    expect(names.filter((name) => isChosen(name, patterns)).sort()).toEqual([...chosen].sort());
  });

  test("a pattern of stars takes no time", () => {
    expect(isChosen("a".repeat(5_000), `${"*a".repeat(2_000)}*b`)).toBe(false);
  });
});

test("a line holds what its event holds, and what a client named neither ends it nor speaks to the terminal", () => {
  expect(describe({ session: "s", code: 1006, event: 'a"\n\r\u001b[2J\u009b\u2028\u007f' })).toBe(
    String.raw`session="s" code=1006 event="a\"\n\r\u001b[2J\u009b\u2028\u007f"`,
  );
  expect(describe({ error: new RangeError("boom") })).toMatch(/^error="RangeError: boom\\n {4}at /);
  expect(describe({ error: undefined })).toBe("error=undefined");
});

test("a channel has the name it is listed under", () => {
  for (const [name, channel] of Object.entries(channels)) expect(channel).toMatchObject({ name });
});
