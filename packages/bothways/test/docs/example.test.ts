/** The example runs: two people talk, one leaves. */
import { expect, test } from "vitest";
import { freePort, Program } from "./programs.ts";

test("examples/chat", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = new Program([
    "--eval",
    `process.env.PORT = "${port}"; import("./examples/chat/server.ts");`,
  ]);
  await server.printed(url.replace("127.0.0.1", "localhost"));
  const ada = new Program(["examples/chat/client.ts", "Ada", url]);
  try {
    await ada.printed("here: Ada");
    const bob = new Program(["examples/chat/client.ts", "Bob", url]);
    try {
      await bob.printed("here: Ada, Bob");
      bob.write("good evening");
      await ada.printed("Bob: good evening");
    } finally {
      await bob.kill();
    }
    expect(ada.output).toContain("Bob came");
  } finally {
    await ada.kill();
    await server.kill();
  }
});
