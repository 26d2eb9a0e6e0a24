/** Our server, as `new Server(httpServer)` gives it. */
import { createServer } from "node:http";
import { Server } from "bothways";
import { runApplication } from "./application.ts";

const httpServer = createServer();
runApplication(new Server(httpServer), httpServer);
