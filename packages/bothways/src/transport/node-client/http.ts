/**
 * Requests of HTTP techniques in Node, over `node:http` and `node:https` with kept-alive connections.
 *
 * Invariants: an answer is never gathered beyond its limit; a POST is answered exactly once; the last POST of a link is
 * given up after `lastPostTimeoutMs`. Redirects are not followed.
 */
import { Buffer } from "node:buffer";
import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Data } from "../../model/message.ts";
import type { ConnectRequest } from "../../model/transport.ts";
import { decodeBody } from "../../wire/native/body.ts";
import type { StreamDecoder } from "../../wire/native/body-decoder.ts";
import type { Post, SetTimer } from "../client/exchanges.ts";
import type { OpenStream } from "../client/streaming.ts";

const lastPostTimeoutMs = 10_000;
/** An answer holds many messages. This much is allowed beside the longest one. */
const extraAnswerBytes = 16_777_216;

export const setTimer: SetTimer = (callback, delayMs) => {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
};

/** The requests of one transport: its connections are kept and used again. */
export class Requests {
  readonly #httpAgent = new HttpAgent({ keepAlive: true });
  readonly #httpsAgent = new HttpsAgent({ keepAlive: true });

  readonly post: Post = (request, body, answered, isLast) => {
    let isAnswered = false;
    const answer: Parameters<Post>[2] = (status, frames, failure) => {
      if (isAnswered) return;
      isAnswered = true;
      answered(status, frames, failure);
    };
    const failed = (failure: string): void => answer(0, undefined, failure);
    const take = (response: IncomingMessage): void =>
      gather(response, request.maxMessageBytes, answer, failed);
    const exchange = this.#send(request, body, take, failed);
    if (isLast) {
      const timer = setTimeout(() => exchange?.destroy(), lastPostTimeoutMs);
      exchange?.on("close", () => clearTimeout(timer));
    }
    return () => exchange?.destroy();
  };

  /** `createDecoder` gets the length of the longest message, and makes what turns bytes into frames. */
  stream(createDecoder: (maxBytes: number) => StreamDecoder): OpenStream {
    return (request, body, take, ended) => {
      let isOver = false;
      let exchange: ClientRequest | undefined;
      const end = (failure: string, status?: number): void => {
        if (isOver) return;
        isOver = true;
        ended(failure, status);
      };
      const read = (response: IncomingMessage): void => {
        const refused: Parameters<Post>[2] = (status, frames = [], failure = `status ${status}`) => {
          if (!isOver) take(frames);
          end(failure, status);
        };
        if (response.statusCode !== 200) return gather(response, request.maxMessageBytes, refused, end);
        const decode = createDecoder(request.maxMessageBytes);
        response.on("data", (chunk: Buffer) => {
          if (isOver) return;
          try {
            const frames = decode(chunk);
            if (frames.length > 0) take(frames);
          } catch (error) {
            response.destroy(error as Error);
          }
        });
        response.on("end", () => end("the stream ended"));
        response.on("error", (error) => end(error.message));
      };
      // the connection of the answer that leads to this is free in the next tick
      process.nextTick(() => {
        if (!isOver) exchange = this.#send(request, body, read, end);
      });
      return () => {
        isOver = true;
        exchange?.destroy();
      };
    };
  }

  #send(
    { url, extraHeaders, tls }: ConnectRequest,
    body: Data,
    take: (response: IncomingMessage) => void,
    failed: (failure: string) => void,
  ): ClientRequest | undefined {
    try {
      const options = { method: "POST", headers: extraHeaders };
      const exchange = url.startsWith("https:")
        ? requestHttps(url, { ...tls, ...options, agent: this.#httpsAgent }, take)
        : requestHttp(url, { ...options, agent: this.#httpAgent }, take);
      exchange.on("error", (error) => failed(error.message));
      return exchange.end(body);
    } catch (error) {
      queueMicrotask(() => failed(String(error)));
      return undefined;
    }
  }
}

function gather(
  response: IncomingMessage,
  maxMessageBytes: number,
  answer: Parameters<Post>[2],
  failed: (failure: string) => void,
): void {
  const { statusCode = 0, headers } = response;
  const maxBytes = maxMessageBytes + extraAnswerBytes;
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
    answer(statusCode, decodeBody(new Uint8Array(Buffer.concat(chunks))), failure);
  });
  response.on("error", (error) => failed(error.message));
}
