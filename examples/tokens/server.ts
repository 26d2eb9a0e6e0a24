/**
 * Streams the tokens of a model, the server: `node examples/tokens/server.ts`; `PORT` changes the port.
 *
 * A client that is cut off for less than `resumeWindow` gets what it missed without a line of code here. For one that
 * was gone longer the answer is kept, and goes on from the token that it asks for.
 */
import { Server } from "bothways";
import { contract } from "./contract.ts";
import { generate } from "./model.ts";

interface Answer {
  readonly tokens: string[];
  isDone: boolean;
}

const port = Number(process.env.PORT ?? 3000);
/** Two seconds, so that both ways to come back can be tried by hand. */
const io = new Server(port, { contract, resumeWindow: 2000 });
const answers = new Map<string, Answer>();
const MAX_ANSWERS = 1000;

io.on("connection", (socket) => {
  socket.on("answer", ({ id, prompt, from }) => {
    const { tokens, isDone } = answers.get(id) ?? begin(id, prompt);
    tokens.slice(from).forEach((token, index) => void socket.emit("token", from + index, token));
    if (isDone) socket.emit("done");
    else socket.join(id);
  });
  socket.on("disconnect", (reason) => console.log(`a session is over: ${reason}`));
});

/** Whoever waits for the answer is in the room of its id. */
function begin(id: string, prompt: string): Answer {
  const answer: Answer = { tokens: [], isDone: false };
  answers.set(id, answer);
  const [oldest = id] = answers.keys();
  if (answers.size > MAX_ANSWERS) answers.delete(oldest);
  const tell = async (): Promise<void> => {
    for await (const token of generate(prompt)) io.to(id).emit("token", answer.tokens.push(token) - 1, token);
    answer.isDone = true;
    io.to(id).emit("done");
  };
  tell();
  return answer;
}

console.log(`listening on http://localhost:${port}`);
