/** `npm start`: checks Node, builds, and serves the chat in this process, so that one signal ends it. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import "./check-node.mjs";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const build = spawnSync("npm run --silent build", { stdio: "inherit", shell: true });
if (build.status !== 0) process.exit(build.status ?? 1);
await import("../packages/lab/src/chat/main.ts");
