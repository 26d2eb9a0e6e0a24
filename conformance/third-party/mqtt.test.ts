/** MQTT: a broker on `createWebSocketStream`, and mqtt.js, which imports `ws` by itself, as its client. */
import type { Duplex } from "node:stream";
import type { IClientOptions, MqttClient } from "mqtt";
import { generate, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Engine, engines, serve, urlOf } from "../engines.ts";
import "./in-place-of-ws.ts";

const { default: mqtt } = (await import(import.meta.resolve("mqtt"))) as typeof import("mqtt");

/** As much of a broker as the tests need: exact topics, QoS 0 and 1, wills. */
class Broker {
  readonly #streams = new Map<Duplex, Set<string>>();

  handle(stream: Duplex): void {
    const topics = new Set<string>();
    this.#streams.set(stream, topics);
    let will: Partial<IPublishPacket> | undefined;
    const packets = parser();
    packets.on("packet", (packet: Packet) => {
      if (packet.cmd === "connect") {
        will = packet.will;
        send(stream, { cmd: "connack", returnCode: 0, sessionPresent: false });
      } else if (packet.cmd === "subscribe") {
        for (const { topic } of packet.subscriptions) topics.add(topic);
        send(stream, { cmd: "suback", messageId: packet.messageId ?? 0, granted: [0] });
      } else if (packet.cmd === "publish") {
        if (packet.qos === 1) send(stream, { cmd: "puback", messageId: packet.messageId ?? 0 });
        this.#publish(packet);
      } else if (packet.cmd === "disconnect") {
        will = undefined;
      }
    });
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => packets.parse(chunk));
    stream.on("end", () => {
      this.#streams.delete(stream);
      if (will !== undefined) this.#publish(will);
    });
  }

  #publish({ topic = "", payload = "" }: Partial<IPublishPacket>): void {
    for (const [stream, topics] of this.#streams) {
      if (topics.has(topic))
        send(stream, { cmd: "publish", topic, payload, qos: 0, dup: false, retain: false });
    }
  }
}

function send(stream: Duplex, packet: Packet): void {
  stream.write(generate(packet));
}

async function start(engine: Engine): Promise<string> {
  const broker = new Broker();
  const wss = await serve(engine, { handleProtocols: (offered) => offered.has("mqtt") && "mqtt" });
  wss.on("connection", (socket) => broker.handle(engines[engine].createWebSocketStream(socket)));
  return urlOf(wss);
}

async function connect(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options });
  onTestFinished(() => void client.end(true));
  return client;
}

/** The payload of the next message. */
function next(client: MqttClient): Promise<Buffer> {
  return new Promise((resolve) => client.once("message", (_topic, payload) => resolve(payload)));
}

describe.each(["bothways", "ws"] as const)("a broker on %s, mqtt.js on ours", (engine) => {
  test.each([0, 1] as const)("what is published with QoS %i arrives once, in order", async (qos) => {
    const url = await start(engine);
    const [listener, speaker] = await Promise.all([connect(url), connect(url)]);
    await listener.subscribeAsync("news");
    const found: string[] = [];
    const all = new Promise<void>((resolve) =>
      listener.on("message", (topic, payload) => {
        found.push(`${topic} ${payload}`);
        if (found.length === 100) resolve();
      }),
    );
    await Promise.all(Array.from({ length: 100 }, (_, i) => speaker.publishAsync("news", `${i} ü`, { qos })));
    await all;
    expect(found).toEqual(Array.from({ length: 100 }, (_, i) => `news ${i} ü`));
  });

  test("one of 900 kB comes whole", async () => {
    const client = await connect(await start(engine));
    await client.subscribeAsync("large");
    const payload = Buffer.alloc(900_000, "abcdefg");
    const received = next(client);
    client.publish("large", payload);
    expect(Buffer.compare(await received, payload)).toBe(0);
  });

  test("a last will is told when the connection breaks, and not when it is ended", async () => {
    const url = await start(engine);
    const listener = await connect(url);
    await listener.subscribeAsync("wills");
    const will = (payload: string): IClientOptions => ({
      will: { topic: "wills", payload: Buffer.from(payload), qos: 0, retain: false },
    });
    const orderly = await connect(url, will("orderly"));
    const mortal = await connect(url, will("broken"));
    const told = next(listener);
    await orderly.endAsync();
    mortal.stream.destroy();
    expect(String(await told)).toBe("broken");
  });
});
