/** Reasons as close frames can carry them. */

/** RFC 6455 §5.5, §7.1.6: a control frame holds 125 bytes, of which two are the code. */
const MAX_REASON_BYTES = 123;

/** On one line, so that it stays one frame of an HTTP body, and cut where it would be too long for a close frame. */
export function toReason(text: string): string {
  const line = text.replace(/[\r\n\0]+/g, " ");
  const { read } = new TextEncoder().encodeInto(line, new Uint8Array(MAX_REASON_BYTES));
  return line.slice(0, read);
}
