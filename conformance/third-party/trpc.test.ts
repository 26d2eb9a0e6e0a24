/** tRPC: its WebSocket adapter and its `wsLink`. */
import { createTRPCClient, createWSClient, type TRPCClient, wsLink } from "@trpc/client";
import { initTRPC, TRPCError } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Engine, engines, pairs, serve, urlOf } from "../engines.ts";

const t = initTRPC.context<{ readonly agent: string | undefined }>().create();
let counter = 0;
const text = (value: unknown): string => {
  if (typeof value !== "string") throw new TRPCError({ code: "BAD_REQUEST", message: "not a text" });
  return value;
};
const router = t.router({
  hello: t.procedure.input(text).query(({ input }) => `hello ${input}`),
  agent: t.procedure.query(({ ctx }) => ctx.agent ?? "none"),
  add: t.procedure.input((value) => Number(value)).mutation(({ input }) => (counter += input)),
  countdown: t.procedure
    .input((value) => Number(value))
    .subscription(async function* ({ input }) {
      for (let left = input; left > 0; left--) yield left;
    }),
  forever: t.procedure.subscription(async function* ({ signal }) {
    yield "begun";
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    ended();
  }),
});
let ended = (): void => {};

async function start({ server, client }: { server: Engine; client: Engine }) {
  const wss = await serve(server);
  const handler = applyWSSHandler({
    wss: wss as never,
    router,
    createContext: ({ req }) => ({ agent: req.headers["user-agent"] }),
    keepAlive: { enabled: true, pingMs: 5, pongWaitMs: 5_000 },
  });
  const link = createWSClient({
    url: urlOf(wss),
    WebSocket: engines[client].WebSocket as never,
    retryDelayMs: () => 10,
  });
  onTestFinished(async () => void (await link.close()));
  const trpc: TRPCClient<typeof router> = createTRPCClient<typeof router>({
    links: [wsLink({ client: link })],
  });
  return { wss, trpc, handler, link };
}

describe.each(pairs)("tRPC, a server of $server and a client of $client", (pair) => {
  test("queries, many at once", async () => {
    const { trpc } = await start(pair);
    const names = Array.from({ length: 100 }, (_, i) => `n${i}`);
    expect(await Promise.all(names.map((name) => trpc.hello.query(name)))).toEqual(
      names.map((name) => `hello ${name}`),
    );
    expect(await trpc.agent.query()).toBe("none");
  });

  test("a mutation, and an error", async () => {
    const { trpc } = await start(pair);
    const before = counter;
    expect(await trpc.add.mutate(3)).toBe(before + 3);
    await expect(trpc.hello.query(7 as never)).rejects.toMatchObject({ message: "not a text" });
  });

  test("a subscription to its end", async () => {
    const { trpc } = await start(pair);
    const seen: number[] = [];
    await new Promise<void>((resolve, reject) => {
      trpc.countdown.subscribe(200, {
        onData: (left) => seen.push(left as number),
        onComplete: resolve,
        onError: reject,
      });
    });
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => 200 - i));
  });

  test("a subscription that is given up ends on the server", async () => {
    const { trpc } = await start(pair);
    const over = new Promise<void>((resolve) => {
      ended = resolve;
    });
    await new Promise<void>((resolve) => {
      const subscription = trpc.forever.subscribe(undefined, {
        onData: () => {
          subscription.unsubscribe();
          resolve();
        },
      });
    });
    await over;
  });

  test("the server asks for a reconnect, or breaks: the client comes back", async () => {
    const { wss, trpc, handler } = await start(pair);
    expect(await trpc.hello.query("a")).toBe("hello a");
    const back = new Promise((resolve) => wss.once("connection", resolve));
    handler.broadcastReconnectNotification();
    await back;
    expect(await trpc.hello.query("b")).toBe("hello b");
    const backAgain = new Promise((resolve) => wss.once("connection", resolve));
    for (const socket of wss.clients ?? []) socket.terminate();
    await backAgain;
    expect(await trpc.hello.query("c")).toBe("hello c");
  });
});
