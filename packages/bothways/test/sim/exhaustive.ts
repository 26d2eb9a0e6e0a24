/**
 * Every order of events in worlds of a few messages and a few faults. Seeds find deep trouble; this finds the short
 * counterexample, or proves that there is none.
 */
import { type SmallPlan, SmallWorld } from "./small-world.ts";

const base = { up: 1, down: 1, faults: 1, switches: 0, hedges: 0, restarts: 0, windowMessages: 16 } as const;

/** Each is searched to the end, in seconds. */
export const smallPlans: readonly SmallPlan[] = [
  { ...base, name: "websocket, two cuts", dials: ["websocket"], faults: 2 },
  { ...base, name: "websocket, tiny window", dials: ["websocket"], up: 2, windowMessages: 1 },
  { ...base, name: "websocket, switch, up", dials: ["websocket"], down: 0, switches: 1 },
  { ...base, name: "websocket, switch, down", dials: ["websocket"], up: 0, switches: 1 },
  { ...base, name: "websocket, hedge", dials: ["websocket"], up: 0, down: 0, hedges: 1 },
  { ...base, name: "websocket, hedge, no cut", dials: ["websocket"], faults: 0, hedges: 1 },
  { ...base, name: "websocket, restart", dials: ["websocket"], restarts: 1 },
  { ...base, name: "long polling, three messages", dials: ["long-polling"], up: 2 },
  { ...base, name: "long polling, two faults", dials: ["long-polling"], faults: 2 },
  { ...base, name: "long polling, restart", dials: ["long-polling"], faults: 0, restarts: 1 },
  { ...base, name: "long polling, switch", dials: ["long-polling"], faults: 0, switches: 1 },
  {
    ...base,
    name: "long polling, then websocket",
    dials: ["long-polling", "websocket"],
    faults: 0,
    switches: 1,
  },
  {
    ...base,
    name: "websocket, then long polling",
    dials: ["websocket", "long-polling"],
    faults: 0,
    switches: 1,
  },
  { ...base, name: "hedge of both", dials: ["websocket", "long-polling"], up: 0, hedges: 1 },
];

/** Searched to the end too, in minutes, and so by the command line only. */
export const deepPlans: readonly SmallPlan[] = [
  { ...base, name: "websocket, switch", dials: ["websocket"], switches: 1 },
  { ...base, name: "websocket, hedge, both ways", dials: ["websocket"], hedges: 1 },
  { ...base, name: "long polling, switch, fault", dials: ["long-polling"], switches: 1 },
  { ...base, name: "long polling, then websocket, fault", dials: ["long-polling", "websocket"], switches: 1 },
  { ...base, name: "websocket, then long polling, fault", dials: ["websocket", "long-polling"], switches: 1 },
];

export interface SearchResult {
  readonly name: string;
  readonly states: number;
  readonly seconds: number;
  /** The actions that led to a broken promise, and which. */
  readonly failure: string | undefined;
}

/** Depth first. The state of a world cannot be copied, so a branch begins again and repeats the way to it. */
export function search(plan: SmallPlan, maxStates: number = Number.POSITIVE_INFINITY): SearchResult {
  const startedAt = performance.now();
  const seen = new Set<number>();
  const stack: string[][] = [[]];
  let failure: string | undefined;
  while (stack.length > 0 && failure === undefined && seen.size < maxStates) {
    const path = stack.pop() ?? [];
    const world = new SmallWorld(plan);
    for (const action of path) world.perform(action);
    failure = descend(world, path, seen, stack);
  }
  return { name: plan.name, states: seen.size, seconds: (performance.now() - startedAt) / 1000, failure };
}

/** Goes one way to its end and leaves the others on the stack. */
function descend(world: SmallWorld, way: string[], seen: Set<number>, stack: string[][]): string | undefined {
  let path = way;
  for (;;) {
    if (world.failure !== undefined) return `${path.join("\n")}\n→ ${world.failure}`;
    const key = world.key();
    if (seen.has(key)) return undefined;
    seen.add(key);
    const actions = world.actions();
    if (actions.every((action) => action[0] === "!")) {
      const unrest = world.settled();
      if (unrest !== undefined) return `${path.join("\n")}\n→ at rest: ${unrest}`;
    }
    const [first, ...others] = actions;
    if (first === undefined) return undefined;
    for (const action of others) stack.push([...path, action]);
    path = [...path, first];
    world.perform(first);
  }
}
