import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fill, strings } from "../src/chat/public/strings.js";

const folder = new URL("../src/chat/public/", import.meta.url);
const phrases = Object.entries(strings.en);

test("both languages have the same phrases with the same values in them", () => {
  const values = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  expect(Object.keys(strings.ko).sort()).toEqual(phrases.map(([phrase]) => phrase).sort());
  const korean: Record<string, string> = strings.ko;
  for (const [phrase, text] of phrases)
    expect([phrase, values(korean[phrase] ?? "")]).toEqual([phrase, values(text)]);
});

test("the page in index.html is the English one", () => {
  const html = readFileSync(new URL("index.html", folder), "utf8");
  const english: Record<string, string> = strings.en;
  for (const [, phrase = "", text = ""] of html.matchAll(/data-t="([\w.-]+)"[^>]*>([^<]*)</g)) {
    expect([phrase, text]).toEqual([phrase, english[phrase]]);
  }
});

test("no phrase is unused", () => {
  const page = readdirSync(folder)
    .filter((name) => name !== "strings.js" && /\.(js|html)$/.test(name))
    .map((name) => readFileSync(new URL(name, folder), "utf8"))
    .join("\n");
  const families = [...page.matchAll(/`([\w.]+\.)\$\{/g)].map(([, family = ""]) => family);
  const unused = phrases
    .map(([phrase]) => phrase)
    .filter(
      (phrase) => !page.includes(`"${phrase}"`) && !families.some((family) => phrase.startsWith(family)),
    );
  expect(unused).toEqual([]);
});

test("values are filled in, and not looked into", () => {
  expect(fill("{a} and {b}, {c}", { a: "{b}", b: 2 })).toBe("{b} and 2, {c}");
});
