/**
 * Client half of the technique `jsonp`: polls are script elements, and POSTs are sent without leave to read their answers, so
 * that nothing but a page's oldest rights is needed.
 *
 * Invariant: each script has a hidden frame of its own, which goes when the script has run, failed or was given up. Nothing
 * else lets go of a connection that a script waits on, and a page has six.
 */
import type { ClientTransport } from "../../model/transport.ts";
import { createJsonp, type JsonpIo } from "../client/jsonp.ts";
import { send } from "./http.ts";
import { decodeLines, pageLoaded, urlWith } from "./page-request.ts";

/** A frame's global object: each has its own callback. */
interface ScriptFrame {
  readonly document: Document;
  bothways_1: (text: string) => void;
}

/** No CORS is asked for; which page asks is said whatever its own policy is, or the server could not let it in. */
const blind = { mode: "no-cors", referrerPolicy: "origin" } as const;

const io: JsonpIo = {
  createClaim: () => crypto.getRandomValues(new Uint32Array(5)).join("-"),
  send: (request, body, sent, failed, isLast) =>
    send(request, body, async () => sent(), failed, isLast, pageLoaded, blind),
  ask(request, body, answered, failed) {
    const frame = document.createElement("iframe");
    const stop = (): void => frame.remove();
    const fail = (): void => {
      stop();
      failed("the script failed");
    };
    frame.style.display = "none";
    frame.onload = () => {
      const page = frame.contentWindow as unknown as ScriptFrame;
      const script = document.createElement("script");
      page.bothways_1 = (text) => {
        script.onload = null;
        stop();
        answered(decodeLines(text));
      };
      script.onload = script.onerror = fail;
      script.referrerPolicy = "origin";
      script.src = `${urlWith(request, body)}&callback=bothways_1`;
      page.document.body.append(script);
    };
    try {
      // only such a document says where its scripts are asked from
      frame.srcdoc = "";
      document.documentElement.append(frame);
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
