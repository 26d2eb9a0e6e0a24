/** Another build of our server, found in the folder that `--before` names: shows what a change brought. */
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { runApplication } from "./application.ts";

const build = pathToFileURL(`${process.env.BENCH_BEFORE}/server/index.js`).href;
const { Server } = (await import(build)) as typeof import("bothways");
const httpServer = createServer();
runApplication(new Server(httpServer), httpServer);
