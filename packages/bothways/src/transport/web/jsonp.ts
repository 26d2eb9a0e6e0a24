/**
 * Client half of the technique `jsonp`: polls are script elements, and POSTs are sent without leave to read their answers, so
 * that nothing but a page's oldest rights is needed.
 *
 * Invariant: a script's element and callback go when it has run, failed or was given up; one that comes later finds no callback.
 */
import type { ClientTransport } from "../../model/transport.ts";
import { createJsonp, type JsonpIo } from "../client/jsonp.ts";
import { send } from "./http.ts";
import { decodeLines, pageLoaded, urlWith } from "./page-request.ts";

const callbacks = globalThis as unknown as Record<string, ((text: string) => void) | undefined>;

/** No CORS is asked for; which page asks is said whatever its own policy is, or the server could not let it in. */
const blind = { mode: "no-cors", referrerPolicy: "origin" } as const;

const io: JsonpIo = {
  createClaim: () => crypto.getRandomValues(new Uint32Array(5)).join("-"),
  send: (request, body, sent, failed, isLast) =>
    send(request, body, async () => sent(), failed, isLast, pageLoaded, blind),
  ask(request, body, answered, failed) {
    const name = `bothways_${crypto.getRandomValues(new Uint32Array(2)).join("_")}`;
    const script = document.createElement("script");
    const stop = (): void => {
      delete callbacks[name];
      script.remove();
    };
    const fail = (): void => {
      if (!callbacks[name]) return;
      stop();
      failed("the script failed");
    };
    callbacks[name] = (text) => {
      stop();
      answered(decodeLines(text));
    };
    script.onload = script.onerror = fail;
    script.referrerPolicy = "origin";
    try {
      script.src = `${urlWith(request, body)}&callback=${name}`;
      document.documentElement.append(script);
    } catch {
      // a page may forbid this (Trusted Types)
      queueMicrotask(fail);
    }
    return stop;
  },
};

/**
 * The technique `jsonp`: script elements that wait for their answer. Binary travels down as base64. Only in pages, once they are
 * loaded.
 */
export function jsonp(): ClientTransport {
  return createJsonp(io);
}
