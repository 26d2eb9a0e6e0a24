/** bothways/1 over HTTP (docs/protocol/bothways-1.md §5.2, §5.3), spoken by hand. */

import { eventName, payload } from "../servers/http/application.ts";
import { createHello, messages, Position, path, tellDelayMs } from "./bothways-session.ts";
import { type Conversation, type Join, mute, queued } from "./conversation.ts";
import { RawHttp } from "./http.ts";

/** From an answer to the next request, in ms: short polling needs no less to be of use. */
const pollIntervalMs = 50;
const toldBytes = `m2${JSON.stringify([eventName, payload])}`.length;

export function pollingJoin(technique: "long-polling" | "short-polling"): Join {
  return async (port, heard) => {
    const down = new RawHttp(port);
    const position = new Position();
    let pong = "";
    const read = (body: string): number => {
      const frames = body.split("\n");
      pong = frames.includes("p") ? "\no" : "";
      const received = frames.filter((frame) => frame.startsWith("m"));
      for (const message of received) position.count(message.length);
      return received.filter((message) => !message.startsWith("m0")).length;
    };
    const welcome = await down.request(path, `${createHello()}\nt${technique}`);
    const key = readKey(welcome);
    if (!welcome.includes("\nm0")) throw new Error(`not joined: ${welcome}`);
    read(welcome);
    const listen = async (): Promise<void> => {
      for (let poll = 1; ; poll++) {
        const events = read(await down.request(path, `q${key},${poll}\n${position.tell()}${pong}`));
        if (events > 0) heard(events);
        if (technique === "short-polling")
          await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
      }
    };
    void listen();
    return sender(port, key);
  };
}

export function streamingJoin(technique: "stream" | "sse" | "multipart"): Join {
  return async (port, heard) => {
    // the start leaves on the connection of the hello, as browsers do it
    const down = new RawHttp(port);
    const key = readKey(await down.request(path, `${createHello()}\nt${technique}`));
    const up = new RawHttp(port);
    const received = new Received(up, key);
    await down.stream(path, `s${key},1`, "m0{", (events) => {
      if (events === 0) return received.answerPing();
      received.count(events);
      heard(events);
    });
    // the answer to the join; the first frame that the server gets opens the session
    received.count(1);
    await received.tell();
    // what a client that waits holds is its stream: a connection that nobody uses is closed soon
    up.leave();
    return mute;
  };
}

/** What came on streams. Tells the server of it as often as the real client does. */
class Received {
  readonly #up: RawHttp;
  readonly #key: string;
  readonly #position = new Position();
  #batches = 0;
  #isTelling = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(up: RawHttp, key: string) {
    this.#up = up;
    this.#key = key;
  }

  count(events: number): void {
    this.#position.count(events * toldBytes, events);
    if (this.#isTelling) return;
    if (this.#position.isDue) void this.tell();
    else this.#timer ??= setTimeout(() => void this.tell(), tellDelayMs);
  }

  tell(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // pings come among events, where nobody looks for them
    return this.#send(`${this.#position.tell()}\no`);
  }

  /** What came without an event is one, most likely. */
  answerPing(): void {
    if (!this.#isTelling) void this.#send("o");
  }

  async #send(frame: string): Promise<void> {
    this.#isTelling = true;
    await this.#up.request(path, `k${this.#key},${++this.#batches}\n${frame}`);
    this.#isTelling = false;
  }
}

function sender(port: number, key: string): Conversation {
  const up = new RawHttp(port);
  let batch = 0;
  let sent = 0;
  return queued(async (event, count) => {
    const body = `k${key},${++batch}\nn${sent + 1}${`\n${messages[event]}`.repeat(count)}`;
    sent += count;
    await up.request(path, body);
  });
}

function readKey(welcome: string): string {
  const [frame = ""] = welcome.split("\n");
  return (JSON.parse(frame.slice(1)) as { key: string }).key;
}
