/** Messages that are known by their number, and an ear that notices what is lost, repeated, reordered or changed. */

const text = "žluťoučký kůň 🦄 \u0000\u2028 한국어";

/** Text, bytes, and both in one, of many lengths; now and then a long one. */
export function messageOf(number: number): unknown {
  const length = number % 100 === 50 ? 20_000 : (number * 131) % 700;
  const bytes = new Uint8Array(length).fill(number & 255);
  const kinds = [
    text.repeat(length >> 5),
    bytes,
    { text, nested: [bytes, { bytes: bytes.subarray(0, 3) }] },
    [number, null, true, text],
  ];
  return kinds[number % kinds.length];
}

export class Ear {
  heard = 0;
  /** What was not as it should be, in words; only the first few. */
  readonly wrong: string[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  take(number: number, message: unknown): void {
    const expected = this.heard++;
    if (this.wrong.length >= 5) return;
    if (number !== expected) this.wrong.push(`${this.#name}: heard ${number} in place of ${expected}`);
    if (print(message) !== print(messageOf(number))) this.wrong.push(`${this.#name}: ${number} was changed`);
  }
}

function print(message: unknown): string {
  return JSON.stringify(message, (_key, value) => (value instanceof Uint8Array ? `bytes ${value}` : value));
}
