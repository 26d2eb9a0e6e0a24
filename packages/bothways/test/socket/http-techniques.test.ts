/** The shared suite over the techniques of HTTP: what a technique can spoil, not all that a conversation is. */
import { crossing } from "../suites/conversation.ts";
import { httpTechniques } from "../suites/rig.ts";

for (const technique of httpTechniques) crossing(technique);
