/** What streams of HTTP/2 are to us, where Node's versions differ; over real sessions in `socket/http2.test.ts`. */
import { once } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { StreamCount } from "../../../src/transport/node/http2.ts";

/** As Node before version 26 has it: nothing is ever written, and a reset is an event and the end of what can be read. */
function createStream(): ServerHttp2Stream {
  const stream = new Duplex({ read() {}, write() {} });
  new StreamCount(1).add(stream as ServerHttp2Stream);
  stream.write("this waits for the client's window");
  return stream as ServerHttp2Stream;
}

describe("a stream that is reset while something waits to be written", () => {
  test("closes when what came before the reset has been read", async () => {
    const stream = createStream();
    stream.push("last words");
    stream.emit("aborted");
    stream.push(null);
    expect(stream.destroyed).toBe(false);
    const closed = once(stream, "close");
    expect(String((await once(stream, "data"))[0])).toBe("last words");
    await closed;
  });

  test("closes at once where all was read", async () => {
    const stream = createStream();
    stream.push(null);
    stream.resume();
    await once(stream, "end");
    const closed = once(stream, "close");
    stream.emit("aborted");
    await closed;
  });
});
