/** Types of the client's public face. Compiled, never run: a line that must not compile says so. */
import { io } from "../../src/client/index.node.ts";
import type { Socket } from "../../src/client/socket.ts";
import type { BothwaysError } from "../../src/model/bothways-error.ts";
import type { Gap } from "../../src/model/reasons.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(equal: Equal<A, B>): void;

interface ToServer {
  say: (text: string) => void;
  ask: (question: string, callback: (answer: number) => void) => void;
}

interface ToClient {
  said: (from: string, text: string) => void;
}

const socket = io<ToClient, ToServer>();
same<typeof socket, Socket<ToClient, ToServer>>(true);

socket.on("said", (from, text) => same<typeof from | typeof text, string>(true));
socket.on("gap", (gap) => same<typeof gap, Gap>(true));
// @ts-expect-error not an event of the server
socket.on("ask", () => undefined);
// @ts-expect-error its argument is a string
socket.emit("say", 1);
// @ts-expect-error not an event of the client
socket.emit("said", "ada", "hi");

// The answer is the same whatever may end the wait for it; a callback takes an error first.
const { signal } = new AbortController();
const asked = [
  socket.emitWithAck("ask", "why"),
  socket.timeout(5).emitWithAck("ask", "why"),
  socket.signal(signal).emitWithAck("ask", "why"),
  socket.timeout(5).signal(signal).emitWithAck("ask", "why"),
  socket.volatile.timeout(5).emitWithAck("ask", "why"),
];
same<typeof asked, Promise<number>[]>(true);
socket.emit("ask", "why", (answer) => same<typeof answer, number>(true));
socket
  .timeout(5)
  .signal(signal)
  .volatile.emit("ask", "why", (error, answer) => {
    same<typeof error, BothwaysError | null>(true);
    same<typeof answer, number>(true);
  });

// Without an events map everything goes.
const loose = io("/chat");
loose.on("said", (from, text) => from + text);
loose.timeout(5).emit("ask", 1, (error: Error | null, answer: string) => error ?? answer);
const answer: Promise<string> = loose.timeout(5).emitWithAck("ask", 1);
void answer;
