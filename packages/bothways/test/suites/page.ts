/**
 * The techniques that are made of a page's elements, without a page: frames and scripts are fetched, and what they hold is run.
 * So the halves that are not made of elements meet the real server in the shared suite; Chromium has the elements.
 */
import { createContext, runInContext } from "node:vm";
import type { ConnectRequest } from "../../src/model/transport.ts";
import { createJsonp } from "../../src/transport/client/jsonp.ts";
import { createStreaming, type OpenStream } from "../../src/transport/client/streaming.ts";
import { post, send, setTimer } from "../../src/transport/web/http.ts";
import { decodeLines, urlWith } from "../../src/transport/web/page-request.ts";
import type { Technique } from "./rig.ts";

/** Fetches text as it comes. Returns what aborts it. */
function load(url: string, read: (text: string) => void, ended: (failure: string) => void): () => void {
  const controller = new AbortController();
  const run = async (): Promise<void> => {
    const response = await fetch(url, { signal: controller.signal });
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) read(decoder.decode(chunk, { stream: true }));
    if (!controller.signal.aborted) ended(`status ${response.status}`);
  };
  run().catch((error: unknown) => {
    if (!controller.signal.aborted) ended(String(error));
  });
  return () => controller.abort();
}

const openFrame: OpenStream = (request, body, take, ended) => {
  const page = createContext({
    document: { currentScript: { remove() {} } },
    parent: {
      postMessage(text: string) {
        if (text !== "") return take(decodeLines(text));
        abort();
        ended("the stream ended");
      },
    },
  });
  let rest = "";
  const abort = load(
    urlWith(request, body),
    (text) => {
      rest += text;
      const end = rest.lastIndexOf("</script>");
      const whole = rest.slice(0, Math.max(0, end)).split("</script>");
      if (end >= 0) rest = rest.slice(end + "</script>".length);
      for (const block of whole) runInContext(block.replace(/^.*?<script nonce="[\w-]+">/s, ""), page);
    },
    ended,
  );
  return abort;
};

let scripts = 0;

const jsonp = createJsonp({
  createClaim: () => crypto.randomUUID(),
  send: (request, body, sent, failed, isLast) => send(request, body, async () => sent(), failed, isLast),
  ask(request: ConnectRequest, body, answered, failed) {
    const name = `bothways_${++scripts}`;
    let script = "";
    return load(
      `${urlWith(request, body)}&callback=${name}`,
      (text) => {
        script += text;
      },
      (failure) => {
        let isCalled = false;
        const callback = (text: string): void => {
          isCalled = true;
          answered(decodeLines(text));
        };
        if (script.startsWith("/**/")) runInContext(script, createContext({ [name]: callback }));
        if (!isCalled) failed(failure);
      },
    );
  },
});

const server = { transports: ["iframe", "jsonp", "long-polling"] } as const;

export const pageTechniques: readonly Technique[] = [
  {
    platform: "page",
    name: "iframe",
    create: () => createStreaming("iframe", post, openFrame, setTimer, { firstFrameTimeout: 10_000 }),
    other: () => jsonp,
    server,
  },
  {
    platform: "page",
    name: "jsonp",
    create: () => jsonp,
    other: () => createStreaming("iframe", post, openFrame, setTimer, { firstFrameTimeout: 10_000 }),
    server,
  },
];
