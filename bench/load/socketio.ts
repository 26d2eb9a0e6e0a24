/** Socket.IO's protocol 5 over Engine.IO's 4, spoken by hand. */
import { type Conversation, type Dialect, eventNames, type Heard, payload, queued } from "./conversation.ts";
import { RawHttp } from "./http.ts";
import { openWebSocket, RepeatedFrame, textFrame } from "./websocket.ts";

const path = "/socket.io/?EIO=4&transport=";
/** Between the packets of one HTTP body. */
const separator = "\x1e";
const packets = Object.fromEntries(eventNames.map((name) => [name, `42${JSON.stringify([name, payload])}`]));
const frames = Object.fromEntries(
  Object.entries(packets).map(([name, packet]) => [name, new RepeatedFrame(packet, 64)]),
);
const connect = textFrame("40");
const pong = textFrame("3");
const probe = textFrame("2probe");
const upgrade = textFrame("5");
const [digitOpen, digitPing, digitPong, digitMessage] = Buffer.from("0234");
const digitJoined = digitOpen;

export const socketio: Dialect = {
  default: joinAndUpgrade,
  websocket: joinWebSocket,
  "long-polling": joinPolling,
};

function joinWebSocket(port: number, heard: Heard): Promise<Conversation> {
  return new Promise((resolve) => {
    let events = 0;
    const socket = openWebSocket({
      port,
      path: `${path}websocket`,
      frame(bytes, start) {
        if (bytes[start] === digitOpen) socket.write(connect);
        else if (bytes[start] === digitPing) socket.write(pong);
        else if (bytes[start] !== digitMessage) return;
        else if (bytes[start + 1] !== digitJoined) events++;
        else resolve({ send: (event, count) => socket.write(frames[event]?.take(count) ?? "") });
      },
      turn() {
        const count = events;
        events = 0;
        if (count > 0) heard(count);
      },
    });
  });
}

/** What a session over long polling begins with. */
async function shakeHands(port: number): Promise<{ down: RawHttp; up: RawHttp; sid: string; url: string }> {
  const down = new RawHttp(port);
  const up = new RawHttp(port);
  const handshake = await down.request(`${path}polling`);
  const { sid } = JSON.parse(handshake.slice(1)) as { sid: string };
  const url = `${path}polling&sid=${sid}`;
  await up.request(url, "40");
  const joined = await down.request(url);
  if (!joined.startsWith("40")) throw new Error(`not joined: ${joined}`);
  return { down, up, sid, url };
}

/** Long polling first, then the switch to WebSocket: probe, end of the held poll, upgrade. */
async function joinAndUpgrade(port: number): Promise<Conversation> {
  const { down, sid, url } = await shakeHands(port);
  const held = down.request(url);
  return new Promise((resolve) => {
    const socket = openWebSocket({
      port,
      path: `${path}websocket&sid=${sid}`,
      opened: () => socket.write(probe),
      async frame(bytes, start) {
        if (bytes[start] === digitPing) socket.write(pong);
        if (bytes[start] !== digitPong) return;
        await held;
        socket.write(upgrade);
        resolve({ send: (event, count) => socket.write(frames[event]?.take(count) ?? "") });
      },
      turn() {},
    });
  });
}

async function joinPolling(port: number, heard: Heard): Promise<Conversation> {
  const { down, up, url } = await shakeHands(port);
  const listen = async (): Promise<void> => {
    for (;;) {
      const received = (await down.request(url)).split(separator);
      if (received.includes("2")) await up.request(url, "3");
      const events = received.filter((packet) => packet.startsWith("42")).length;
      if (events > 0) heard(events);
    }
  };
  void listen();
  return queued(async (event, count) => {
    await up.request(url, Array.from({ length: count }, () => packets[event]).join(separator));
  });
}
