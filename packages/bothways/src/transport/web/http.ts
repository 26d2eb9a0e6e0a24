/**
 * Requests of HTTP techniques in browsers, over `fetch`. A POST of text or bytes without a Content-Type of our own and
 * without custom headers needs no preflight in a cross-origin page.
 */
import type { Data } from "../../model/message.ts";
import type { ConnectRequest } from "../../model/transport.ts";
import { decodeBody } from "../../wire/native/body.ts";
import type { Post, SetTimer } from "../client/exchanges.ts";

/** Browsers allow 64 KiB to all `keepalive` requests in flight together. */
const maxKeepaliveBytes = 61_440;

/**
 * Sends a POST and hands its answer to `read`, which may wait. Whatever fails, `read` among it, is told to `failed`. Neither
 * is called before this call returns. `ready` is waited for, if it is given.
 */
export function send(
  { url, withCredentials }: ConnectRequest,
  body: Data,
  read: (response: Response) => Promise<void>,
  failed: (failure: string) => void,
  isLast?: boolean,
  ready?: () => unknown,
  more?: RequestInit,
): () => void {
  const controller = new AbortController();
  // Later than this call returns, even where `fetch` is missing and throws.
  queueMicrotask(async () => {
    try {
      if (ready) await ready();
      await read(
        await fetch(url, {
          method: "POST",
          body: body as BodyInit,
          cache: "no-store",
          credentials: withCredentials ? "include" : "same-origin",
          keepalive: isLast && new Blob([body as BlobPart]).size <= maxKeepaliveBytes,
          signal: controller.signal,
          ...more,
        }),
      );
    } catch (error) {
      // requests of a page that goes away fail before it is told that it goes; in time for that the link is not lost yet
      setTimeout(failed, 0, String(error));
    }
  });
  return () => controller.abort();
}

/** The frames of a whole answer, or `undefined` where it is not one of a server. */
export async function readFrames(response: Response): Promise<Data[] | undefined> {
  return decodeBody(new Uint8Array(await response.arrayBuffer()));
}

/** A {@link Post} that waits for `ready`, if it is given. */
export const post = (
  request: ConnectRequest,
  body: Data,
  answered: Parameters<Post>[2],
  isLast?: boolean,
  ready?: () => unknown,
): (() => void) =>
  send(
    request,
    body,
    async (response) => answered(response.status, await readFrames(response)),
    (failure) => answered(0, undefined, failure),
    isLast,
    ready,
  );

export const setTimer: SetTimer = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};
