/**
 * The client's opening handshake (RFC 6455 §4.1) on `node:http`, whose agents, TLS and parser it uses: the request, its
 * answer, redirects.
 *
 * Invariants: exactly one of `opened` and `failed` is called, and never while the constructor runs; what an answer may
 * cost in time and bytes is bounded; nobody's credentials follow a redirect to another host.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { connect as connectTcp, isIP, type NetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import { BothwaysError } from "../model/bothways-error.ts";
import { nodePrimitives } from "../platform/node.ts";
import { checkUpgradeResponse } from "../wire/websocket/client-handshake.ts";
import { formatExtensions } from "../wire/websocket/extensions.ts";
import { acceptKey, createKey, websocketVersion } from "../wire/websocket/handshake-key.ts";
import { type DeflateParameters, offerDeflate } from "../wire/websocket/permessage-deflate.ts";
import { type Address, parseAddress } from "./address.ts";
import { requestHttp, requestHttps } from "./http.ts";
import { type Agreed, type ClientOptions, defaultHandshakeTimeout, defaultMaxHeaderSize } from "./options.ts";

/** What the server may choose from. */
export interface Offer {
  readonly protocols: readonly string[];
  /** Undefined: nothing is compressed. */
  readonly deflate: DeflateParameters | undefined;
}

export interface OpeningHandler {
  /** The application's own way to send the request, if it has one. */
  readonly finish: ((request: ClientRequest) => void) | undefined;
  upgraded(response: IncomingMessage): void;
  opened(socket: Duplex, head: Uint8Array, agreed: Agreed): void;
  /** True: the application takes care of the answer, and of the end of the WebSocket. */
  unexpected(request: ClientRequest, response: IncomingMessage): boolean;
  redirected(address: Address, request: ClientRequest): void;
  failed(error: Error): void;
}

export class Opening {
  readonly #offer: Offer;
  readonly #handler: OpeningHandler;
  #options: ClientOptions;
  #request: ClientRequest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #redirects = 0;
  #isOver = false;

  constructor(address: Address, offer: Offer, options: ClientOptions, handler: OpeningHandler) {
    if ((options.protocolVersion ?? 13) !== 13) {
      throw new RangeError(
        `Unsupported protocol version: ${options.protocolVersion} (supported versions: 13)`,
      );
    }
    this.#offer = offer;
    this.#options = options;
    this.#handler = handler;
    const request = this.#ask(address);
    const { handshakeTimeout = defaultHandshakeTimeout } = options;
    if (handshakeTimeout > 0) {
      this.#timer = setTimeout(
        () => this.abort(new BothwaysError("BW_WS_HANDSHAKE_TIMEOUT")),
        handshakeTimeout,
      );
    }
    this.#send(request);
  }

  /** Gives up. `failed` follows, later than this call returns. */
  abort(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#request?.destroy();
    process.nextTick(() => this.#handler.failed(error));
  }

  #send(request: ClientRequest): void {
    if (this.#isOver) return;
    const { finish } = this.#handler;
    if (finish === undefined) request.end();
    else finish(request);
  }

  #ask(address: Address): ClientRequest {
    const key = createKey(nodePrimitives);
    const request = (address.isSecure ? requestHttps : requestHttp)(this.#requestOptions(address, key));
    this.#request = request;
    request.on("error", (error) => {
      if (this.#request === request) this.abort(error);
    });
    request.on("response", (response) => this.#respond(request, response, address));
    request.on("upgrade", (response, socket, head) => this.#upgrade(response, socket, head, key));
    return request;
  }

  #requestOptions(address: Address, key: string): RequestOptions {
    const { handshakeTimeout: _, finishRequest: _finish, origin, headers, auth, ...passedOn } = this.#options;
    const { protocols, deflate } = this.#offer;
    const connect = address.isSecure ? connectSecurely : connectPlainly;
    const options: object = {
      maxHeaderSize: defaultMaxHeaderSize,
      // `Host` leaves it out.
      defaultPort: address.isSecure ? 443 : 80,
      createConnection: passedOn.agent === undefined ? connect : undefined,
      ...passedOn,
      // Only the address says where it goes.
      method: "GET",
      protocol: undefined,
      hostname: undefined,
      timeout: undefined,
      host: address.hostname,
      port: address.port,
      socketPath: address.socketPath,
      path: address.path,
      auth: address.auth ?? auth,
      headers: {
        ...headers,
        ...(origin && { Origin: origin }),
        "Sec-WebSocket-Version": websocketVersion,
        "Sec-WebSocket-Key": key,
        Connection: "Upgrade",
        Upgrade: "websocket",
        ...(protocols.length > 0 && { "Sec-WebSocket-Protocol": protocols.join(",") }),
        ...(deflate && { "Sec-WebSocket-Extensions": formatExtensions([offerDeflate(deflate)]) }),
      },
    };
    return options;
  }

  #upgrade(response: IncomingMessage, socket: Duplex, head: Uint8Array, key: string): void {
    if (this.#isOver) return void socket.destroy();
    this.#handler.upgraded(response);
    // A listener may have closed it.
    if (this.#isOver) return void socket.destroy();
    const answer = { status: response.statusCode ?? 0, headers: response.headersDistinct };
    const accept = acceptKey(key, nodePrimitives);
    const check = checkUpgradeResponse(answer, { accept, ...this.#offer });
    if (!check.ok) {
      socket.on("error", () => {});
      socket.destroy();
      return this.abort(new BothwaysError(check.code, check.detail));
    }
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#request = undefined;
    this.#handler.opened(socket, head, { protocol: check.protocol ?? "", deflate: check.deflate });
  }

  #respond(request: ClientRequest, response: IncomingMessage, address: Address): void {
    if (this.#isOver || this.#request !== request) return;
    const { statusCode = 0 } = response;
    const { location } = response.headers;
    if (this.#options.followRedirects && location && redirectStatuses.has(statusCode)) {
      request.destroy();
      this.#redirect(location, address);
    } else if (this.#handler.unexpected(request, response)) {
      // The application reads the answer at its leisure, and then closes or terminates.
      clearTimeout(this.#timer);
    } else {
      this.abort(new BothwaysError("BW_WS_HANDSHAKE", `Unexpected server response: ${statusCode}`));
    }
  }

  #redirect(location: string, from: Address): void {
    const { maxRedirects = 10 } = this.#options;
    if (++this.#redirects > maxRedirects) {
      return this.abort(new BothwaysError("BW_WS_REDIRECT", "Maximum redirects exceeded"));
    }
    let to: Address;
    try {
      to = parseAddress(new URL(location, from.url));
    } catch (error) {
      return this.abort(new BothwaysError("BW_WS_REDIRECT", "the address is invalid", { cause: error }));
    }
    if (to.socketPath !== undefined || (from.isSecure && !to.isSecure)) {
      return this.abort(new BothwaysError("BW_WS_REDIRECT", "it leads away from the network or from TLS"));
    }
    const isSameHost =
      to.hostname === from.hostname && to.port === from.port && from.socketPath === undefined;
    const auth = isSameHost ? (from.auth ?? this.#options.auth ?? to.auth) : undefined;
    if (!isSameHost) this.#options = forAnotherHost(this.#options);
    const request = this.#ask({ ...to, auth });
    this.#handler.redirected(to, request);
    this.#send(request);
  }
}

const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const ofOneHost: ReadonlySet<string> = new Set(["authorization", "cookie", "host", "proxy-authorization"]);

function forAnotherHost({ auth: _, headers, ...options }: ClientOptions): ClientOptions {
  const harmless = Object.entries(headers ?? {}).filter(([name]) => !ofOneHost.has(name.toLowerCase()));
  return { ...options, headers: Object.fromEntries(harmless) };
}

/** Without an agent, a connection of its own. The options are those of the request. */
function connectPlainly(options: object): Duplex {
  const { socketPath, ...rest } = options as NetConnectOpts & { socketPath?: string };
  return connectTcp({ ...rest, path: socketPath } as NetConnectOpts);
}

function connectSecurely(options: object): Duplex {
  const { socketPath, servername, host, ...rest } = options as TlsOptions & { socketPath?: string };
  // RFC 6066 §3: an address is not a server name.
  const name = servername ?? (host !== undefined && isIP(host) === 0 ? host : "");
  return connectTls({
    ALPNProtocols: ["http/1.1"],
    ...rest,
    host,
    path: socketPath,
    servername: name,
  } as TlsOptions);
}
