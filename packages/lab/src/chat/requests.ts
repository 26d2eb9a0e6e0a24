/**
 * The border of the chat: what a client sent becomes a typed value here, or a refusal. Nothing behind this file checks
 * again.
 */
import type { Draft, Entry, Limits, Picture, Refused } from "./events.ts";

export const limits: Limits = {
  nameLength: 24,
  roomLength: 32,
  textLength: 4_000,
  pictureBytes: 2 * 1024 * 1024,
};

export const pictureTypes: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
]);

/** An {@link Entry}, or undefined where it is none. */
export function parseEntry(value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined;
  const { visitor } = value;
  const where = parsePlace(value);
  if (typeof visitor !== "string" || !/^[0-9a-f]{32}$/.test(visitor) || where === undefined) return undefined;
  return { visitor, ...where };
}

/** A name and a room, cleaned. */
export function parsePlace(value: unknown): { name: string; room: string } | undefined {
  if (!isRecord(value)) return undefined;
  const name = parseTitle(value.name, limits.nameLength);
  const room = parseTitle(value.room, limits.roomLength);
  return name === undefined || room === undefined ? undefined : { name, room };
}

/** A draft, or why it is none. */
export function parseDraft(value: unknown): Draft | Refused {
  if (!isRecord(value)) return "bad-request";
  const { key, text, picture } = value;
  if (typeof key !== "string" || key.length === 0 || key.length > 64 || typeof text !== "string")
    return "bad-request";
  if (text.length > limits.textLength) return "text-too-long";
  if (picture === undefined || picture === null) return text.trim() === "" ? "empty" : { key, text };
  const parsed = parsePicture(picture);
  return typeof parsed === "string" ? parsed : { key, text, picture: parsed };
}

/** The number of a message, or 0. */
export function parseMessageId(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function parsePicture(value: unknown): Picture | Refused {
  if (!isRecord(value)) return "bad-request";
  const { type, bytes } = value;
  if (typeof type !== "string" || !(bytes instanceof Uint8Array) || bytes.length === 0) return "bad-request";
  if (!pictureTypes.has(type)) return "picture-type";
  if (bytes.length > limits.pictureBytes) return "picture-too-large";
  // A copy: what arrived may be a view of a larger buffer, which history would keep alive uncounted.
  return { type, bytes: new Uint8Array(bytes) };
}

/** One line without controls or overrides of direction, 1 to `maxLength` characters. */
function parseTitle(value: unknown, maxLength: number): string | undefined {
  if (typeof value !== "string" || value.length > 4 * maxLength) return undefined;
  const title = value
    .normalize("NFC")
    .replace(/\s+/gu, " ")
    .replace(/[\p{Cc}\p{Cs}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, "")
    .trim();
  const length = [...title].length;
  return length === 0 || length > maxLength ? undefined : title;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
