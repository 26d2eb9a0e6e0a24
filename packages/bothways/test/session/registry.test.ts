/** docs/protocol/bothways-1.md §6: which session a hello leads to. */
import { describe, expect, test } from "vitest";
import { BYE } from "../../src/model/close-code.ts";
import type { Hello } from "../../src/model/frame.ts";
import { Registry } from "../../src/session/registry.ts";
import type { ServerSession } from "../../src/session/server-session.ts";
import { createTokens, drain, options, welcomeOf } from "./machines.ts";

function createHello(changes: Partial<Hello> = {}): Hello {
  return {
    version: 1,
    attempt: "attempt1",
    generation: 1,
    received: 0,
    credit: [9, 999],
    join: [],
    ...changes,
  };
}

const createRegistry = (epoch?: string): Registry<string> => new Registry(options, createTokens(epoch));

/** A session that was confirmed, and the hello that resumes it. */
function createOpen(registry: Registry<string>): { session: ServerSession<string>; resume: Hello } {
  const hello = createHello();
  const session = registry.create(hello, 0);
  session.accept("a", hello, "key", undefined, 0);
  const secret = welcomeOf(drain(session))?.secret;
  session.handle({ type: "frame", link: "a", frame: ["o"] }, 0);
  drain(session);
  return { session, resume: createHello({ generation: 2, sid: session.sid, secret }) };
}

describe("one attempt, one session", () => {
  test("a hello that comes again finds what the first made", () => {
    const registry = createRegistry();
    const session = registry.create(createHello(), 0);
    expect(registry.find(createHello())).toBe(session);
    expect(registry.find(createHello({ generation: 2 }))).toBe(session);
    expect(registry.find(createHello({ attempt: "attempt2" }))).toBeUndefined();
    expect(registry.size).toBe(1);
  });

  test("a late copy of a hello is spent once its session was confirmed", () => {
    const registry = createRegistry();
    expect(registry.isSpent(createHello())).toBe(false);
    const { resume } = createOpen(registry);
    expect(registry.isSpent(createHello())).toBe(true);
    expect(registry.isSpent(createHello({ sid: "gone", secret: "x" }))).toBe(true);
    expect(registry.isSpent(resume)).toBe(false);
    expect(registry.isSpent(createHello({ attempt: "attempt2" }))).toBe(false);
  });

  test("two hellos that ask for the same lost session make one between them", () => {
    const lost = createHello({ sid: "epoch0.x.y", secret: "x" });
    const registry = createRegistry();
    const session = registry.create(lost, 0);
    expect(registry.find(lost)).toBe(session);
    expect(registry.lossOf(lost, session)).toBe("server-lost");
  });
});

describe("a resume", () => {
  test("needs the secret", () => {
    const registry = createRegistry();
    const { session, resume } = createOpen(registry);
    expect(registry.find(resume)).toBe(session);
    expect(registry.lossOf(resume, session)).toBeUndefined();
    expect(registry.find({ ...resume, secret: "wrong" })).toBeUndefined();
    expect(registry.find({ ...resume, secret: undefined })).toBeUndefined();
  });

  test("a wrong secret is answered exactly as a session that expired", () => {
    const registry = createRegistry();
    const { session, resume } = createOpen(registry);
    const ask = (): (string | undefined)[] => {
      const hello: Hello = { ...resume, attempt: "thief", secret: "wrong" };
      const other = registry.create(hello, 0);
      const loss = registry.lossOf(hello, other);
      registry.remove(other, "expired");
      return [loss, String(registry.find(hello))];
    };
    const whileThere = ask();
    registry.remove(session, "expired");
    expect(ask()).toEqual(whileThere);
  });
});

describe("how a lost session ended", () => {
  const loss = (registry: Registry<string>, sid: string | undefined): string | undefined => {
    const hello = createHello({ attempt: "later", sid, secret: "x" });
    return registry.lossOf(hello, registry.create(hello, 0));
  };

  test("as it was recorded", () => {
    const registry = createRegistry();
    const { session } = createOpen(registry);
    session.handle({ type: "close", code: BYE }, 0);
    registry.remove(session, "overflow");
    expect(registry.size).toBe(0);
    expect(registry.get(session.sid)).toBeUndefined();
    expect(loss(registry, session.sid)).toBe("overflow");
  });

  test("of another run of the server, or forged: the server lost it", () => {
    const { session } = createOpen(createRegistry("before"));
    const registry = createRegistry("after");
    expect(loss(registry, session.sid)).toBe("server-lost");
    expect(loss(registry, "after.made-up.signature")).toBe("server-lost");
    expect(loss(registry, "")).toBeUndefined();
    expect(loss(registry, undefined)).toBeUndefined();
    for (const sid of [".", "..", "after", "after.", "....."])
      expect(loss(registry, sid)).toBe("server-lost");
  });

  test("the oldest endings are forgotten, so they are bounded", () => {
    const registry = createRegistry();
    const sids = Array.from({ length: 1025 }, (_, index) => {
      const session = registry.create(createHello({ attempt: `attempt${index}` }), 0);
      registry.remove(session, "overflow");
      return session.sid;
    });
    expect(loss(registry, sids[0])).toBe("expired");
    expect(loss(registry, sids[1])).toBe("overflow");
    expect(loss(registry, sids[1024])).toBe("overflow");
  });
});
