/** Text or bytes that follow from a message's number, so that whoever gets both can tell whether they are whole. */

export function payload(number: number): string | Uint8Array {
  if (number % 3 === 0) return new Uint8Array(number % 500).fill(number);
  return `번호 ${number} 👋`.repeat(number % 9);
}

export function isPayload(number: number, data: unknown): boolean {
  const expected = payload(number);
  if (typeof expected === "string") return data === expected;
  return data instanceof Uint8Array && Buffer.compare(data, expected) === 0;
}
