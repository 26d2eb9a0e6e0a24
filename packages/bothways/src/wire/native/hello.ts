/**
 * What a server accepts as a hello. docs/protocol/bothways-1.md §4.1.
 *
 * Invariant: what comes out is of the shape it claims; nothing of the peer's JSON is used unchecked.
 */
import type { Hello } from "../../model/frame.ts";

/** Protocol versions this side speaks. */
export const versions: readonly number[] = [1];

/**
 * The hello, `"version"` where it speaks only versions we do not, `"namespaces"` where it joins too many, or `undefined`
 * where it is malformed.
 */
export function parseHello(
  data: string,
  maxNamespaces: number,
): Hello | "version" | "namespaces" | undefined {
  const value = parseJson(data);
  if (!isRecord(value) || !isCount(value.version)) return undefined;
  if (!versions.includes(value.version)) return "version";
  const { attempt, generation, received, credit, join, sid, secret } = value;
  if (
    !isToken(attempt) ||
    attempt.length < 22 ||
    !isCount(generation) ||
    generation < 1 ||
    !isCount(received)
  ) {
    return undefined;
  }
  if (!Array.isArray(credit)) return undefined;
  const [messages, bytes]: unknown[] = credit;
  if (!isCount(messages) || !isCount(bytes)) return undefined;
  if (!Array.isArray(join)) return undefined;
  if (join.length > maxNamespaces) return "namespaces";
  if (!join.every(isJoin)) return undefined;
  if ((sid !== undefined || secret !== undefined) && !(isToken(sid) && isToken(secret))) return undefined;
  return { version: 1, attempt, generation, received, credit: [messages, bytes], join, sid, secret };
}

function parseJson(data: string): unknown {
  try {
    return data[0] === "h" ? JSON.parse(data.slice(1)) : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isToken(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= 128;
}

function isJoin(value: unknown): value is [string, unknown] {
  // a comma ends a namespace's name in a packet, a line feed ends a frame
  return Array.isArray(value) && typeof value[0] === "string" && /^\/[^,\r\n]*$/.test(value[0]);
}
