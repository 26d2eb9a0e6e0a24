/**
 * What the two sides agree on when they compress (RFC 7692 §5, §7): offers and answers as values, both sides of them.
 * No byte is compressed here.
 */
import type { Extension } from "./extensions.ts";

/** What one side is ready for, and what both agreed on. */
export interface DeflateParameters {
  /** The server begins each message with an empty window. */
  readonly serverNoContextTakeover: boolean;
  /** The client does. */
  readonly clientNoContextTakeover: boolean;
  /** Log₂ of the server's window in bytes: 8 to 15. */
  readonly serverMaxWindowBits: number;
  /** Log₂ of the client's. */
  readonly clientMaxWindowBits: number;
}

/** No state from message to message, so a connection costs no memory for it; the longest window within one. */
export const defaultDeflate: DeflateParameters = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

export const extensionName: string = "permessage-deflate";
const maxBits = 15;
/** RFC7692-7.1.2.1-1: in decimal, without leading zeros. */
const bitsOf: ReadonlyMap<string, number> = new Map(
  [8, 9, 10, 11, 12, 13, 14, 15].map((bits) => [String(bits), bits]),
);

/** The parameters of one offer or answer: undefined where absent, null where it stands without a value. */
interface ReadParameters {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  clientMaxWindowBits: number | null | undefined;
}

/** The client's offer. */
export function offerDeflate(wish: DeflateParameters): Extension {
  const { serverMaxWindowBits, clientMaxWindowBits } = wish;
  return formatParameters({
    ...wish,
    serverMaxWindowBits: serverMaxWindowBits < maxBits ? serverMaxWindowBits : undefined,
    // says that a limit would be obeyed, whichever
    clientMaxWindowBits: clientMaxWindowBits < maxBits ? clientMaxWindowBits : null,
  });
}

/** A server's choice. */
export interface DeflateAcceptance {
  /** What holds from now on. */
  readonly agreed: DeflateParameters;
  /** What the client is told of it. */
  readonly answer: Extension;
}

/** The server's choice: the first offer it can take, since the client prefers the first; undefined where none. */
export function acceptDeflate(
  offers: readonly Extension[],
  wish: DeflateParameters,
): DeflateAcceptance | undefined {
  for (const offer of offers) {
    const read = offer.name === extensionName ? readParameters(offer) : undefined;
    const accepted = read && acceptOffer(read, wish);
    if (accepted !== undefined) return accepted;
  }
  return undefined;
}

function acceptOffer(offer: ReadParameters, wish: DeflateParameters): DeflateAcceptance | undefined {
  const serverBits = Math.min(offer.serverMaxWindowBits ?? maxBits, wish.serverMaxWindowBits);
  const clientBits = Math.min(offer.clientMaxWindowBits ?? maxBits, wish.clientMaxWindowBits);
  // RFC7692-7.1.2.2-3: a client that did not say that it obeys a limit cannot be given one
  if (offer.clientMaxWindowBits === undefined && clientBits < maxBits) return undefined;
  const agreed: DeflateParameters = {
    serverNoContextTakeover: offer.serverNoContextTakeover || wish.serverNoContextTakeover,
    clientNoContextTakeover: offer.clientNoContextTakeover || wish.clientNoContextTakeover,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits: clientBits,
  };
  const isServerLimited = offer.serverMaxWindowBits !== undefined || serverBits < maxBits;
  const answer = formatParameters({
    ...agreed,
    serverMaxWindowBits: isServerLimited ? serverBits : undefined,
    clientMaxWindowBits: clientBits < maxBits ? clientBits : undefined,
  });
  return { agreed, answer };
}

/**
 * The client's view of the answer, which takes the one offer `offerDeflate(wish)` or declines it. Returns what was
 * agreed, undefined where the offer was declined, or why the connection must fail.
 */
export function checkDeflateAnswer(
  answer: readonly Extension[],
  wish: DeflateParameters,
): DeflateParameters | undefined | string {
  const [taken, ...more] = answer;
  if (taken === undefined) return undefined;
  // RFC6455-9.1-5, RFC7692-5-2: nothing else was offered, so nothing else can be in use
  if (taken.name !== extensionName || more.length > 0) return "an extension was not asked for";
  const read = readParameters(taken);
  if (read === undefined || read.clientMaxWindowBits === null)
    return "permessage-deflate has invalid parameters";
  const { serverMaxWindowBits = maxBits, clientMaxWindowBits = wish.clientMaxWindowBits } = read;
  if (wish.serverNoContextTakeover && !read.serverNoContextTakeover)
    return "the server did not give up context takeover";
  if (serverMaxWindowBits > wish.serverMaxWindowBits) return "the server's window is larger than asked for";
  if (clientMaxWindowBits > wish.clientMaxWindowBits) return "the client's window is larger than offered";
  return {
    serverNoContextTakeover: read.serverNoContextTakeover,
    clientNoContextTakeover: read.clientNoContextTakeover || wish.clientNoContextTakeover,
    serverMaxWindowBits,
    clientMaxWindowBits,
  };
}

/** RFC 7692 §7: undefined where a parameter is unknown, stands twice, or has a value it may not have. */
function readParameters({ parameters }: Extension): ReadParameters | undefined {
  const read: ReadParameters = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  if (new Set(parameters.map(([name]) => name)).size < parameters.length) return undefined;
  for (const [name, value] of parameters) if (!readParameter(read, name, value)) return undefined;
  return read;
}

function readParameter(read: ReadParameters, name: string, value: string | undefined): boolean {
  const bits = value === undefined ? undefined : bitsOf.get(value);
  switch (name) {
    case "server_no_context_takeover":
      read.serverNoContextTakeover = true;
      return value === undefined;
    case "client_no_context_takeover":
      read.clientNoContextTakeover = true;
      return value === undefined;
    case "server_max_window_bits":
      read.serverMaxWindowBits = bits;
      return bits !== undefined;
    case "client_max_window_bits":
      read.clientMaxWindowBits = bits ?? null;
      return (value === undefined) === (bits === undefined);
    default:
      return false;
  }
}

function formatParameters(parameters: ReadParameters): Extension {
  const { serverMaxWindowBits, clientMaxWindowBits } = parameters;
  const pairs: [string, string | undefined][] = [];
  if (parameters.serverNoContextTakeover) pairs.push(["server_no_context_takeover", undefined]);
  if (parameters.clientNoContextTakeover) pairs.push(["client_no_context_takeover", undefined]);
  if (serverMaxWindowBits !== undefined) pairs.push(["server_max_window_bits", String(serverMaxWindowBits)]);
  if (clientMaxWindowBits !== undefined)
    pairs.push([
      "client_max_window_bits",
      clientMaxWindowBits === null ? undefined : String(clientMaxWindowBits),
    ]);
  return { name: extensionName, parameters: pairs };
}
