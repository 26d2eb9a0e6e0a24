/** `io(url, options)`: a socket for a namespace, over a connection that the namespaces of an origin share. */
import type { DefaultEventsMap } from "../model/events.ts";
import type { ClientTransport } from "../model/transport.ts";
import type { CreateChooser } from "./chooser.ts";
import { Connection } from "./connection.ts";
import type { ClientPlatform, CoreOptions, IoOptions } from "./options.ts";
import { Socket } from "./socket.ts";
import { findTransport } from "./transport-name.ts";

const connections = new Map<string, Connection>();

/** `url` is that of the server, its path the namespace; relative to the page in browsers. */
export function connect<ListenEvents = DefaultEventsMap, EmitEvents = ListenEvents>(
  url: string,
  options: CoreOptions,
  platform: ClientPlatform,
  createChooser: CreateChooser,
): Socket<ListenEvents, EmitEvents> {
  const { origin, pathname, search } = new URL(url.replace(/^ws/, "http"), globalThis.location?.href);
  const namespace = decodeURI(pathname);
  const query = options.query ? `?${new URLSearchParams(options.query)}` : search;
  const target = origin + (options.path ?? "/bothways/") + query;
  const isShared = !options.forceNew && options.multiplex !== false;
  let connection = isShared && connections.get(target);
  if (!connection || connection.has(namespace)) {
    connection = new Connection(target, options, platform, createChooser);
    if (isShared) connections.set(target, connection);
  }
  const socket = new Socket<ListenEvents, EmitEvents>(connection, namespace, options.auth);
  if (options.autoConnect !== false) return socket.connect();
  connection.reserved.add(namespace);
  return socket;
}

/**
 * Names of transports become the transports they name; without any, all of `techniques` in their order. Throws
 * BW_TRANSPORT_NAME where one has none of their names.
 */
export function readArguments(
  url: string | IoOptions = "/",
  options: IoOptions = {},
  techniques: readonly (() => ClientTransport)[],
): [url: string, options: CoreOptions] {
  if (typeof url !== "string") return readArguments("/", url, techniques);
  const known = techniques.map((technique) => technique());
  const transports = options.transports?.map((transport) =>
    typeof transport === "string" ? (known[findTransport(known, transport)] as ClientTransport) : transport,
  );
  return [url, { ...options, transports: transports?.length ? transports : known }];
}
