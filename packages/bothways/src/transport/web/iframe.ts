/**
 * Client half of the technique `iframe`: a hidden frame whose document does not end, and hands over what comes.
 *
 * Invariant: only what the frame's own window says, from the server's origin, is taken. A frame tells nothing of a refusal: its
 * document has then ended without a word. Of a connection that was cut it tells nothing at all; silence does.
 */
import type { ClientTransport } from "../../model/transport.ts";
import type { Post } from "../client/exchanges.ts";
import { createStreaming, type OpenStream, type StreamingOptions } from "../client/streaming.ts";
import { post, setTimer } from "./http.ts";
import { decodeLines, pageLoaded, urlWith } from "./page-request.ts";

/** What a document said before it ended may come after the event that it has ended. */
const LAST_WORDS_MS = 100;

const openFrame: OpenStream = (request, body, take, ended) => {
  const frame = document.createElement("iframe");
  const { origin } = new URL(request.url);
  const stop = (): void => {
    removeEventListener("message", onMessage);
    frame.remove();
  };
  const end = (): void => {
    if (!frame.isConnected) return;
    stop();
    ended("the stream ended");
  };
  const onMessage = ({ source, origin: from, data }: MessageEvent<unknown>): void => {
    if (source !== frame.contentWindow || from !== origin || typeof data !== "string") return;
    if (data === "") end();
    else take(decodeLines(data));
  };
  addEventListener("message", onMessage);
  // a page's styles could show what is only `hidden`
  frame.style.display = "none";
  // there is no Origin header that says which page asks
  frame.referrerPolicy = "origin";
  frame.src = urlWith(request, body);
  frame.onload = () => setTimer(end, LAST_WORDS_MS);
  document.documentElement.append(frame);
  return stop;
};

/** The technique `iframe`: a hidden frame that goes on loading. Binary travels as base64. Only in pages, once they are loaded. */
export function iframe(options?: StreamingOptions): ClientTransport {
  const postFromPage: Post = (request, body, answered, isLast) =>
    post(request, body, answered, isLast, pageLoaded);
  return createStreaming("iframe", postFromPage, openFrame, setTimer, options);
}
