/** The Chromium that the browser tests drive: the system's, never a download of its own. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { installPackage } from "./system-packages.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const elsewhere = [
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** `CHROMIUM_PATH`, or the first Chromium or Chrome found on `PATH`; `undefined` where there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return [process.env.CHROMIUM_PATH ?? "", ...places, ...elsewhere].find(
    (path) => path !== "" && existsSync(path),
  );
}

/** Installs Debian's package where there is no Chromium and we may. False where there is still none. */
export function ensureChromium(): boolean {
  if (findChromium() === undefined) installPackage("chromium");
  return findChromium() !== undefined;
}
