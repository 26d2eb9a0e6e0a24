/** The shared suite over every technique: the halves for Node, and the halves for browsers on Node's own globals. */
import { conversation } from "../suites/conversation.ts";
import { techniques } from "../suites/rig.ts";

for (const technique of techniques) conversation(technique);
