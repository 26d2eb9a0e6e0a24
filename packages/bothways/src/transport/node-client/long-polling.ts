/**
 * Client half of long polling in Node, over `node:http` and `node:https` with kept-alive connections.
 *
 * Invariants: an answer is never gathered beyond its limit; a POST is answered exactly once; the last POST of a link is
 * given up after `lastPostTimeoutMs`. Redirects are not followed.
 */
import { Buffer } from "node:buffer";
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { ClientTransport } from "../../model/transport.ts";
import { createLongPolling, type Post } from "../client/long-polling.ts";

const lastPostTimeoutMs = 10_000;
/** An answer holds many messages. This much is allowed beside the longest one. */
const extraAnswerBytes = 16_777_216;
const nothing = new Uint8Array(0);

/** The technique `long-polling`: requests that wait for their answer. It passes wherever HTTP does. */
export function longPolling(): ClientTransport {
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true });

  const post: Post = ({ url, extraHeaders, tls, maxMessageBytes }, body, answered, isLast) => {
    let isAnswered = false;
    const answer = (status: number, bytes: Uint8Array, failure?: string): void => {
      if (isAnswered) return;
      isAnswered = true;
      answered(status, bytes, failure);
    };
    const take = (response: IncomingMessage): void =>
      gather(response, maxMessageBytes + extraAnswerBytes, answer);
    try {
      const options = { method: "POST", headers: extraHeaders };
      const exchange = url.startsWith("https:")
        ? requestHttps(url, { ...tls, ...options, agent: httpsAgent }, take)
        : requestHttp(url, { ...options, agent: httpAgent }, take);
      exchange.on("error", (error) => answer(0, nothing, error.message));
      if (isLast) {
        const timer = setTimeout(() => exchange.destroy(), lastPostTimeoutMs);
        exchange.on("close", () => clearTimeout(timer));
      }
      exchange.end(body);
      return () => exchange.destroy();
    } catch (error) {
      queueMicrotask(() => answer(0, nothing, String(error)));
      return () => {};
    }
  };

  return createLongPolling("long-polling", post);
}

function gather(
  response: IncomingMessage,
  maxBytes: number,
  answer: (status: number, bytes: Uint8Array, failure?: string) => void,
): void {
  const { statusCode = 0, headers } = response;
  const chunks: Buffer[] = [];
  let byteLength = 0;
  response.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    byteLength += chunk.length;
    if (byteLength > maxBytes) response.destroy(new Error(`the answer is longer than ${maxBytes} bytes`));
  });
  response.on("end", () => {
    const failure = headers.location && `redirected to ${headers.location}`;
    // Frames are views of the body: not of Node's pool, and not Buffers, whose `slice` does not copy.
    answer(statusCode, new Uint8Array(Buffer.concat(chunks)), failure);
  });
  response.on("error", (error) => answer(0, nothing, error.message));
}
