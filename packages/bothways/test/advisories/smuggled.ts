/** Upgrades that want to be two requests: what they are, fields of the head, and what stands behind it. */
export const smuggled: readonly (readonly [what: string, fields: Record<string, string>, behind: string])[] =
  [
    ["a body", { "Content-Length": "5" }, "hello"],
    ["a chunked body", { "Transfer-Encoding": "chunked" }, "0\r\n\r\n"],
    ["an old version", { "Sec-WebSocket-Version": "12" }, ""],
    ["a version twice over", { "Sec-WebSocket-Version": "13, 13" }, ""],
    ["a second request behind it", {}, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
  ];
