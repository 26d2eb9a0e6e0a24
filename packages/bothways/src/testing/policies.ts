/** What can be asked of a policy proxy and what it reports: types, and the policies of a proxy that has none. */
import type { Target } from "./faults.ts";
import { checkRange } from "./network-shape.ts";

/** What a proxy makes of the HTTP that passes it. All of it may be changed at any time. */
export interface Policies {
  /**
   * What becomes of a request to upgrade: it passes; its `Upgrade` header is taken away, so that the server sees a plain
   * GET; it is never answered; or it is answered with this status. Default `"pass"`.
   */
  upgrade: "pass" | "strip" | "hang" | number;
  /**
   * An answer is held back until so many bytes of its body have come, as scanners do, or until it ends: always, with
   * `Infinity`. Never more than 16 MiB of it are held. Upgraded connections are not held back. Default 0.
   */
  bufferBytes: number;
  /** A connection over which nothing went either way for so many ms is reset. Default Infinity. */
  idleTimeoutMs: number;
  /** Connections to the target at a time; a request beyond them waits for its turn. Default Infinity. */
  maxConnections: number;
  /** The header `Connection` is taken out of requests and answers. Default false. */
  stripConnection: boolean;
  /**
   * Speaks HTTP/1.0 to both sides: no chunks, no upgrade, one request for each connection. Default false.
   */
  http10: boolean;
  /** What every request is answered with in place of the server, upgrades too: a status, or more. Default undefined. */
  answer: number | Answer | undefined;
}

/** An answer of the proxy's own. */
export interface Answer {
  /** Its status. */
  readonly status: number;
  /** `Content-Length` and `Connection: close` are added. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default empty. */
  readonly body?: string;
}

/** What a network says to everything as long as nobody has signed in to it. */
export const captivePortal: Answer = {
  status: 200,
  headers: { "Content-Type": "text/html" },
  body: "<!doctype html><title>Welcome</title><p>Sign in to use this network.",
};

/** Where a policy proxy leads, how it listens, and its policies. */
export interface PolicyProxyOptions extends Partial<Policies> {
  /** The server behind the proxy, which speaks plain HTTP/1.1; `host` defaults to "127.0.0.1". */
  readonly target: Target;
  /** Listens for TLS with this certificate and key, both PEM. Default plain. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A request as the proxy has read it. */
export interface ProxiedRequest {
  /** In capitals. */
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Whole, without chunks. */
  readonly body: Uint8Array;
}

/** Says which request an armed fault is for. */
export type RequestFilter = (request: ProxiedRequest) => boolean;

/** An armed fault has struck this request. */
export interface RequestStrike {
  /** The instant, on the clock of `performance.now()`. */
  readonly atMs: number;
  /** The request that it struck, or whose answer. */
  readonly request: ProxiedRequest;
}

/** Faults that are armed for one request: it goes twice, its answer is lost, its answer breaks off. */
export type RequestFault = "duplicate" | "lose" | "cut";

/** What `stats` tells. */
export interface PolicyStats {
  /** Connections that clients have opened so far. */
  readonly opened: number;
  /** Those that are open. */
  readonly live: number;
  /** Requests read so far, upgrades among them. */
  readonly requests: number;
  /** Connections that were upgraded so far. */
  readonly upgrades: number;
  /** How often each policy and fault did something to a request, an answer or a connection. */
  readonly strikes: Readonly<Record<keyof Policies | RequestFault, number>>;
}

export const noPolicies: Readonly<Policies> = {
  upgrade: "pass",
  bufferBytes: 0,
  idleTimeoutMs: Number.POSITIVE_INFINITY,
  maxConnections: Number.POSITIVE_INFINITY,
  stripConnection: false,
  http10: false,
  answer: undefined,
};

/** The policies with the changes applied; throws a RangeError if the result is none. */
export function changePolicies(policies: Readonly<Policies>, changes: Partial<Policies>): Policies {
  const changed = { ...policies, ...changes };
  checkRange("bufferBytes", changed.bufferBytes, 0);
  checkRange("idleTimeoutMs", changed.idleTimeoutMs, 1);
  checkRange("maxConnections", changed.maxConnections, 1);
  return changed;
}
