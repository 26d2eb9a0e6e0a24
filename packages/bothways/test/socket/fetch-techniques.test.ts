/** The shared suite through `io.fetch`: what a front can spoil, behind the least of adapters and behind Hono. */
import { describe } from "vitest";
import { createHonoFront, createPlainFront } from "../fixtures/fetch-fronts.ts";
import { events } from "../suites/events.ts";
import { lifecycle } from "../suites/lifecycle.ts";
import { recovery } from "../suites/recovery.ts";
import { httpTechniques, type Technique, techniques } from "../suites/rig.ts";
import { switching } from "../suites/switching.ts";

const ofNode = [...techniques, ...httpTechniques].filter(
  ({ name, platform }) => platform === "Node" && name !== "websocket",
);
const behind = (createFront: Technique["createFront"]): Technique[] =>
  ofNode.map((technique, index) => ({
    ...technique,
    // no front opens WebSockets
    other: ofNode[(index + 1) % ofNode.length]?.create ?? technique.create,
    createFront,
  }));

describe.each(behind(createPlainFront))("$name through io.fetch", (technique) => {
  lifecycle(technique);
  events(technique);
  switching(technique);
});

// what differs in a framework, and in a cut, is whether an answer goes on
const byHono = behind(createHonoFront).filter(({ name }) => /^(long-polling|stream)$/.test(name));

describe.each(byHono)("$name through Hono", (technique) => {
  lifecycle(technique);
  recovery(technique);
});
