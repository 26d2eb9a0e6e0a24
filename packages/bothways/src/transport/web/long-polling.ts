/**
 * Client half of long polling in browsers, over `fetch`. A POST of text or bytes without a Content-Type of our own and
 * without custom headers needs no preflight in a cross-origin page.
 */
import type { ClientTransport } from "../../model/transport.ts";
import { createLongPolling } from "../client/long-polling.ts";

/** Browsers allow 64 KiB to all `keepalive` requests in flight together. */
const maxKeepaliveBytes = 61_440;

/** The technique `long-polling`: requests that wait for their answer. It passes wherever HTTP does. */
export function longPolling(): ClientTransport {
  return createLongPolling("long-polling", ({ url, withCredentials }, body, answered, isLast) => {
    const controller = new AbortController();
    // Later than this call returns, even where `fetch` is missing and throws.
    queueMicrotask(async () => {
      let status = 0;
      let bytes = new Uint8Array();
      let failure: string | undefined;
      try {
        const response = await fetch(url, {
          method: "POST",
          body: body as BodyInit,
          cache: "no-store",
          credentials: withCredentials ? "include" : "same-origin",
          keepalive: isLast && new Blob([body as BlobPart]).size <= maxKeepaliveBytes,
          signal: controller.signal,
        });
        bytes = new Uint8Array(await response.arrayBuffer());
        status = response.status;
      } catch (error) {
        failure = String(error);
      }
      answered(status, bytes, failure);
    });
    return () => controller.abort();
  });
}
