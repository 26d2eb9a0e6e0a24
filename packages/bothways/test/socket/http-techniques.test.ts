/** The shared suite over the techniques of HTTP: what a technique can spoil, not all that a conversation is. */
import { crossing } from "../suites/conversation.ts";
import { pageTechniques } from "../suites/page.ts";
import { httpTechniques } from "../suites/rig.ts";

for (const technique of [...httpTechniques, ...pageTechniques]) crossing(technique);
