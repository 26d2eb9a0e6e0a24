/** Everything a client and a server can say to each other, over one technique. */
import { describe } from "vitest";
import { acks } from "./acks.ts";
import { authentication } from "./authentication.ts";
import { events } from "./events.ts";
import { flow } from "./flow.ts";
import { lifecycle } from "./lifecycle.ts";
import { namespaces } from "./namespaces.ts";
import { recovery } from "./recovery.ts";
import type { Technique } from "./rig.ts";
import { switching } from "./switching.ts";

/** What a technique can spoil, whatever is said over it. */
export function crossing(technique: Technique): void {
  describe(`${technique.name}, ${technique.platform} client`, () => {
    lifecycle(technique);
    events(technique);
    recovery(technique);
    switching(technique);
  });
}

export function conversation(technique: Technique): void {
  describe(`${technique.name}, ${technique.platform} client`, () => {
    lifecycle(technique);
    events(technique);
    acks(technique);
    authentication(technique);
    namespaces(technique);
    flow(technique);
    recovery(technique);
    switching(technique);
  });
}
