/** Text inside scripts: what comes out is evaluated, and searched for what HTML could take for markup. */
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeBlock,
  encodeCall,
  encodeLiteral,
  encodePage,
  isCallback,
} from "../../../src/wire/script/script.ts";

const hostile = [
  "</script><script>alert(1)</script>",
  "</SCRIPT\n>",
  "<!--<script>",
  "-->",
  "]]>",
  '");alert(1)//',
  "');alert(1)//",
  '\\");alert(1)//',
  "\\",
  "\u2028alert(1)\u2029",
  "\r\nalert(1)\n",
  "\0",
  "\ufeff",
  "\ud800",
  "\x7f\x80\x9f",
  "&quot;);alert(1)//",
  "+ADw-script+AD4-",
  "CWS\x07\x0e000x\x9c=\x8d1n\x830\x0c",
  "$&`alert(1)`",
  "*/alert(1)/*",
];

/** All that JavaScript has taken for a line end, and all that could open or close markup or an attribute. */
const forbidden = /[<>&'\n\r\u2028\u2029\0]/;

describe("a literal", () => {
  test.each(hostile)("%j is the same text, and nothing else", (text) => {
    const literal = encodeLiteral(text);
    expect(literal).not.toMatch(forbidden);
    expect(runInNewContext(literal)).toBe(text);
  });

  test("so is any other", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const literal = encodeLiteral(text);
        expect(literal).not.toMatch(forbidden);
        expect(runInNewContext(literal)).toBe(text);
      }),
    );
  });

  test("half a surrogate pair is kept", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff })), (units) => {
        const text = String.fromCharCode(...units);
        expect(runInNewContext(encodeLiteral(text))).toBe(text);
        expect(encodeLiteral(text)).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });
});

describe("a callback", () => {
  test.each(["bothways_1", "bothways_0_zZ", `bothways_${"a".repeat(48)}`])("%s is one", (name) => {
    expect(isCallback(name)).toBe(true);
  });

  test.each([
    "",
    "bothways_",
    `bothways_${"a".repeat(49)}`,
    "alert",
    "bothways",
    "Bothways_1",
    "bothways_1.x",
    "bothways_1[0]",
    "window.bothways_1",
    "opener.document.body.firstElementChild.click",
    "bothways_1;alert(1)//",
    "bothways_1(1);alert",
    "bothways_1\n",
    "bothways_1\r\nX: y",
    "bothways_1\0",
    "bothways_1\u2028",
    " bothways_1",
    "bothways_é",
    "bothways_<script>",
    "CWSMIKI0hCD0Up0IZUnnnnnnnnnnnnnnnnnnnUU5nnnnnn3Snn7iiudIbEAt",
    "__proto__",
    "constructor",
  ])("%j is none", (name) => {
    expect(isCallback(name)).toBe(false);
  });

  test.each(hostile)("is called once, with %j", (text) => {
    const heard: unknown[] = [];
    const script = encodeCall("bothways_1", text);
    expect(script).toMatch(/^\/\*\*\//);
    runInNewContext(script, { bothways_1: (...given: unknown[]) => heard.push(given) });
    expect(heard).toEqual([[text]]);
  });

  test("that is gone is not missed", () => {
    expect(() => runInNewContext(encodeCall("bothways_1", "late"))).not.toThrow();
  });
});

describe("a page", () => {
  test.each(hostile)("holds no markup but its own: %j", (text) => {
    expect(encodeBlock("n0nce-_", text).match(/</g)).toHaveLength(2);
    expect(encodePage("n0nce-_", text).match(/</g)).toHaveLength(6);
  });

  test("hands texts to its parent, of the target origin alone, and takes each block away", () => {
    const said: unknown[] = [];
    let removed = 0;
    const page = encodePage("n", "https://app.example") + encodeBlock("n", "a\nb");
    const scripts = [...page.matchAll(/<script nonce="n">(.*?)<\/script>/gs)].map(([, source]) => source);
    expect(scripts).toHaveLength(2);
    runInNewContext(scripts.join(";"), {
      parent: { postMessage: (...given: unknown[]) => said.push(given) },
      document: { currentScript: { remove: () => removed++ } },
    });
    expect(said).toEqual([["a\nb", "https://app.example"]]);
    expect(removed).toBe(1);
  });

  test("is long enough for readers that wait", () => {
    expect(encodePage("n", "/").length).toBeGreaterThan(1024);
  });
});
