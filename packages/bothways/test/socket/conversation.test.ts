/** The shared suite over every technique: the halves for Node, those for browsers on Node's own globals, and over HTTP/2. */
import { http2Techniques } from "../fixtures/http2-transports.ts";
import { conversation } from "../suites/conversation.ts";
import { techniques } from "../suites/rig.ts";

for (const technique of [...techniques, ...http2Techniques]) conversation(technique);
