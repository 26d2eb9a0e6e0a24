/** Run by Bun: the exercise with Bun's own WebSocket. Prints what it has seen. */
import { exercise, type StandardSocket } from "./exercise.ts";

const [, , url = ""] = process.argv;
const Class = globalThis.WebSocket as unknown as new (url: string, protocols?: string[]) => StandardSocket;
console.log(JSON.stringify(await exercise({ Class, url })));
