/**
 * Requests of HTTP techniques in browsers, over `fetch`. A POST of text or bytes without a Content-Type of our own and
 * without custom headers needs no preflight in a cross-origin page.
 */
import type { Data } from "../../model/message.ts";
import type { ConnectRequest } from "../../model/transport.ts";
import type { Post, SetTimer } from "../client/exchanges.ts";

/** Browsers allow 64 KiB to all `keepalive` requests in flight together. */
const maxKeepaliveBytes = 61_440;

/**
 * Sends a POST and hands its answer to `read`, which may wait. Whatever fails, `read` among it, is told to `failed`. Neither
 * is called before this call returns.
 */
export function send(
  { url, withCredentials }: ConnectRequest,
  body: Data,
  read: (response: Response) => Promise<void>,
  failed: (failure: string) => void,
  isLast?: boolean,
  more?: RequestInit,
): () => void {
  const controller = new AbortController();
  // Later than this call returns, even where `fetch` is missing and throws.
  queueMicrotask(async () => {
    try {
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

export const post: Post = (request, body, answered, isLast) =>
  send(
    request,
    body,
    async (response) => {
      const bytes = new Uint8Array(await response.arrayBuffer());
      answered(response.status, bytes);
    },
    (failure) => answered(0, new Uint8Array(), failure),
    isLast,
  );

export const setTimer: SetTimer = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};
