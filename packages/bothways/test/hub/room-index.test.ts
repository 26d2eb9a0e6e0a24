import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RoomIndex } from "../../src/hub/room-index.ts";

interface Member {
  readonly name: string;
}

const members: readonly Member[] = ["m0", "m1", "m2", "m3"].map((name) => ({ name }));
const member = fc.constantFrom(...members);
const room = fc.constantFrom("r0", "r1", "r2", "__proto__");
const rooms = fc.array(room, { maxLength: 4 });

type Step =
  | { readonly kind: "add" | "delete"; readonly room: string; readonly member: Member }
  | { readonly kind: "visit"; readonly rooms: string[]; readonly except: string[] };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("add" as const, "delete" as const), room, member }),
  fc.record({ kind: fc.constant("visit" as const), rooms, except: rooms }),
);

/** The plainest thing that could be right. */
class Pairs {
  pairs: { room: string; member: Member }[] = [];

  apply(kind: "add" | "delete", room: string, member: Member): void {
    this.pairs = this.pairs.filter((pair) => pair.room !== room || pair.member !== member);
    if (kind === "add") this.pairs.push({ room, member });
  }

  names(rooms: readonly string[]): Set<string> {
    return new Set(this.pairs.filter((pair) => rooms.includes(pair.room)).map((pair) => pair.member.name));
  }
}

function visit(index: RoomIndex<Member>, rooms: readonly string[], except: readonly string[]): string[] {
  const names: string[] = [];
  index.visit(rooms, except, (visited) => names.push(visited.name));
  return names;
}

describe("RoomIndex", () => {
  test("does what a list of pairs does", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = new RoomIndex<Member>();
        const model = new Pairs();
        for (const step of steps) {
          if (step.kind === "visit") {
            const except = model.names(step.except);
            const expected = [...model.names(step.rooms)].filter((name) => !except.has(name));
            // Sorted lists, not sets: nobody is visited twice.
            expect(visit(index, step.rooms, step.except).sort()).toEqual(expected.sort());
          } else {
            index[step.kind](step.room, step.member);
            model.apply(step.kind, step.room, step.member);
            expect(index.has(step.room, step.member)).toBe(step.kind === "add");
          }
          expect(index.size).toBe(new Set(model.pairs.map((pair) => pair.room)).size);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a member may leave, and others come, while a room is visited", () => {
    const index = new RoomIndex<Member>();
    for (const member of members) index.add("r", member);
    const seen: string[] = [];
    index.visit(["r"], [], (visited) => {
      seen.push(visited.name);
      for (const member of members) index.delete("r", member);
    });
    expect(seen).toEqual(["m0"]);
    expect(index.size).toBe(0);
  });
});
