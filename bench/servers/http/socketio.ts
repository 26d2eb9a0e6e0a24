/** Socket.IO's server, as `new Server(httpServer)` gives it. */
import { Server } from "socket.io";
import { runTeller, tellWith } from "./application.ts";

runTeller((httpServer) => tellWith(new Server(httpServer)));
