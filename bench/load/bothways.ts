/** bothways/1 spoken by hand (docs/protocol/bothways-1.md), acknowledging as often as the real client does. */
import { pollingJoin, streamingJoin } from "./bothways-http.ts";
import { createHello, messages, Position, path } from "./bothways-session.ts";
import type { Conversation, Dialect, Heard } from "./conversation.ts";
import { streamJoin } from "./plain-http.ts";
import { openWebSocket, RepeatedFrame, textFrame } from "./websocket.ts";

const frames = Object.fromEntries(
  Object.entries(messages).map(([name, message]) => [name, new RepeatedFrame(message, 64)]),
);
const pong = textFrame("o");
const [letterM, letterP, digitJoined] = Buffer.from("mp0");

export const bothways: Dialect = {
  default: joinWebSocket,
  websocket: joinWebSocket,
  "long-polling": pollingJoin("long-polling"),
  "short-polling": pollingJoin("short-polling"),
  stream: streamingJoin("stream"),
  sse: streamingJoin("sse"),
  multipart: streamingJoin("multipart"),
  "event-source": streamJoin("/bothways/events?room=room", "event: connect"),
};

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
