/** The client's platform, from what browsers and Node have alike. */
import type { ClientPlatform } from "./options.ts";

export const platform: ClientPlatform = {
  now: () => performance.now(),
  setTimer(callback, delayMs) {
    // Node warns of a time that is past. The second wait lets input that came during a stall be read before
    let timer = setTimeout(
      () => {
        timer = setTimeout(callback);
      },
      Math.max(0, delayMs),
    );
    return () => clearTimeout(timer);
  },
  // called as a method of this object, `queueMicrotask` itself would be an illegal invocation in browsers
  defer: (callback) => queueMicrotask(callback),
  random: Math.random,
  // randomUUID is missing on pages that came over plain HTTP
  createSecret: () => crypto.getRandomValues(new Uint32Array(5)).join("-"),
  watch(woke, left) {
    const end = new AbortController();
    // the options are the controller itself, for its `signal`
    globalThis.addEventListener?.("pagehide", ({ persisted }) => left(persisted), end);
    for (const event of ["online", "pageshow", "visibilitychange"])
      globalThis.addEventListener?.(
        event,
        () => {
          // a page that goes is hidden, too
          if (event < "v" || !document.hidden) woke(event === "online");
        },
        end,
      );
    return () => end.abort();
  },
};
