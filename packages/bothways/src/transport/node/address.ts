/**
 * Where a request came from and what it called us, with or without a trusted proxy in between.
 *
 * Invariant: no X-Forwarded-* header is looked at unless `trustProxy` says so; anyone can send them.
 */
import type { IncomingMessage } from "node:http";

/**
 * How many proxies stand in front of the server: `false` none, `true` one. Each appends to the X-Forwarded-* headers, so
 * the value that the outermost of them wrote is so many from the right; what stands left of it the client made up.
 */
export type TrustProxy = boolean | number;

/** The part of a request that is looked at. */
export type RequestHead = Pick<IncomingMessage, "method" | "url" | "headers"> & {
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
};

/** Address of the client; `""` where the socket is already gone. */
export function readAddress(request: RequestHead, trustProxy: TrustProxy): string {
  return forwarded(request, "x-forwarded-for", trustProxy) ?? request.socket.remoteAddress ?? "";
}

/** Did the client come over TLS? */
export function isSecure(request: RequestHead, trustProxy: TrustProxy): boolean {
  const scheme = forwarded(request, "x-forwarded-proto", trustProxy)?.toLowerCase();
  return scheme === undefined ? request.socket.encrypted === true : scheme === "https" || scheme === "wss";
}

/** Host and port the client asked for, as it wrote them. */
export function readHost(request: RequestHead, trustProxy: TrustProxy): string | undefined {
  return forwarded(request, "x-forwarded-host", trustProxy) ?? request.headers.host;
}

function forwarded(request: RequestHead, name: string, trustProxy: TrustProxy): string | undefined {
  const proxies = Number(trustProxy);
  const header = proxies > 0 ? request.headers[name] : undefined;
  if (header === undefined) return undefined;
  // Node joins repeated headers of these names with a comma.
  const values = String(header).split(",");
  return values[Math.max(0, values.length - proxies)]?.trim() || undefined;
}
