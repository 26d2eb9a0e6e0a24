/** Real Chromium for a test file: the system's, headless, with a profile of its own that goes when the file is done. */
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { findChromium } from "../../../../scripts/chromium.ts";

export const args: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** Launched before the tests of this file, closed after them. `keepsPages`: it has a back/forward cache, as users' browsers have. */
export function useChromium(keepsPages: boolean = false): () => Browser {
  let browser: Browser | undefined;
  const ignoreDefaultArgs = keepsPages ? ["--disable-back-forward-cache"] : [];
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium(), args: [...args], ignoreDefaultArgs });
  });
  afterAll(() => browser?.close());
  return () => {
    if (browser === undefined) throw new Error("Chromium is launched when the tests begin");
    return browser;
  };
}

/**
 * What goes wrong in a page from now on: errors on its console, exceptions, unhandled rejections. A browser writes each
 * request that fails to the console by itself, so where the network is broken on purpose, `expected` names those.
 */
export function watchPage(page: Page, expected?: RegExp): string[] {
  const problems: string[] = [];
  const note = (text: string): void => {
    if (!expected?.test(text)) problems.push(text);
  };
  page.on("pageerror", (error) => note(error.stack || String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") note(message.text());
  });
  return problems;
}

/** What Chromium writes when a WebSocket was so slow to open that another transport is used. */
export const slowWebSocket = /WebSocket is closed before the connection is established/;

/** What Chromium writes when a connection is refused, reset or ends in mid-air, and a link with it. */
export const networkNoise = /^(Failed to load resource|WebSocket connection to '[^']*' failed)/;
