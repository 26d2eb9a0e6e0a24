/** RFC 6455 §4: what a server must refuse to upgrade, and what answer a client must not take. */
import type { Case } from "../case.ts";
import { andMore, end, gets, refusal, text } from "../frames.ts";

type Head = Case["head"];
const hello = { steps: [{ send: [text("hello")] }], expect: [gets.text("hello")] };
const get = "GET /chat?room=1 HTTP/1.1";
const key = "dGhlIHNhbXBsZSBub25jZQ==";

const taken: readonly (readonly [name: string, head: Head, startLine?: string])[] = [
  ["as in the RFC", {}],
  ["Upgrade in capitals", { Upgrade: "WebSocket" }],
  ["Upgrade in a list", { Upgrade: "h2c, websocket" }],
  ["Connection in a list, in capitals", { Connection: "keep-alive, UPGRADE" }],
  ["headers nobody knows", { "X-Anything": "at all", Cookie: "a=b" }],
  ["an extension nobody knows", { "Sec-WebSocket-Extensions": "x-unknown; a=1; b" }],
  ["a subprotocol that is not chosen", { "Sec-WebSocket-Protocol": undefined }],
  ["another path", {}, "GET /any/other?path HTTP/1.1"],
];

const refused: readonly (readonly [clause: string, name: string, head: Head, startLine?: string])[] = [
  ["§4.1 (2): GET", "POST", {}, "POST /chat HTTP/1.1"],
  ["§4.1 (2): at least HTTP/1.1", "HTTP/1.0", {}, "GET /chat HTTP/1.0"],
  ["§4.2.1 (2): Host", "no Host", { Host: undefined }],
  ["§4.2.1 (5): a key of 16 bytes", "no key", { "Sec-WebSocket-Key": undefined }],
  ["§4.2.1 (5): a key of 16 bytes", "an empty key", { "Sec-WebSocket-Key": "" }],
  ["§4.2.1 (5): a key of 16 bytes", "a key of 15 bytes", { "Sec-WebSocket-Key": "c2l4dGVlbiBieXRlcyE=" }],
  [
    "§4.2.1 (5): a key of 16 bytes",
    "a key that is not base64",
    { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j*Q==" },
  ],
  ["§11.3.1: not more than once", "two keys", { "Sec-WebSocket-Key": [key, key] }],
  ["§4.2.1 (6): version 13", "no version", { "Sec-WebSocket-Version": undefined }],
  ["§4.2.1 (6): version 13", "version 7", { "Sec-WebSocket-Version": "7" }],
  ["§4.2.1 (6): version 13", "version 8", { "Sec-WebSocket-Version": "8" }],
  ["§4.2.1 (6): version 13", "version 12", { "Sec-WebSocket-Version": "12" }],
  ["§4.2.1 (6): version 13", "version 14", { "Sec-WebSocket-Version": "14" }],
  ["§11.3.5: not more than once", "two versions", { "Sec-WebSocket-Version": "13, 8" }],
  ["§4.2.1 (8), §4.3: tokens", "an invalid subprotocol", { "Sec-WebSocket-Protocol": "a b" }],
  ["§4.1 (10): each once", "a subprotocol twice", { "Sec-WebSocket-Protocol": "a, a" }],
  ["§4.1: nothing before the answer; RFC 9112 §6: no body", "a body", { "Content-Length": "2" }],
  ["RFC 9112 §6: no body", "a body in chunks", { "Transfer-Encoding": "chunked" }],
];

const asked = (
  name: string,
  head: Head,
  startLine = get,
): Pick<Case, "id" | "sides" | "head" | "startLine"> => ({
  id: `request/${name}`,
  sides: ["server"],
  ...(head && { head }),
  startLine,
});

const answered = (name: string, clause: string, head: Head, rest: Partial<Case> = {}): Case => ({
  id: `answer/${name}`,
  clause: `RFC 6455 ${clause}`,
  sides: ["client"],
  ...(head && { head }),
  expect: [end],
  told: "1006",
  ...rest,
});

const fine: Partial<Case> = { ...hello, told: "1000" };

export const handshake: readonly Case[] = [
  ...taken.map(
    ([name, head, startLine]): Case => ({
      ...asked(name, head, startLine),
      clause: "RFC 6455 §4.2.1",
      ...hello,
    }),
  ),
  ...refused.map(
    ([clause, name, head, startLine]): Case => ({
      ...asked(name, head, startLine),
      clause: clause.startsWith("RFC") ? clause : `RFC 6455 ${clause}`,
      expect: [refusal, end],
    }),
  ),
  {
    ...asked("the first subprotocol is chosen", { "Sec-WebSocket-Protocol": "one, two" }),
    clause: "RFC 6455 §4.2.2 (5)",
    shows: ["start", "sec-websocket-protocol"],
    expect: ["start: HTTP/1.1 101 Switching Protocols", "sec-websocket-protocol: one"],
  },
  {
    ...asked("no extension is answered that was not offered", {}),
    clause: "RFC 6455 §9.1",
    shows: ["sec-websocket-extensions", "upgrade", "connection"],
    expect: ["sec-websocket-extensions: ", "upgrade: websocket", "connection: Upgrade"],
  },
  {
    ...asked("a refusal of a version names those known", { "Sec-WebSocket-Version": "14" }),
    clause: "RFC 6455 §4.4",
    shows: ["sec-websocket-version"],
    expect: [`sec-websocket-version: 13${andMore}`, refusal, end],
  },
  answered("as in the RFC", "§4.1", {}, fine),
  answered(
    "Upgrade and Connection in capitals",
    "§4.1",
    { Upgrade: "WEBSOCKET", Connection: "UPGRADE" },
    fine,
  ),
  answered("headers nobody knows", "§4.1", { "X-Anything": "at all" }, fine),
  answered("another reason phrase", "§4.1", {}, { ...fine, startLine: "HTTP/1.1 101 Yes" }),
  answered("status 200", "§4.1", {}, { startLine: "HTTP/1.1 200 OK" }),
  answered("status 400", "§4.1", { "Content-Length": "0" }, { startLine: "HTTP/1.1 400 Bad Request" }),
  answered(
    "a redirect that nobody asked to follow",
    "§4.1",
    { Location: "/" },
    { startLine: "HTTP/1.1 302 Found" },
  ),
  answered("no Upgrade", "§4.1 (2)", { Upgrade: undefined }),
  answered("another Upgrade", "§4.1 (2)", { Upgrade: "h2c" }),
  answered("no Connection", "§4.1 (3)", { Connection: undefined }),
  answered("another Connection", "§4.1 (3)", { Connection: "keep-alive" }),
  answered("no accept", "§4.1 (4)", { "Sec-WebSocket-Accept": undefined }),
  answered("the accept of another key", "§4.1 (4)", {
    "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  }),
  answered("an extension that was not asked for", "§4.1 (5)", { "Sec-WebSocket-Extensions": "x-unknown" }),
  answered("compression that was not asked for", "§4.1 (5)", {
    "Sec-WebSocket-Extensions": "permessage-deflate",
  }),
  answered("a subprotocol that was not asked for", "§4.1 (6)", { "Sec-WebSocket-Protocol": "chat" }),
  ...[
    ["another subprotocol than those asked for", { "Sec-WebSocket-Protocol": "three" }],
    ["two subprotocols", { "Sec-WebSocket-Protocol": "one, two" }],
  ].map(([name, head]) =>
    answered(name as string, "§4.1 (6)", head as Head, { options: { protocols: ["one", "two"] } }),
  ),
  answered(
    "one of the subprotocols asked for",
    "§4.1 (6)",
    { "Sec-WebSocket-Protocol": "two" },
    {
      ...fine,
      options: { protocols: ["one", "two"] },
    },
  ),
  answered(
    "what the request has",
    "§4.1",
    {},
    {
      ...fine,
      shows: ["start", "upgrade", "connection", "sec-websocket-version"],
      expect: [
        `start: ${get}`,
        "upgrade: websocket",
        "connection: Upgrade",
        "sec-websocket-version: 13",
        gets.text("hello"),
      ],
    },
  ),
];
