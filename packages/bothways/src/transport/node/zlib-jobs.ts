/**
 * Large messages through zlib on Node's threads, a few at a time: each job under way holds a context of up to 256 KiB
 * and its output, so a thousand at once would cost what no limit of a message allows for.
 */
import { constants, deflateRaw, inflateRaw, type Zlib, type ZlibOptions } from "node:zlib";
import type { ErrorCode } from "../../model/errors.ts";

/** As many as Node has threads for it by default. */
const maxJobs = 4;
/** A message with more final blocks inside than this is refused: each costs a job of its own. */
export const maxStreams = 16;
const chunkBytes = 65_536;

let jobCount = 0;
const waiting: (() => void)[] = [];

/** Gives undefined where zlib failed, as for want of memory. */
export function deflateOnThread(
  payload: Uint8Array,
  options: ZlibOptions,
  done: (compressed: Uint8Array | undefined) => void,
): void {
  const settings = { ...options, finishFlush: constants.Z_SYNC_FLUSH, chunkSize: chunkBytes };
  start((finish) => {
    deflateRaw(payload, settings, (error, compressed) => {
      finish();
      done(error === null ? compressed : undefined);
    });
  });
}

/**
 * Gives at most `maxBytes`, or the peer's error. The last `endingBytes` of `payload` were added to bring zlib to its
 * end; where they are not needed for that they are left over.
 */
export function inflateOnThread(
  payload: Uint8Array,
  endingBytes: number,
  maxBytes: number,
  done: (message: Uint8Array | ErrorCode) => void,
): void {
  start((finish) => {
    inflateStreams({ payload, endingBytes, maxBytes, parts: [] }, (message) => {
      finish();
      done(message);
    });
  });
}

interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: Zlib;
}

interface Inflation {
  readonly payload: Uint8Array;
  readonly endingBytes: number;
  readonly maxBytes: number;
  /** Done so far. */
  readonly parts: Uint8Array[];
}

/** RFC7692-7.2.3.4-1: a final block ends a stream, but not the message. */
function inflateStreams(inflation: Inflation, done: (message: Uint8Array | ErrorCode) => void): void {
  const { payload, endingBytes, maxBytes, parts } = inflation;
  const settings = { info: true, maxOutputLength: Math.max(maxBytes, 1), chunkSize: chunkBytes };
  inflateRaw(payload, settings, (error, result) => {
    if (error !== null) {
      const isTooLarge = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
      return done(isTooLarge ? "BW_MESSAGE_TOO_LARGE" : "BW_WS_INFLATE");
    }
    const { buffer, engine } = result as unknown as Inflated;
    const rest = payload.subarray(engine.bytesWritten);
    parts.push(buffer);
    if (buffer.length > maxBytes) return done("BW_MESSAGE_TOO_LARGE");
    if (rest.length === 0 || rest.length === endingBytes)
      return done(parts.length === 1 ? buffer : join(parts));
    if (parts.length === maxStreams) return done("BW_WS_INFLATE");
    inflateStreams({ ...inflation, payload: rest, maxBytes: maxBytes - buffer.length }, done);
  });
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function start(job: (finish: () => void) => void): void {
  if (jobCount === maxJobs) {
    waiting.push(() => start(job));
    return;
  }
  jobCount++;
  job(() => {
    jobCount--;
    waiting.shift()?.();
  });
}
