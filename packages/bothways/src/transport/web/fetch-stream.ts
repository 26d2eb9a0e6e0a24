/** Reads an answer that goes on, over `fetch`. */

import { decodeBody } from "../../wire/native/body.ts";
import type { StreamDecoder } from "../../wire/native/body-decoder.ts";
import type { OpenStream } from "../client/streaming.ts";
import { send } from "./http.ts";

/** `createDecoder` gets the answer's Content-Type, and makes what turns its bytes into frames. */
export function createFetchStream(createDecoder: (contentType: string) => StreamDecoder): OpenStream {
  return (request, body, take, ended) =>
    send(
      request,
      body,
      async (response) => {
        const { status, headers } = response;
        if (status !== 200 || !response.body) {
          take(decodeBody(new Uint8Array(await response.arrayBuffer())) ?? []);
          return ended(`status ${status}`, status);
        }
        const decode = createDecoder(headers.get("Content-Type") ?? "");
        const reader = response.body.getReader();
        for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
          const frames = decode(chunk.value);
          if (!frames) throw new Error("the stream is malformed");
          if (frames[0]) take(frames);
        }
        ended("the stream ended");
      },
      ended,
    );
}
