import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Extension, formatExtensions, parseExtensions } from "../../../src/wire/websocket/extensions.ts";

type Plain = [name: string, ...parameters: (string | [string, string])[]];

function plain(extensions: Extension[] | undefined): Plain[] | undefined {
  return extensions?.map(({ name, parameters }) => [
    name,
    ...parameters.map(([key, value]) => (value === undefined ? key : ([key, value] as [string, string]))),
  ]);
}

describe("the header of extensions", () => {
  test.each<[string, Plain[]]>([
    ["a", [["a"]]],
    ["a, b;c", [["a"], ["b", "c"]]],
    ["a;b=1;c", [["a", ["b", "1"], "c"]]],
    [" \ta ; b = 1 ,\tc ", [["a", ["b", "1"]], ["c"]]],
    ["a;b;b=2;b", [["a", "b", ["b", "2"], "b"]]],
    ["a,a", [["a"], ["a"]]],
    [",a,,b,", [["a"], ["b"]]],
    ["!#$%&'*+-.^_`|~09azAZ", [["!#$%&'*+-.^_`|~09azAZ"]]],
    ["__proto__;constructor=toString", [["__proto__", ["constructor", "toString"]]]],
  ])("%j", (text, expected) => {
    expect(plain(parseExtensions(text))).toEqual(expected);
  });

  test.each([
    ['a;b="1"', "1"],
    ['a;b="\\1\\0"', "10"],
    ['a; b = "x-y" ', "x-y"],
  ])("RFC6455-4.3-1 RFC6455-9.1-2 a quoted value is unescaped: %j", (text, value) => {
    expect(plain(parseExtensions(text))).toEqual([["a", ["b", value]]]);
  });

  test.each(['a;b=""', 'a;b="1 2"', 'a;b="1,2"', 'a;b="\\""', 'a;b="é"', 'a;b="\0"', 'a;b="\\\\"'])(
    "RFC6455-4.3-1 RFC6455-9.1-1..2 one that is then no token breaks the grammar: %j",
    (text) => {
      expect(parseExtensions(text)).toBeUndefined();
    },
  );

  test.each([
    ...["", " ", ",", ";", "=", "a b", "a;", "a;;b", "a;b=", "a;b= ;c", "a;=1", "a=1", ";a", "a;b=1=2"],
    ...['"a"', 'a;"b"', 'a;b="', 'a;b="1', 'a;b="1\\', 'a;b="1"2', 'a;b=1"2"', "a;b='\u00e9'", "a;b c"],
    ...["a;b=1 2", "é", "a\n", "a\0", "a,b;", "a, ;b", "a/b", "a;b=c@d", "\u2028", "a;b\r\nX: y"],
  ])("RFC6455-9.1-1 breaks the grammar: %j", (text) => {
    expect(parseExtensions(text)).toBeUndefined();
  });

  const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.~!"'.replace('"', "")), minLength: 1 });
  const parameter = fc.tuple(token, fc.option(token, { nil: undefined }));
  const extension = fc.record({ name: token, parameters: fc.array(parameter) });

  test("what is formatted reads as it was", () => {
    fc.assert(
      fc.property(fc.array(extension, { minLength: 1 }), (extensions) => {
        expect(parseExtensions(formatExtensions(extensions))).toEqual(extensions);
      }),
    );
  });

  test("any text is read or refused, and what is read says what it said", () => {
    const noise = fc.string({ unit: fc.constantFrom(...'ab;,="\\ \t\0é1') });
    fc.assert(
      fc.property(noise, (text) => {
        const read = parseExtensions(text);
        if (read !== undefined) expect(parseExtensions(formatExtensions(read))).toEqual(read);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each(["a;", ",", "a;b=", 'a;b="\\', "a,", " ", "a;b;", 'a;b="1",', '"'])(
    "a megabyte of %j is read in one pass",
    (unit) => {
      // A scanner that went back would not end within the time a test has.
      parseExtensions(unit.repeat(1_000_000 / unit.length));
      parseExtensions(`a;b="${unit.repeat(1_000_000 / unit.length)}`);
    },
  );
});
