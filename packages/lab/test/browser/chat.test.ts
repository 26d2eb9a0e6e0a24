/** The chat as two visitors use it, in a real browser: over each technique, and cut off and moved about while both write. */
import type { Page } from "playwright-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { slowWebSocket, useChromium, watchPage } from "../../../bothways/test/browser/chromium.ts";
import { type Chat, startChat } from "../../src/chat/server.ts";

declare global {
  interface Window {
    pictures: Blob[];
    digest: (blob: Blob) => Promise<string>;
  }
}

const browser = useChromium();
let chat: Chat;
const visitors: { page: Page; problems: string[] }[] = [];

beforeEach(async () => {
  chat = await startChat(0);
});

afterEach(async () => {
  const all = visitors.splice(0);
  for (const { page } of all) await page.context().close();
  await chat.close();
  expect(all.flatMap(({ problems }) => problems)).toEqual([]);
});

/** A link that was replaced may still be asked something, and the browser tells the console. */
const noise = new RegExp(`status of (408|409)|${slowWebSocket.source}`);

/** Somebody comes in. */
async function enter(
  name: string,
  options: { locale?: string; room?: string; transport?: string } = {},
): Promise<Page> {
  const context = await browser().newContext({ locale: options.locale ?? "en" });
  const page = await context.newPage();
  visitors.push({ page, problems: watchPage(page, noise) });
  await page.addInitScript(keepPictures);
  const query = options.transport === undefined ? "" : `?transport=${options.transport}`;
  await page.goto(`http://localhost:${chat.port}/${query}#${options.room ?? ""}`);
  await page.fill("#name", name);
  await page.press("#name", "Enter");
  await page.waitForSelector("body[data-state=online]");
  return page;
}

/** In one step: between the typing and the Enter key another step of the test could take the focus. */
function say(page: Page, text: string): Promise<void> {
  return page.locator("#text").evaluate((box, value) => {
    (box as HTMLTextAreaElement).value = value;
    box.dispatchEvent(new InputEvent("input", { bubbles: true }));
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
  }, text);
}

/** What stands on the page, in its order. */
function texts(page: Page, kind: "" | ".own" | ":not(.own)" = ""): Promise<string[]> {
  return page.locator(`#messages .message${kind} .text`).allTextContents();
}

/** Marks of one's own messages: clock, check, checks or unknown. */
function marks(page: Page): Promise<(string | null)[]> {
  return page
    .locator("#messages .own .mark")
    .evaluateAll((all) => all.map((mark) => mark.getAttribute("data-state")));
}

async function count(page: Page, name: string): Promise<number> {
  return Number((await page.locator(`#count-${name}`).textContent())?.replace(/\D/g, ""));
}

const choose = (page: Page, transport: string): Promise<void> =>
  page.locator(`[data-transport-choice=${transport}]`).click();

/** A silence is noticed after four seconds. */
async function breakNetwork(page: Page, fault: "cut" | "silent", seconds: 3 | 20 = 3): Promise<void> {
  await page.locator(`input[name=fault][value=${fault}]`).check({ force: true });
  await page.locator(`[data-seconds='${seconds}']`).click();
}

const until = (page: Page, state: string): Promise<unknown> => page.waitForSelector(`body[data-${state}]`);

test("two pages talk while one is cut off, silenced, and moved to long polling and back", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob");
  let isOver = false;
  let total = 0;
  const talk = async (page: Page, name: string): Promise<string[]> => {
    const said: string[] = [];
    while (!isOver) {
      const text = `${name} ${said.length + 1}`;
      said.push(text);
      total++;
      await say(page, text);
      // the page shows the last 200 messages, and all of these are to be seen at the end, however long the story takes
      await page.waitForTimeout(total < 120 ? 150 : 2_000);
    }
    return said;
  };
  const story = async (): Promise<void> => {
    await choose(ann, "long-polling");
    await until(ann, "transport=long-polling");
    await breakNetwork(ann, "cut");
    await expect.poll(() => count(ann, "resumed")).toBe(1);
    await choose(ann, "websocket");
    await until(ann, "transport=websocket");
    await breakNetwork(ann, "silent");
    await expect.poll(() => count(ann, "resumed")).toBe(2);
    await choose(ann, "long-polling");
    await until(ann, "transport=long-polling");
    await choose(ann, "websocket");
    await until(ann, "transport=websocket");
    await expect.poll(() => total).toBeGreaterThan(40);
    isOver = true;
  };
  const [fromAnn, fromBob] = await Promise.all([talk(ann, "Ann"), talk(bob, "Bob"), story()]);

  for (const [page, mine, theirs] of [
    [ann, fromAnn, fromBob],
    [bob, fromBob, fromAnn],
  ] as const) {
    await expect.poll(async () => (await texts(page, ":not(.own)")).length).toBe(theirs.length);
    expect(await texts(page, ":not(.own)")).toEqual(theirs);
    expect(await texts(page, ".own")).toEqual(mine);
    await expect.poll(async () => new Set(await marks(page))).toEqual(new Set(["checks"]));
    for (const name of ["missing", "doubled", "disordered"])
      expect([name, await count(page, name)]).toEqual([name, 0]);
  }
  expect(await texts(bob)).toEqual(await texts(ann));
  expect(await count(ann, "resumed")).toBe(2);
  expect(await count(bob, "resumed")).toBe(0);
});

test("a pasted picture arrives as it was, also from a visitor who was cut off", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob");
  const teal = await pastePicture(ann, "teal");
  await expect.poll(() => shownPictures(bob)).toEqual([teal]);
  await breakNetwork(ann, "cut", 20);
  await until(ann, "state=away");
  const gold = await pastePicture(ann, "gold");
  expect(await marks(ann)).toContain("clock");
  await ann.click("#heal");
  await until(ann, "state=online");
  await expect.poll(() => shownPictures(bob)).toEqual([teal, gold]);
  await expect.poll(() => marks(ann)).toEqual(["checks", "checks"]);
  // who comes later finds them in the history
  expect(await shownPictures(await enter("Carol"))).toEqual([teal, gold]);
});

test("rooms, names, presence and typing; English and Korean", async () => {
  const ann = await enter("Ann", { room: "garden" });
  const bob = await enter("ann", { room: "garden", locale: "ko-KR", transport: "pigeon" });
  const names = (page: Page): Promise<string[]> => page.locator(".member-name").allTextContents();
  await expect.poll(() => names(ann)).toEqual(["Ann", "ann 2"]);
  expect(await bob.locator("#typing").textContent()).toBe("");
  await expect
    .poll(async () => {
      // what nobody could be told at once is told with a later letter
      await ann.locator("#text").pressSequentially("h");
      return bob.locator("#typing").textContent();
    })
    .toBe("Ann 님이 입력하고 있습니다");
  expect(await bob.locator("html").getAttribute("lang")).toBe("ko");
  await bob.click("#language");
  await expect.poll(() => bob.locator("#status").textContent()).toBe("WebSocket");
  expect(await bob.locator("html").getAttribute("lang")).toBe("en");

  await bob.fill("#room-name", "cellar");
  await bob.press("#room-name", "Enter");
  await expect.poll(() => bob.locator("#room").textContent()).toBe("cellar");
  await expect.poll(() => names(ann)).toEqual(["Ann"]);
  await say(bob, "anybody?");
  await say(ann, "still in the garden");
  await expect.poll(() => marks(ann)).toEqual(["check"]);
  expect(await texts(ann)).toEqual(["still in the garden"]);
  expect(await texts(bob)).toEqual(["anybody?"]);
  await breakNetwork(bob, "cut", 20);
  await ann.click(".room:has-text('cellar')");
  await expect.poll(() => ann.locator(".member.away").count()).toBe(1);
  await expect.poll(() => texts(ann)).toEqual(["anybody?"]);
  await bob.click("#heal");
  await expect.poll(() => ann.locator(".member.away").count()).toBe(0);
});

describe("by choice", () => {
  const byName = {
    websocket: "WebSocket",
    stream: "Stream",
    sse: "SSE",
    "long-polling": "Long polling",
    multipart: "Multipart",
    "short-polling": "Short polling",
    iframe: "Iframe",
    jsonp: "JSONP",
  };
  test.each(Object.entries(byName))(
    "%s carries it all, from the URL and by a click",
    async (transport, label) => {
      const [ann, bob] = await Promise.all([enter("Ann", { transport }), enter("Bob")]);
      await choose(bob, transport);
      await Promise.all([until(ann, `transport=${transport}`), until(bob, `transport=${transport}`)]);
      const carried = watchEvents();

      await say(ann, "안녕 밥! 😀");
      await say(bob, "나도 반가워 👋🏽 </script>");
      const teal = await pastePicture(bob, "teal");
      await expect.poll(() => texts(bob, ":not(.own)")).toEqual(["안녕 밥! 😀"]);
      await expect.poll(() => shownPictures(ann)).toEqual([teal]);
      expect(await texts(ann, ":not(.own)")).toContain("나도 반가워 👋🏽 </script>");
      await expect.poll(() => marks(ann)).toEqual(["checks"]);

      for (const page of [ann, bob]) {
        expect(await page.locator("#status").textContent()).toBe(label);
        const pressed = page.locator("[data-transport-choice][aria-pressed=true]");
        expect(await pressed.allTextContents()).toEqual([label]);
      }
      await bob.context().close();
      await expect.poll(() => ann.locator(".member-name").allTextContents()).toEqual(["Ann"]);
      expect(new Set(carried.map(([, name]) => name))).toEqual(new Set([transport]));
      const events = new Set(carried.map(([event]) => event));
      expect([...events]).toEqual(expect.arrayContaining(["say", "message", "seen", "presence", "rooms"]));
    },
  );
});

/** What the server hears and says from now on, and by what. */
function watchEvents(): [event: string, transport: string][] {
  const carried: [string, string][] = [];
  for (const socket of chat.io.sockets.sockets.values()) {
    const note = (event: string): void => void carried.push([event, socket.conn.transport.name]);
    socket.onAny(note);
    socket.onAnyOutgoing(note);
  }
  return carried;
}

/** Pastes a picture, sends it, and gives a digest of its bytes. */
async function pastePicture(page: Page, color: string): Promise<string> {
  const sent = await page.evaluate(async (fill) => {
    const canvas = new OffscreenCanvas(400, 300);
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.fillStyle = fill;
    context.fillRect(0, 0, 400, 300);
    const picture = await canvas.convertToBlob();
    // bytes after the end of a PNG are ignored by those who show it, and must arrive all the same
    const rest = crypto.getRandomValues(new Uint8Array(60_000));
    const file = new File([picture, rest, rest, rest], "picture.png", { type: "image/png" });
    const clipboardData = new DataTransfer();
    clipboardData.items.add(file);
    const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    document.querySelector("#text")?.dispatchEvent(paste);
    return window.digest(file);
  }, color);
  await page.waitForSelector("#preview:not([hidden])");
  await page.press("#text", "Enter");
  return sent;
}

/** Digests of the pictures that a page has shown. */
function shownPictures(page: Page): Promise<string[]> {
  return page.evaluate(() => Promise.all(window.pictures.map(window.digest)));
}

/** Keeps what a page is about to show: its policy does not let anybody read it back from the element. */
function keepPictures(): void {
  const create = URL.createObjectURL;
  window.pictures = [];
  URL.createObjectURL = (blob) => {
    if (blob instanceof Blob) window.pictures.push(blob);
    return create.call(URL, blob);
  };
  window.digest = async (blob) => {
    const hash = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
    return `${blob.size} bytes, ${[...new Uint8Array(hash)].join(" ")}`;
  };
}
