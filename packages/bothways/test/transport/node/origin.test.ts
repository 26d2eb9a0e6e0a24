/** Who may connect: transport × origin × policy × proxy (RFC 6455 §10.2, RFC 6454 §5). */
import { describe, expect, test } from "vitest";
import type { RequestHead, TrustProxy } from "../../../src/transport/node/address.ts";
import { checkOrigin, corsHeaders, type OriginPolicy } from "../../../src/transport/node/origin.ts";

const transports: Record<string, Pick<RequestHead, "method" | "headers">> = {
  websocket: { method: "GET", headers: { upgrade: "websocket", connection: "Upgrade" } },
  "long-polling": { method: "POST", headers: {} },
  get: { method: "GET", headers: {} },
};

interface Asked {
  readonly transport?: string;
  readonly headers?: RequestHead["headers"];
  readonly encrypted?: boolean;
  readonly origins?: OriginPolicy;
  readonly trustProxy?: TrustProxy;
}

function ask(asked: Asked) {
  const { transport = "long-polling", headers, encrypted = false } = asked;
  const { origins = "same-origin", trustProxy = false } = asked;
  const base = transports[transport];
  const request: RequestHead = {
    method: base?.method,
    url: "/bothways/",
    headers: { host: "good.com", ...base?.headers, ...headers },
    socket: { remoteAddress: "127.0.0.1", encrypted },
  };
  return checkOrigin(request, { origins, trustProxy });
}

const sameOrigin: Record<string, [origin: string, host: string, encrypted: boolean, isAllowed: boolean]> = {
  same: ["http://good.com", "good.com", false, true],
  "same over TLS": ["https://good.com", "good.com", true, true],
  "same with a port": ["http://good.com:3000", "good.com:3000", false, true],
  "default port in Host": ["http://good.com", "good.com:80", false, true],
  "default port in Host, TLS": ["https://good.com", "good.com:443", true, true],
  "case of the origin": ["HTTP://Good.com", "good.com", false, true],
  "case of the host": ["http://good.com", "GOOD.com", false, true],
  IPv6: ["http://[::1]:3000", "[::1]:3000", false, true],
  other: ["http://evil.com", "good.com", false, false],
  "other scheme": ["https://good.com", "good.com", false, false],
  "other scheme, TLS": ["http://good.com", "good.com", true, false],
  "other port": ["http://good.com:8080", "good.com:3000", false, false],
  "port missing": ["http://good.com", "good.com:3000", false, false],
  suffix: ["http://good.com.evil", "good.com", false, false],
  prefix: ["http://evilgood.com", "good.com", false, false],
  subdomain: ["http://sub.good.com", "good.com", false, false],
  "user name": ["http://good.com@evil.com", "good.com", false, false],
  null: ["null", "good.com", false, false],
  "null and no host": ["null", "", false, false],
  empty: ["", "", false, false],
  nonsense: ["%%%", "%%%", false, false],
  extension: ["chrome-extension://good.com", "good.com", false, false],
};

describe.each(Object.keys(transports))("%s", (transport) => {
  test.each(Object.entries(sameOrigin))(
    "same origin by default: %s",
    (_, [origin, host, encrypted, isAllowed]) => {
      const verdict = ask({ transport, headers: { origin, host }, encrypted });
      expect(verdict.isAllowed).toBe(isAllowed);
      if (verdict.isAllowed) expect(verdict.xdomain).toBe(false);
    },
  );

  test.each<[string, OriginPolicy, boolean]>([
    ["https://app.com", ["https://app.com"], true],
    ["https://APP.com:443", ["https://app.com/"], true],
    ["https://app.com", ["https://other.com", "https://app.com"], true],
    ["http://app.com", ["https://app.com"], false],
    ["https://app.com.evil", ["https://app.com"], false],
    ["https://evil.com", ["https://app.com"], false],
    ["http://good.com", ["https://app.com"], true],
    ["null", ["https://app.com"], false],
    ["null", ["null"], true],
    ["null", "*", true],
    ["https://evil.com", "*", true],
    ["capacitor://localhost", ["capacitor://localhost"], true],
    ["https://a.app.com", (origin) => origin.endsWith(".app.com"), true],
    ["https://evil.com", (origin) => origin.endsWith(".app.com"), false],
    ["null", (origin) => new URL(origin).hostname === "app.com", false],
  ])("%s for policy %#", (origin, origins, isAllowed) => {
    expect(ask({ transport, headers: { origin }, origins }).isAllowed).toBe(isAllowed);
  });

  test.each<[string | undefined, boolean]>([
    [undefined, true],
    ["none", true],
    ["same-origin", true],
    ["same-site", false],
    ["cross-site", false],
    ["nonsense", false],
  ])("no Origin, Sec-Fetch-Site %s", (site, isAllowed) => {
    expect(ask({ transport, headers: { "sec-fetch-site": site } }).isAllowed).toBe(isAllowed);
    expect(ask({ transport, headers: { "sec-fetch-site": site }, origins: ["http://a.com"] }).isAllowed).toBe(
      isAllowed,
    );
    expect(ask({ transport, headers: { "sec-fetch-site": site }, origins: "*" }).isAllowed).toBe(true);
  });

  test("no Origin, but cookies", () => {
    const headers = { cookie: "id=1" };
    expect(ask({ transport, headers }).isAllowed).toBe(transport !== "get");
    expect(ask({ transport, headers: { ...headers, "sec-fetch-site": "same-origin" } }).isAllowed).toBe(true);
  });
});

describe("a GET without Origin that says which page it comes from", () => {
  const page = "https://app.com/page?x=https://good.com";

  test.each<[string, OriginPolicy, boolean]>([
    ["http://good.com/page", "same-origin", true],
    [page, "same-origin", false],
    [page, ["https://app.com"], true],
    ["https://app.com.evil/", ["https://app.com"], false],
    ["https://evil.com/https://app.com/", ["https://app.com"], false],
    ["https://app.com@evil.com/", ["https://app.com"], false],
    [page, "*", true],
    ["", ["https://app.com"], false],
    ["about:blank", ["https://app.com"], false],
    ["%%%", ["https://app.com"], false],
  ])("%s for policy %#", (referer, origins, isAllowed) => {
    for (const site of ["cross-site", "same-site"]) {
      const headers = { referer, "sec-fetch-site": site, cookie: "id=1" };
      expect(ask({ transport: "get", headers, origins }).isAllowed).toBe(isAllowed);
      // a POST or a WebSocket names its Origin, or is refused
      for (const transport of ["long-polling", "websocket"])
        expect(ask({ transport, headers, origins }).isAllowed).toBe(origins === "*");
    }
  });

  test("is believed where the browser says nothing of the site (plain HTTP), cookies or not", () => {
    const own = { referer: "http://good.com/", cookie: "id=1" };
    expect(ask({ transport: "get", headers: own })).toMatchObject({ isAllowed: true, xdomain: false });
    const other = { referer: "http://evil.com/" };
    expect(ask({ transport: "get", headers: other }).isAllowed).toBe(false);
  });

  test("is not asked where Origin is there, or the browser vouches for the site", () => {
    const headers = { origin: "http://evil.com", referer: "http://good.com/" };
    expect(ask({ transport: "get", headers }).isAllowed).toBe(false);
    const vouched = { "sec-fetch-site": "same-origin", referer: "http://public.name/" };
    expect(ask({ transport: "get", headers: vouched }).isAllowed).toBe(true);
  });
});

describe("behind a proxy", () => {
  const headers = {
    host: "10.0.0.1:3000",
    origin: "https://good.com",
    "x-forwarded-host": "good.com",
    "x-forwarded-proto": "https",
  };

  test("what it forwards counts with trustProxy and not without", () => {
    expect(ask({ headers, trustProxy: true }).isAllowed).toBe(true);
    expect(ask({ headers, trustProxy: false }).isAllowed).toBe(false);
  });

  test("what the client put before it does not count", () => {
    const forged = { ...headers, origin: "https://evil.com", "x-forwarded-host": "evil.com, good.com" };
    expect(ask({ headers: forged, trustProxy: true }).isAllowed).toBe(false);
    expect(ask({ headers: { ...forged, origin: "https://good.com" }, trustProxy: true }).isAllowed).toBe(
      true,
    );
  });

  test("each of several proxies adds a value", () => {
    const chain = {
      ...headers,
      "x-forwarded-host": "evil.com, good.com, inner",
      "x-forwarded-proto": "https, http",
    };
    expect(ask({ headers: chain, trustProxy: 2 }).isAllowed).toBe(true);
    expect(ask({ headers: chain, trustProxy: 1 }).isAllowed).toBe(false);
  });
});

describe("a refusal says what it compared", () => {
  const evil = { origin: "http://evil.com" };
  test.each<[Asked, string]>([
    [{ headers: evil }, 'origin "http://evil.com" is not the server\'s "http://good.com"'],
    [
      { headers: evil, origins: ["http://a.com"] },
      'origin "http://evil.com" is not the server\'s "http://good.com" and is not one of the allowed origins',
    ],
    [
      { headers: { origin: "https://good.com", "x-forwarded-proto": "https" } },
      'origin "https://good.com" is not the server\'s "http://good.com" (X-Forwarded-* headers were ignored: see trustProxy)',
    ],
    [{ headers: { "sec-fetch-site": "cross-site" } }, 'the request is "cross-site" and names no origin'],
    [{ transport: "get", headers: { cookie: "id=1" } }, "a GET with cookies must name an origin"],
  ])("%#", (asked, reason) => {
    expect(ask(asked)).toEqual({ isAllowed: false, reason });
  });

  test("and no more than a part of a huge one", () => {
    const verdict = ask({ headers: { origin: `http://${"e".repeat(16_000)}.com` } });
    expect(verdict.isAllowed === false && verdict.reason.length).toBeLessThan(500);
  });
});

describe("CORS headers", () => {
  test.each<[Asked, Record<string, string>]>([
    [{ headers: { origin: "http://good.com" } }, { Vary: "Origin" }],
    [{ headers: { origin: "http://evil.com" } }, { Vary: "Origin" }],
    [{ headers: {} }, { Vary: "Origin" }],
    [
      { headers: { origin: "https://App.com" }, origins: ["https://app.com"] },
      {
        Vary: "Origin",
        "Access-Control-Allow-Origin": "https://App.com",
        "Access-Control-Allow-Credentials": "true",
      },
    ],
    [
      { headers: { origin: "https://app.com" }, origins: "*" },
      { Vary: "Origin", "Access-Control-Allow-Origin": "*" },
    ],
  ])("%#", (asked, headers) => {
    expect(corsHeaders(ask(asked))).toEqual(headers);
  });
});
