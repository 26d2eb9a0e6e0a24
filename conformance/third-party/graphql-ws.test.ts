/** graphql-ws: subscriptions over `graphql-transport-ws`, its server and its client. */

import type { WebSocket } from "bothways/websocket";
import type { ExecutionResult } from "graphql";
import { type Client, CloseCode, createClient } from "graphql-ws";
import { useServer } from "graphql-ws/use/ws";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Engine, engines, pairs, serve, urlOf } from "../engines.ts";

// The very instance that graphql-ws has: Vite would resolve the bare name to another of its builds.
const { buildSchema }: typeof import("graphql") = await import(import.meta.resolve("graphql"));
const schema = buildSchema(`
  type Query { hello(name: String!): String! }
  type Mutation { say(text: String!): Boolean! }
  type Subscription { countdown(from: Int!): Int! said: String! }
`);

/** Resolvers, and who waits for what is said. */
function createRoots() {
  const listeners = new Set<(text: string) => void>();
  let ended = 0;
  return {
    ended: () => ended,
    query: { hello: ({ name }: { name: string }) => `hello ${name}` },
    mutation: {
      say({ text }: { text: string }) {
        for (const listener of listeners) listener(text);
        return true;
      },
    },
    subscription: {
      async *countdown({ from }: { from: number }) {
        for (let left = from; left > 0; left--) yield { countdown: left };
      },
      async *said() {
        try {
          for (;;) {
            yield {
              said: await new Promise<string>((resolve) => {
                const listener = (text: string): void => {
                  listeners.delete(listener);
                  resolve(text);
                };
                listeners.add(listener);
              }),
            };
          }
        } finally {
          ended++;
        }
      },
    },
    listeners,
  };
}

async function start({ server, client }: { server: Engine; client: Engine }) {
  const roots = createRoots();
  const wss = await serve(server);
  const { query, mutation, subscription } = roots;
  const disposable = useServer(
    {
      schema,
      roots: { query, mutation, subscription },
      onConnect: ({ connectionParams }) => connectionParams?.token !== "bad",
    },
    wss as never,
  );
  const connect = (token = "good"): Client => {
    const created = createClient({
      url: urlOf(wss),
      webSocketImpl: engines[client].WebSocket,
      connectionParams: { token },
      retryAttempts: 0,
    });
    onTestFinished(() => void created.dispose());
    return created;
  };
  return { roots, wss, connect, dispose: () => disposable.dispose() };
}

function ask(client: Client, query: string): Promise<ExecutionResult> {
  return new Promise((resolve, reject) => {
    client.subscribe(
      { query },
      { next: (result) => resolve(result as ExecutionResult), error: reject, complete: () => {} },
    );
  });
}

describe.each(pairs)("graphql-ws, a server of $server and a client of $client", (pair) => {
  test("a query", async () => {
    const { connect } = await start(pair);
    expect(await ask(connect(), '{ hello(name: "wörld 😀") }')).toEqual({
      data: { hello: "hello wörld 😀" },
    });
  });

  test("a subscription to its end", async () => {
    const { connect } = await start(pair);
    const seen: unknown[] = [];
    for await (const { data } of connect().iterate({ query: "subscription { countdown(from: 500) }" }))
      seen.push(data?.countdown);
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => 500 - i));
  });

  test("what one says another hears, until it has heard enough", async () => {
    const { connect, roots } = await start(pair);
    const listening = connect().iterate<{ said: string }>({ query: "subscription { said }" });
    const first = listening.next();
    while (roots.listeners.size === 0) await new Promise(setImmediate);
    expect(await ask(connect(), 'mutation { say(text: "hi") }')).toEqual({ data: { say: true } });
    expect((await first).value).toEqual({ data: { said: "hi" } });
    await listening.return?.();
    // The generator of the server is in its wait; what is said next lets it end.
    while (roots.ended() === 0) {
      for (const listener of roots.listeners) listener("bye");
      await new Promise(setImmediate);
    }
  });

  test("who is not let in gets 4403", async () => {
    const { connect } = await start(pair);
    await expect(ask(connect("bad"), '{ hello(name: "x") }')).rejects.toMatchObject({
      code: CloseCode.Forbidden,
      reason: "Forbidden",
      wasClean: true,
    });
  });

  test("who offers another subprotocol gets none, and gives up", async () => {
    const { wss } = await start(pair);
    const socket = new engines[pair.client].WebSocket(urlOf(wss), "graphql-other");
    socket.on("error", () => {});
    const end = await new Promise((resolve) => {
      socket.once("close", (code) => resolve(code));
    });
    expect(end).toBe(1006);
  });

  test("a server that is disposed of says 1001 to all", async () => {
    const { connect, dispose } = await start(pair);
    const client = connect();
    const opened = new Promise<WebSocket>((resolve) =>
      client.on("connected", (socket) => resolve(socket as never)),
    );
    const over = new Promise((resolve) => client.on("closed", resolve));
    void ask(client, "subscription { said }").catch(() => {});
    expect((await opened).protocol).toBe("graphql-transport-ws");
    await dispose();
    expect(await over).toMatchObject({ code: 1001, reason: "Going away" });
  });
});
