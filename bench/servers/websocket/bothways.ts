/** Ours. */
import * as websocket from "bothways/websocket";
import { runOurs } from "./ours.ts";

runOurs(websocket);
