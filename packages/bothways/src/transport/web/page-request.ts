/** What techniques share that ask by elements of a page: a GET whose URL holds the request's body, and a text for an answer. */
import type { Data } from "../../model/message.ts";
import type { ConnectRequest } from "../../model/transport.ts";

/** Where a body goes that can only be in a URL. */
export function urlWith({ url }: ConnectRequest, body: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}bothways=${encodeURIComponent(body)}`;
}

/** Bytes travel as `b` and base64url. */
export function decodeTextOnly(text: string): Data {
  if (text[0] !== "b") return text;
  const bytes = atob(text.slice(1).replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
}

/** The frames of a text, a line each. */
export function decodeLines(text: string): Data[] {
  return text === "" ? [] : text.split("\n").map(decodeTextOnly);
}

/** Is waited for: an element that goes on loading would keep a page from ever being loaded. Throws where there is no page. */
export function pageLoaded(): unknown {
  if (document.readyState === "complete") return;
  return new Promise((resolve) => addEventListener("load", resolve, { once: true }));
}
