/**
 * Whoever imports `ws` from now on, with `import` or `require`, gets `bothways/websocket`: what changing the import does,
 * for packages whose import is not ours to change. To be imported before them; each test file runs in a process of its own.
 */
import { createRequire, registerHooks } from "node:module";

registerHooks({
  resolve: (specifier, context, next) => next(specifier === "ws" ? "bothways/websocket" : specifier, context),
});

/** What they get. Vite may have loaded the same files once more, so its classes are not those that tests import. */
export const inPlace = createRequire(import.meta.url)("ws") as typeof import("bothways/websocket").default;
