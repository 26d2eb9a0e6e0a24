/** bothways/1 spoken by hand (docs/protocol/bothways-1.md), acknowledging as often as the real client does. */
import { randomBytes } from "node:crypto";
import { type Conversation, type Dialect, eventNames, type Heard, payload, queued } from "./conversation.ts";
import { RawHttp } from "./http.ts";
import { openWebSocket, RepeatedFrame, textFrame } from "./websocket.ts";

const path = "/bothways/";
const windowMessages = 1_024;
const windowBytes = 1_048_576;
const messages = Object.fromEntries(eventNames.map((name) => [name, `m2${JSON.stringify([name, payload])}`]));
const frames = Object.fromEntries(
  Object.entries(messages).map(([name, message]) => [name, new RepeatedFrame(message, 64)]),
);
const pong = textFrame("o");
const [letterM, letterP, digitJoined] = Buffer.from("mp0");

export const bothways: Dialect = {
  default: joinWebSocket,
  websocket: joinWebSocket,
  "long-polling": joinPolling,
};

function createHello(): string {
  const attempt = randomBytes(16).toString("base64url");
  const credit = [windowMessages, windowBytes];
  return `h${JSON.stringify({ version: 1, attempt, generation: 1, received: 0, credit, join: [["/"]] })}`;
}

/** What came in, to be acknowledged (§4.2). */
class Position {
  #messages = 0;
  #bytes = 0;
  #told = 0;
  #toldBytes = 0;

  count(bytes: number): void {
    this.#messages++;
    this.#bytes += bytes;
  }

  get isDue(): boolean {
    return this.#messages - this.#told >= windowMessages / 4 || this.#bytes - this.#toldBytes >= 65_536;
  }

  tell(): string {
    this.#told = this.#messages;
    this.#toldBytes = this.#bytes;
    return `a${this.#messages},${this.#messages + windowMessages},${this.#bytes + windowBytes}`;
  }
}

function joinWebSocket(port: number, heard: Heard): Promise<Conversation> {
  return new Promise((resolve) => {
    const position = new Position();
    let events = 0;
    const socket = openWebSocket({
      port,
      path,
      protocols: `bothways.1, ${Buffer.from(createHello()).toString("base64url")}`,
      frame(bytes, start, end) {
        if (bytes[start] === letterP) socket.write(pong);
        if (bytes[start] !== letterM) return;
        position.count(end - start);
        if (bytes[start + 1] !== digitJoined) events++;
        else {
          socket.write(Buffer.concat([textFrame(position.tell()), textFrame("n1")]));
          resolve({ send: (event, count) => socket.write(frames[event]?.take(count) ?? "") });
        }
      },
      turn() {
        if (position.isDue) socket.write(textFrame(position.tell()));
        const count = events;
        events = 0;
        if (count > 0) heard(count);
      },
    });
  });
}

async function joinPolling(port: number, heard: Heard): Promise<Conversation> {
  const down = new RawHttp(port);
  const up = new RawHttp(port);
  const position = new Position();
  const read = (body: string): number => {
    const received = body.split("\n").filter((frame) => frame.startsWith("m"));
    for (const message of received) position.count(message.length);
    return received.filter((message) => !message.startsWith("m0")).length;
  };
  const welcome = await down.request(path, createHello());
  const { key } = JSON.parse(welcome.slice(1, welcome.indexOf("\n"))) as { key: string };
  if (!welcome.includes("\nm0")) throw new Error(`not joined: ${welcome}`);
  read(welcome);
  const listen = async (): Promise<void> => {
    for (let poll = 1; ; poll++) {
      const events = read(await down.request(path, `q${key},${poll}\n${position.tell()}`));
      if (events > 0) heard(events);
    }
  };
  void listen();
  let batch = 0;
  let sent = 0;
  return queued(async (event, count) => {
    const body = `k${key},${++batch}\nn${sent + 1}${`\n${messages[event]}`.repeat(count)}`;
    sent += count;
    await up.request(path, body);
  });
}
