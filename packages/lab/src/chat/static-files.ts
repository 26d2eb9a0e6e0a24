/**
 * Serves one flat folder and perhaps other files, read once at the start: a request names one of these files or nothing
 * at all, so no path can lead out of the folder.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The page runs its own files only, loads nothing from elsewhere, and shows pictures from memory (`blob:`). Frames are
 * for the transport of this name.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * A listener for `request` that answers with the files of `folder`; `/` is `index.html`. `others`: the paths of files from
 * elsewhere, by the names they have here.
 */
export function serveFolder(
  folder: string,
  others: Readonly<Record<string, string>> = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  const files = new Map<string, { type: string; body: Uint8Array }>();
  const paths = readdirSync(folder).map((name) => [name, join(folder, name)] as const);
  for (const [name, path] of [...paths, ...Object.entries(others)]) {
    const type = types[extname(name)];
    if (type !== undefined) files.set(`/${name}`, { type, body: readFileSync(path) });
  }
  return (request, response) => {
    const path = request.url?.replace(/[?#].*/s, "");
    const file = files.get(path === "/" ? "/index.html" : (path ?? ""));
    if (request.method !== "GET" && request.method !== "HEAD") return void response.writeHead(405).end();
    if (file === undefined) return void response.writeHead(404).end();
    response.writeHead(200, {
      "content-type": file.type,
      "content-length": file.body.length,
      "content-security-policy": contentSecurityPolicy,
      "cache-control": "no-cache",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    });
    response.end(request.method === "HEAD" ? undefined : file.body);
  };
}
