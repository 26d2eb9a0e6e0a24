/** Stands for a language model: says a fixed text, a word at a time. */
import { setTimeout } from "node:timers/promises";

export function answerTo(prompt: string): string {
  const verses = Array.from({ length: 40 }, (_, index) => `Thought ${index + 1} on ${prompt}.`);
  return `${verses.join(" ")} That is all.`;
}

export async function* generate(prompt: string): AsyncGenerator<string> {
  for (const token of answerTo(prompt).split(/(?<= )/)) {
    await setTimeout(10);
    yield token;
  }
}
