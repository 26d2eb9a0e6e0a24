/**
 * A proxy that reads HTTP/1.1 and does to it what proxies, scanners and gateways do.
 *
 * Invariants: without a policy, requests and answers pass with all their headers, and upgraded connections byte by byte;
 * after `close()` no socket, timer or pending promise of it is left.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Target } from "./faults.ts";
import { checkRange } from "./network-shape.ts";
import {
  changePolicies,
  noPolicies,
  type Policies,
  type PolicyProxyOptions,
  type PolicyStats,
  type RequestFault,
  type RequestFilter,
  type RequestStrike,
} from "./policies.ts";
import { PolicyConnection } from "./policy-connection.ts";
import type { ArmedFault, PolicyExchange, PolicyHost } from "./policy-exchange.ts";

/**
 * Stands between clients and a server as the proxies of offices, hotels and hosters do. Put a {@link FaultProxy} in front
 * of it, or behind it, to delay or cut what passes: each is the target of the other.
 *
 * Requests are read whole before they are passed on, at most 16 MiB.
 *
 * @example
 * const proxy = await PolicyProxy.listen({ target: { port: 3000 }, upgrade: 403, idleTimeoutMs: 30_000 });
 * const socket = io(proxy.url);
 * proxy.change({ answer: captivePortal }, 5_000);
 * const { request } = await proxy.loseNext(({ method }) => method === "POST");
 * assert(proxy.stats.strikes.lose === 1 && request.body.length > 0);
 * await proxy.close();
 */
export class PolicyProxy {
  /** Where requests go. Assign it to send the next ones to another server. */
  target: Target;
  readonly #server: Server;
  readonly #policies: Policies = { ...noPolicies };
  readonly #isSecure: boolean;
  /** Sockets of clients, those that have not yet done with TLS among them. */
  readonly #clients: Set<Socket> = new Set();
  readonly #connections: Set<PolicyConnection> = new Set();
  readonly #upstreams: Set<Socket> = new Set();
  /** Those that wait for a connection to the target. */
  readonly #waiting: PolicyExchange[] = [];
  readonly #traps: Set<ArmedFault> = new Set();
  readonly #timers: Set<NodeJS.Timeout> = new Set();
  readonly #counts = { opened: 0, requests: 0, upgrades: 0 };
  readonly #strikes: Record<keyof PolicyStats["strikes"], number> = {
    upgrade: 0,
    bufferBytes: 0,
    idleTimeoutMs: 0,
    maxConnections: 0,
    stripConnection: 0,
    http10: 0,
    answer: 0,
    duplicate: 0,
    lose: 0,
    cut: 0,
  };
  readonly #host: PolicyHost = {
    policies: this.#policies,
    count: (what) => {
      if (what === "requests" || what === "upgrades") this.#counts[what] += 1;
      else this.#strikes[what] += 1;
    },
    dial: (exchange) => {
      if (this.#upstreams.size >= this.#policies.maxConnections) this.#strikes.maxConnections += 1;
      this.#waiting.push(exchange);
      this.#serveWaiting();
    },
    disarm: (request) => {
      const armed = [...this.#traps].find(({ filter }) => filter(request));
      if (armed !== undefined) this.#traps.delete(armed);
      return armed;
    },
    rearm: (armed) => {
      if (this.#server.listening) this.#traps.add(armed);
      else armed.reject(wasClosed());
    },
  };
  #port = 0;

  private constructor({ target, tls, ...policies }: PolicyProxyOptions) {
    this.target = target;
    Object.assign(this.#policies, changePolicies(noPolicies, policies));
    this.#isSecure = tls !== undefined;
    this.#server =
      tls === undefined ? createServer() : createTlsServer({ ...tls, ALPNProtocols: ["http/1.1"] });
    this.#server.on("connection", (client) => {
      this.#clients.add(client);
      client.on("close", () => this.#clients.delete(client));
    });
    this.#server.on(this.#isSecure ? "secureConnection" : "connection", (client: Socket) =>
      this.#admit(client),
    );
  }

  /** Listens on a free port of 127.0.0.1. */
  static async listen(options: PolicyProxyOptions): Promise<PolicyProxy> {
    const proxy = new PolicyProxy(options);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.#port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  /** The port it listens on. */
  get port(): number {
    return this.#port;
  }

  /** Where clients connect: `http://127.0.0.1:<port>`, or `https:` with `tls`. */
  get url(): string {
    return `http${this.#isSecure ? "s" : ""}://127.0.0.1:${this.port}`;
  }

  /** Counts since it began, and gauges of now. */
  get stats(): PolicyStats {
    return { ...this.#counts, live: this.#connections.size, strikes: { ...this.#strikes } };
  }

  /**
   * Changes policies for what comes from now on. After `forMs`, if given, those that still are as they were set here are
   * again what they were before.
   */
  change(policies: Partial<Policies>, forMs?: number): void {
    const before = { ...this.#policies };
    Object.assign(this.#policies, changePolicies(before, policies));
    for (const connection of this.#connections) connection.watchIdle();
    this.#serveWaiting();
    if (forMs === undefined) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const isStill = (name: string): boolean =>
        Reflect.get(this.#policies, name) === Reflect.get(policies, name);
      const names = Object.keys(policies).filter(isStill);
      this.change(Object.fromEntries(names.map((name) => [name, Reflect.get(before, name)])));
    }, forMs);
    this.#timers.add(timer);
  }

  /**
   * Sends the next request that the filter takes to the server twice, as browsers and proxies do where a connection
   * died. The client gets the answer to the second.
   */
  duplicateNext(filter?: RequestFilter): Promise<RequestStrike> {
    return this.#arm("duplicate", filter);
  }

  /** Resets the client's connection when the server has answered the next such request, before the first byte of the answer. */
  loseNext(filter?: RequestFilter): Promise<RequestStrike> {
    return this.#arm("lose", filter);
  }

  /**
   * Ends the connection in the middle of the answer to the next such request, when so many bytes of its body have passed:
   * in mid-chunk where the answer is chunked, and at the latest before its end.
   */
  cutNext(afterBytes: number, filter?: RequestFilter): Promise<RequestStrike> {
    checkRange("afterBytes", afterBytes, 0);
    return this.#arm("cut", filter, afterBytes);
  }

  /** Stops listening and destroys every connection. Faults still armed are rejected. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#waiting.length = 0;
    for (const client of this.#clients) client.destroy();
    for (const upstream of this.#upstreams) upstream.destroy();
    for (const trap of this.#traps) trap.reject(wasClosed());
    await closed;
  }

  #admit(client: Socket): void {
    client.setNoDelay(true);
    const connection = new PolicyConnection(client, this.#host);
    this.#counts.opened += 1;
    this.#connections.add(connection);
    client.on("close", () => this.#connections.delete(connection));
  }

  #serveWaiting(): void {
    while (this.#upstreams.size < this.#policies.maxConnections) {
      const exchange = this.#waiting.shift();
      if (exchange === undefined) return;
      if (!exchange.isOver) this.#connect(exchange);
    }
  }

  #connect(exchange: PolicyExchange): void {
    const { host = "127.0.0.1", port } = this.target;
    const upstream = connect({ host, port, noDelay: true });
    this.#upstreams.add(upstream);
    upstream.on("close", () => {
      this.#upstreams.delete(upstream);
      this.#serveWaiting();
    });
    exchange.open(upstream);
  }

  #arm(fault: RequestFault, filter: RequestFilter = () => true, afterBytes = 0): Promise<RequestStrike> {
    const struck = new Promise<RequestStrike>((resolve, reject) => {
      this.#traps.add({ fault, afterBytes, filter, resolve, reject });
    });
    // A test that failed elsewhere closes the proxy and never looks here: that is not an unhandled rejection.
    struck.catch(() => {});
    return struck;
  }
}

function wasClosed(): Error {
  return new Error("the policy proxy was closed before the armed fault struck");
}
