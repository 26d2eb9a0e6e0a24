/** Run by Bun: the server of `echo-server.ts` on Bun's own. Prints its port, and every close it is told of. */

interface BunSocket {
  send(data: string | Uint8Array): void;
  ping(data: string): void;
  close(code: number, reason: string): void;
}

declare const Bun: {
  serve(options: {
    port: number;
    hostname: string;
    fetch(
      request: Request,
      server: { upgrade(request: Request, options: object): boolean },
    ): Response | undefined;
    websocket: {
      perMessageDeflate: boolean;
      message(socket: BunSocket, data: string | Uint8Array): void;
      pong(socket: BunSocket, data: Uint8Array): void;
      close(socket: BunSocket, code: number, reason: string): void;
    };
  }): { readonly port: number };
};

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, upgrader) =>
    upgrader.upgrade(request, { headers: { "Sec-WebSocket-Protocol": "two" } })
      ? undefined
      : new Response("", { status: 426 }),
  websocket: {
    perMessageDeflate: true,
    message(socket, data) {
      if (data === "/close") socket.close(4001, "enough ü");
      else if (data === "/ping") socket.ping("here?");
      else if (data === "/fragments") socket.send("ünïcode 😀 in parts");
      else socket.send(data);
    },
    pong: (socket, data) => socket.send(`ponged: ${new TextDecoder().decode(data)}`),
    close: (_, code, reason) => console.log(`close ${code} ${reason}`),
  },
});
console.log(`port ${server.port}`);
