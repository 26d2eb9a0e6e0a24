/**
 * Receives plain clients, once the reception has judged their origin: WebSockets without a subprotocol, event streams,
 * and publications. docs/protocol/plain.md.
 */
import { eventStreamCodec, jsonCodec, type PlainCodec } from "../dialect/plain/codec.ts";
import type { Hub } from "../hub/hub.ts";
import { BothwaysError } from "../model/bothways-error.ts";
import type { RequestHead } from "../transport/node/address.ts";
import { EventStreamLink } from "../transport/node/event-stream.ts";
import type { HttpAnswer } from "../transport/node/http.ts";
import type { WebSocketLink } from "../transport/node/websocket.ts";
import type { Driver, Visitor } from "./driver.ts";
import { defaults, type ServerOptions } from "./options.ts";
import { type PlainLink, PlainPeer, type PlainRequest } from "./plain-peer.ts";

/** Longer ones are none of ours: docs/protocol/plain.md §3. */
const MAX_POSITION_CHARS = 64;

export class PlainReception {
  readonly #driver: Driver;
  readonly #hub: Hub;
  readonly #options: ServerOptions;

  constructor(driver: Driver, hub: Hub, options: ServerOptions) {
    this.#driver = driver;
    this.#hub = hub;
    this.#options = options;
  }

  /** Takes a WebSocket. */
  connect(link: WebSocketLink, visitor: Visitor, request: RequestHead): void {
    const query = readQuery(request);
    const peer = this.#receive(link, jsonCodec, visitor, query, query.has("auth"));
    link.bind(peer);
    try {
      link.open();
      peer.begin();
      link.flush();
    } catch (error) {
      peer.fail(error);
    }
  }

  /** Takes a subscriber, or refuses it. */
  subscribe(answer: HttpAnswer, visitor: Visitor, request: RequestHead): void {
    const link = new EventStreamLink(answer);
    const peer = this.#receive(link, eventStreamCodec, visitor, readQuery(request), false);
    link.bind(peer);
    try {
      peer.begin();
    } catch (error) {
      peer.fail(error);
    }
  }

  #receive(
    link: PlainLink,
    codec: PlainCodec,
    visitor: Visitor,
    query: URLSearchParams,
    hasAuth: boolean,
  ): PlainPeer {
    const name = query.get("ns") ?? "/";
    const namespace = name.startsWith("/") ? name : `/${name}`;
    const since = visitor.handshake.headers["last-event-id"] ?? query.get("since") ?? undefined;
    const reached = since === undefined ? undefined : String(since).slice(0, MAX_POSITION_CHARS);
    const rooms = [...new Set(query.getAll("room"))];
    const wish: PlainRequest = {
      namespace,
      since: reached,
      hasAuth,
      enterRooms: (socketId) => this.#enterRooms(namespace, socketId, rooms, reached),
    };
    return new PlainPeer(this.#driver, link, codec, visitor, wish);
  }

  async #enterRooms(
    namespace: string,
    socketId: string,
    rooms: readonly string[],
    since: string | undefined,
  ): ReturnType<PlainRequest["enterRooms"]> {
    const { allowRoom, maxRoomsPerRequest = defaults.maxRoomsPerRequest } = this.#options;
    const nsp = this.#hub.find(namespace);
    if (rooms.length === 0) return { position: "", recovered: since === undefined, replayed: 0 };
    if (rooms.length > maxRoomsPerRequest) throw new BothwaysError("BW_ROOM_LIMIT");
    for (const room of rooms) {
      const socket = nsp?.sockets.get(socketId);
      // a room of that name is one socket's own: what it is told is for nobody else
      const isAllowed =
        socket !== undefined && !nsp?.sockets.has(room) && (await allowRoom?.(room, socket)) === true;
      if (!isAllowed) throw new BothwaysError("BW_ROOM_REFUSED", room);
    }
    // asked last, since the answers may have taken a while
    const socket = nsp?.sockets.get(socketId);
    if (socket === undefined) throw new BothwaysError("BW_DISCONNECTED");
    return socket.join(rooms, { since });
  }
}

function readQuery({ url = "" }: RequestHead): URLSearchParams {
  const start = url.indexOf("?");
  return new URLSearchParams(start < 0 ? "" : url.slice(start));
}
