/** The shared suite over the techniques of HTTP: what a technique can spoil, not all that a conversation is. */
import { conversation } from "../suites/conversation.ts";
import { httpTechniques } from "../suites/rig.ts";

for (const technique of httpTechniques) conversation(technique);
