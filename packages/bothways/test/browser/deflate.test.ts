/** permessage-deflate with Chromium: it offers, the server takes or not, and messages of every size go both ways. */
import { expect, test } from "vitest";
import { useChromium } from "./chromium.ts";
import { Stage } from "./stage.ts";

const browser = useChromium();

test.each([
  [false, ""],
  [true, "permessage-deflate; server_no_context_takeover; client_no_context_takeover"],
  [{ threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false }, "permessage-deflate"],
  [
    { threshold: 0, serverMaxWindowBits: 10, clientMaxWindowBits: 9 },
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
  ],
] as const)("with perMessageDeflate %j", async (perMessageDeflate, extensions) => {
  const stage = await Stage.open(browser(), { bundle: "default", server: { perMessageDeflate } });
  try {
    await stage.connect({ transports: ["websocket"] });
    const agreed = await stage.page.evaluate(
      () =>
        new Promise((resolve) => {
          const socket = new WebSocket(`${location.origin.replace("http", "ws")}/bothways/`, "bothways.1");
          socket.onopen = () => {
            resolve(socket.extensions);
            socket.close();
          };
        }),
    );
    expect(agreed).toBe(extensions);
    const wrong = await stage.page.evaluate(async () => {
      const wrongLengths: number[] = [];
      for (const length of [0, 10, 1_023, 1_024, 20_000, 70_000, 400_000, 5_000]) {
        const text = `{"id":${length}},소식 `.repeat(length).slice(0, length);
        const [echoed] = (await window.socket.emitWithAck("echo", text)) as string[];
        if (echoed !== text) wrongLengths.push(length);
      }
      return wrongLengths;
    });
    expect(wrong).toEqual([]);
    const news = "news ".repeat(50_000);
    expect(await stage.server.socket.emitWithAck("echo", news)).toEqual([news]);
  } finally {
    await stage.close();
  }
});
