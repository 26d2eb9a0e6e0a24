/** Techniques whose way down is an answer that goes on, over `fetch`. */
import type { ClientTransport } from "../../model/transport.ts";
import type { StreamDecoder } from "../../wire/native/body-decoder.ts";
import { createStreaming, type StreamingOptions } from "../client/streaming.ts";
import { post, readFrames, send, setTimer } from "./http.ts";

/** `createDecoder` makes what turns the bytes of an answer into frames. */
export function createFetchStreaming(
  name: string,
  createDecoder: (maxBytes: number) => StreamDecoder,
  options: StreamingOptions | undefined,
): ClientTransport {
  return createStreaming(
    name,
    post,
    (request, body, take, ended) =>
      send(
        request,
        body,
        async (response) => {
          const { status } = response;
          if (status !== 200) {
            take((await readFrames(response)) ?? []);
            return ended(`status ${status}`, status);
          }
          const decode = createDecoder(request.maxMessageBytes);
          const reader = (response.body as ReadableStream<Uint8Array>).getReader();
          for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
            const frames = decode(chunk.value);
            if (frames[0]) take(frames);
          }
          ended("the stream ended");
        },
        ended,
      ),
    setTimer,
    options,
  );
}
