/** A request as the application sees it in `socket.handshake`, and the test whether it is ours at all. */
import type { Handshake } from "../../model/handshake.ts";
import { isSecure, type RequestHead, readAddress, type TrustProxy } from "./address.ts";

export interface DescribeOptions {
  readonly trustProxy: TrustProxy;
  /** The origin check found another origin than our own. */
  readonly xdomain: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function describeRequest(request: RequestHead, options: DescribeOptions): Omit<Handshake, "auth"> {
  const url = request.url ?? "/";
  return {
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => isShown(name))),
    query: readQuery(url),
    address: readAddress(request, options.trustProxy),
    secure: isSecure(request, options.trustProxy),
    xdomain: options.xdomain,
    time: new Date(options.now).toString(),
    issued: options.now,
    url,
  };
}

/** The hello is in one of them, and with it the secret of a session: applications log headers. Nor those of HTTP/2 itself. */
function isShown(name: string): boolean {
  return name !== "sec-websocket-protocol" && name !== "sec-websocket-key" && !name.startsWith(":");
}

/** Is `url` at `path` (which ends in `/`) or at `path` without that slash, with any query? Deeper paths are not. */
export function isAtPath(url: string | undefined, path: string): boolean {
  if (url === undefined) return false;
  const end = url.indexOf("?");
  const pathname = end < 0 ? url : url.slice(0, end);
  return pathname === path || (pathname.length === path.length - 1 && path.startsWith(pathname));
}

/** One for all who ask nothing, since each handshake is kept. */
const noQuery: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

/** A name given twice keeps its last value. The result has no prototype, so no name is special. */
function readQuery(url: string): Readonly<Record<string, string>> {
  const start = url.indexOf("?");
  if (start < 0) return noQuery;
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(url.slice(start))) query[name] = value;
  return query;
}
