/** better-sse: a session for each client, and a channel of all. */
import { createChannel, createSession, type Session } from "better-sse";
import { eventName, payload, runTeller } from "./application.ts";

const sessions = new Set<Session>();
const channel = createChannel();

runTeller(
  () => ({
    each() {
      for (const session of sessions) session.push(payload, eventName);
    },
    all: () => channel.broadcast(payload, eventName),
  }),
  async (request, response) => {
    const session = await createSession(request, response);
    sessions.add(session);
    session.on("disconnected", () => sessions.delete(session));
    channel.register(session);
  },
);
