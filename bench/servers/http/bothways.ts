/** Ours. */
import * as bothways from "bothways";
import { runOurs } from "./ours.ts";

runOurs(bothways);
