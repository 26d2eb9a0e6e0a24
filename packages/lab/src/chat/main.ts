/** `node packages/lab/src/chat/main.ts` serves the chat at http://localhost:3000; `PORT` changes that. */
import { startChat } from "./server.ts";

const { port } = await startChat(Number(process.env.PORT ?? 3000));
console.log(`The chat is at http://localhost:${port}`);
