/** The client's platform, from what browsers and Node have alike. */
import type { ClientPlatform } from "./options.ts";

export const platform: ClientPlatform = {
  now: () => performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  defer: queueMicrotask,
  random: Math.random,
  // randomUUID is missing on pages that came over plain HTTP
  createSecret: () => crypto.getRandomValues(new Uint32Array(5)).join("-"),
  onWake(callback) {
    for (const event of ["online", "pageshow", "visibilitychange"]) globalThis.addEventListener?.(event, callback);
  },
};
