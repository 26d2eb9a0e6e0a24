/** What the pages of the matrix run: a client that Node talks to by `window`. */
import { io } from "../../src/client/index.ts";
import * as factories from "../../src/client/transports.ts";
import { Talker } from "./talker.ts";

window.openTalker = (options) => {
  window.talker = new Talker(io, factories, options);
};
