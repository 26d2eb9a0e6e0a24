/**
 * The Origin check, one for every transport. Neither a WebSocket nor our POSTs cause a preflight, so this is the only
 * guard against pages of other sites that act with the visitor's cookies (RFC 6455 §10.2).
 *
 * It protects browsers' users and nobody else: any other client sends the headers it likes.
 */
import { isSecure, type RequestHead, readHost, type TrustProxy } from "./address.ts";

/**
 * Who may connect besides pages of the server's own origin: no one (`"same-origin"`), those of a list of origins such as
 * `https://example.com`, those that a function accepts, or everyone (`"*"`; browsers' cookies then prove nothing).
 */
export type OriginPolicy = "same-origin" | "*" | readonly string[] | ((origin: string) => boolean);

export type OriginVerdict =
  | {
      readonly isAllowed: true;
      /** The page is of another origin than the server. */
      readonly xdomain: boolean;
      /** Value for Access-Control-Allow-Origin, where the page needs one. */
      readonly corsOrigin: string | undefined;
    }
  | { readonly isAllowed: false; readonly reason: string };

export interface OriginOptions {
  readonly origins: OriginPolicy;
  readonly trustProxy: TrustProxy;
}

const maxQuotedChars = 200;

export function checkOrigin(request: RequestHead, options: OriginOptions): OriginVerdict {
  const origin = request.headers.origin ?? readReferer(request);
  if (origin === undefined) return checkWithoutOrigin(request, options.origins);
  const normalized = normalizeOrigin(origin);
  const own = normalizeOrigin(ownOrigin(request, options.trustProxy));
  // Two opaque origins are never the same (HTML, "same origin").
  if (normalized === own && normalized !== opaqueOrigin) {
    return { isAllowed: true, xdomain: false, corsOrigin: undefined };
  }
  if (options.origins === "*") return { isAllowed: true, xdomain: true, corsOrigin: "*" };
  if (isListed(normalized, options.origins)) return { isAllowed: true, xdomain: true, corsOrigin: origin };
  return { isAllowed: false, reason: explain(request, origin, options) };
}

/** Headers that let the page read an answer, good or bad. A page that `"*"` let in is not shown to be anyone. */
export function corsHeaders(verdict: OriginVerdict): Readonly<Record<string, string>> {
  const origin = verdict.isAllowed ? verdict.corsOrigin : undefined;
  if (origin === undefined) return { Vary: "Origin" };
  if (origin === "*") return { Vary: "Origin", "Access-Control-Allow-Origin": "*" };
  return {
    Vary: "Origin",
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Credentials": "true",
  };
}

/** What `null` and everything unreadable compare as. */
const opaqueOrigin = "null";

/**
 * A browser names no Origin where a page loads a script or a frame, nor with a GET to the page's own origin; but which page it
 * was, unless that page forbade it. A page can hide there, and cannot pretend to be another.
 */
function readReferer({ method, headers }: RequestHead): string | undefined {
  const { referer, upgrade, "sec-fetch-site": site } = headers;
  if (method !== "GET" || upgrade !== undefined || site === "same-origin") return undefined;
  return URL.parse(referer ?? "")?.origin;
}

/** RFC 6454 §6.2: scheme, host in lower case, and the port where it is not the scheme's own. */
function normalizeOrigin(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.host === "") return opaqueOrigin;
  return `${url.protocol}//${url.host}`.toLowerCase();
}

function ownOrigin(request: RequestHead, trustProxy: TrustProxy): string {
  const scheme = isSecure(request, trustProxy) ? "https" : "http";
  return `${scheme}://${readHost(request, trustProxy) ?? ""}`;
}

function isListed(normalized: string, origins: OriginPolicy): boolean {
  if (typeof origins !== "function") {
    return typeof origins !== "string" && origins.some((listed) => normalizeOrigin(listed) === normalized);
  }
  try {
    return origins(normalized);
  } catch {
    // `new URL("null")` in it is enough to throw: a stranger's request must not end the process.
    return false;
  }
}

/**
 * Browsers leave Origin out of same-origin GETs and put it on everything else we are asked; clients that are no browser
 * may leave it out. Sec-Fetch-Site, which pages cannot forge, tells the two apart where it is sent.
 */
function checkWithoutOrigin(request: RequestHead, origins: OriginPolicy): OriginVerdict {
  const { "sec-fetch-site": site, cookie, upgrade } = request.headers;
  if (origins !== "*" && site !== undefined && site !== "none" && site !== "same-origin") {
    return { isAllowed: false, reason: `the request is ${quote(String(site))} and names no origin` };
  }
  // A script or image of any site can GET with the visitor's cookies; a WebSocket of a browser always names its origin.
  const isPlainGet = request.method === "GET" && upgrade === undefined;
  if (origins !== "*" && site === undefined && isPlainGet && cookie !== undefined) {
    return { isAllowed: false, reason: "a GET with cookies must name an origin" };
  }
  return { isAllowed: true, xdomain: false, corsOrigin: undefined };
}

function explain(request: RequestHead, origin: string, options: OriginOptions): string {
  const own = ownOrigin(request, options.trustProxy);
  const compared = `origin ${quote(origin)} is not the server's ${quote(own)}`;
  const isForwarded = "x-forwarded-host" in request.headers || "x-forwarded-proto" in request.headers;
  if (Number(options.trustProxy) <= 0 && isForwarded) {
    return `${compared} (X-Forwarded-* headers were ignored: see trustProxy)`;
  }
  return options.origins === "same-origin" ? compared : `${compared} and is not one of the allowed origins`;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, maxQuotedChars));
}
