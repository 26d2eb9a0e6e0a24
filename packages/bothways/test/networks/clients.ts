/** The two kinds of client of the matrix, as a cell uses them. */
import { build } from "esbuild";
import { type Browser, chromium } from "playwright-core";
import { findChromium } from "../../../../scripts/chromium.ts";
import { io } from "../../src/client/index.node.ts";
import * as factories from "../../src/client/transports.node.ts";
import { args, networkNoise, watchPage } from "../browser/chromium.ts";
import { Talker, type TalkerOptions, type Told } from "./talker.ts";

declare global {
  interface Window {
    openTalker: (options: TalkerOptions) => void;
    talker: Talker;
  }
}

export const clientNames = ["Node", "Chromium"] as const;
export type ClientName = (typeof clientNames)[number];

/** A {@link Talker}, wherever it is. */
export interface Client {
  connect(): Promise<Told>;
  say(from: number, count: number): Promise<Told>;
  echo(): Promise<Told>;
  tell(): Promise<Told>;
  close(): Promise<void>;
}

export async function openClient(name: ClientName, options: TalkerOptions, pages?: Pages): Promise<Client> {
  if (name === "Node") return openNode(options);
  if (pages === undefined) throw new Error("Chromium was not launched");
  return pages.open(options);
}

function openNode(options: TalkerOptions): Client {
  const talker = new Talker(io, factories, options);
  return {
    connect: async () => talker.connect(),
    say: async (from, count) => talker.say(from, count),
    echo: () => talker.echo(),
    tell: async () => talker.tell(),
    close: async () => talker.close(),
  };
}

/** What a page says of a network that answers an EventSource, or a script, with a page of its own. */
const noise = new RegExp(
  `${networkNoise.source}|^EventSource's response has a MIME type|^SyntaxError: Unexpected token '<'$`,
);

/** Chromium, and the script of its pages. */
export class Pages {
  readonly #browser: Browser;
  readonly #html: string;

  private constructor(browser: Browser, html: string) {
    this.#browser = browser;
    this.#html = html;
  }

  static async launch(): Promise<Pages> {
    const { outputFiles } = await build({
      entryPoints: [new URL("page.ts", import.meta.url).pathname],
      bundle: true,
      format: "iife",
      target: "es2022",
      write: false,
    });
    const script = outputFiles[0]?.text ?? "";
    const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script>${script}</script>`;
    const browser = await chromium.launch({
      executablePath: findChromium(),
      // no network leads anywhere but to us
      args: [
        ...args,
        "--ignore-certificate-errors",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      ],
    });
    return new Pages(browser, html);
  }

  /** A page of the server's origin, which has not come over the network under test. */
  async open(options: TalkerOptions): Promise<Client> {
    const context = await this.#browser.newContext({
      ignoreHTTPSErrors: true,
      // Chromium does not know from what network a page came that we gave it, and would ask the user
      permissions: ["local-network-access"],
    });
    const page = await context.newPage();
    const problems = watchPage(page, noise);
    const place = `${options.url}/`;
    await page.route(place, (route) => route.fulfill({ contentType: "text/html", body: this.#html }));
    await page.goto(place);
    await page.unroute(place);
    // a browser opens a WebSocket over HTTP/2 only where it has a session
    if (options.isHttp2) await page.evaluate(() => fetch("/"));
    await page.evaluate((given) => window.openTalker(given), options);
    const told = ({ wrong, ...rest }: Told): Told => ({ ...rest, wrong: [...wrong, ...problems] });
    return {
      connect: async () => told(await page.evaluate(() => window.talker.connect())),
      say: async (...range) => told(await page.evaluate((given) => window.talker.say(...given), range)),
      echo: async () => told(await page.evaluate(() => window.talker.echo())),
      tell: async () => told(await page.evaluate(() => window.talker.tell())),
      close: () => context.close(),
    };
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
