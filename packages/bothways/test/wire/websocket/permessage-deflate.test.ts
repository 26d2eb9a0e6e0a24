/** Offers and answers of RFC 7692 §7.1, both sides, against tables and against each other. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkUpgradeResponse } from "../../../src/wire/websocket/client-handshake.ts";
import { formatExtensions, parseExtensions } from "../../../src/wire/websocket/extensions.ts";
import {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateParameters,
  defaultDeflate,
  offerDeflate,
} from "../../../src/wire/websocket/permessage-deflate.ts";

/** With context takeover allowed everywhere: what an answer then says was forced by the offer. */
const lenient: DeflateParameters = {
  ...defaultDeflate,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
};

const pd = "permessage-deflate";

function accept(header: string, wish: Partial<DeflateParameters> = {}): string | undefined {
  const accepted = acceptDeflate(parseExtensions(header) ?? [], { ...lenient, ...wish });
  return accepted && formatExtensions([accepted.answer]);
}

function check(header: string, wish: Partial<DeflateParameters> = {}) {
  return checkDeflateAnswer(parseExtensions(header) ?? [], { ...lenient, ...wish });
}

const badBits = [
  "",
  "=7",
  "=16",
  "=0",
  "=08",
  "=015",
  "=+9",
  "=9.0",
  "=1e1",
  "=-9",
  "=0x9",
  "=99999999999",
  "=true",
];
const badValues = [
  ...badBits.map((value) => `server_max_window_bits${value}`),
  ...badBits.slice(1).map((value) => `client_max_window_bits${value}`),
  ...["server_no_context_takeover=1", "client_no_context_takeover=true", 'server_no_context_takeover="x"'],
];

const names = [
  ["server_no_context_takeover", ""],
  ["client_no_context_takeover", ""],
  ["server_max_window_bits", "=10"],
  ["client_max_window_bits", ""],
] as const;

describe("the server", () => {
  test.each<[string, Partial<DeflateParameters>, string]>([
    [pd, {}, pd],
    [`${pd}; client_max_window_bits`, {}, pd],
    [`${pd}; client_max_window_bits=12`, {}, `${pd}; client_max_window_bits=12`],
    [`${pd}; client_max_window_bits`, { clientMaxWindowBits: 9 }, `${pd}; client_max_window_bits=9`],
    [`${pd}; client_max_window_bits=12`, { clientMaxWindowBits: 14 }, `${pd}; client_max_window_bits=12`],
    [`${pd}; client_max_window_bits="10"`, { clientMaxWindowBits: 14 }, `${pd}; client_max_window_bits=10`],
    [`${pd}; client_no_context_takeover`, {}, `${pd}; client_no_context_takeover`],
  ])("RFC7692-7.1.2.2-2 takes %s with %j: %s", (offer, wish, answer) => {
    expect(accept(offer, wish)).toBe(answer);
  });

  test.each<[string, Partial<DeflateParameters>, string]>([
    [`${pd}; server_no_context_takeover`, {}, `${pd}; server_no_context_takeover`],
    [pd, { serverNoContextTakeover: true }, `${pd}; server_no_context_takeover`],
    [pd, { clientNoContextTakeover: true }, `${pd}; client_no_context_takeover`],
  ])("RFC7692-7.1.1.1-2..4 RFC7692-7.1.1.2-3 takes %s with %j: %s", (offer, wish, answer) => {
    expect(accept(offer, wish)).toBe(answer);
  });

  test.each<[string, Partial<DeflateParameters>, string]>([
    [`${pd}; server_max_window_bits=15`, {}, `${pd}; server_max_window_bits=15`],
    [`${pd}; server_max_window_bits=10`, {}, `${pd}; server_max_window_bits=10`],
    [`${pd}; server_max_window_bits=10`, { serverMaxWindowBits: 9 }, `${pd}; server_max_window_bits=9`],
    [`${pd}; server_max_window_bits=8`, { serverMaxWindowBits: 9 }, `${pd}; server_max_window_bits=8`],
    [pd, { serverMaxWindowBits: 9 }, `${pd}; server_max_window_bits=9`],
  ])("RFC7692-7.1.2.1-2..3 takes %s with %j: %s", (offer, wish, answer) => {
    expect(accept(offer, wish)).toBe(answer);
  });

  test.each([
    [`x-other, ${pd}`, pd],
    [`${pd}; unknown, ${pd}; server_max_window_bits=9, ${pd}`, `${pd}; server_max_window_bits=9`],
    [`${pd}; server_max_window_bits=9, ${pd}`, `${pd}; server_max_window_bits=9`],
    [`permessage-foo; a=1, ${pd}; client_no_context_takeover, x`, `${pd}; client_no_context_takeover`],
  ])(
    "RFC6455-4.2.2-8..9 RFC6455-9-1 RFC6455-9.1-3 RFC7692-5-1 RFC7692-5-3 RFC7692-5-5 of %s takes the first it can, and no other",
    (offers, answer) => {
      expect(accept(offers)).toBe(answer);
    },
  );

  test.each([
    ...["unknown", "unknown=1", "Server_No_Context_Takeover", "__proto__", "constructor", "window_bits=10"],
  ])("RFC6455-9-2 RFC6455-9.1-4 RFC7692-7-1 declines the unknown %s", (parameter) => {
    expect(accept(`${pd}; ${parameter}`)).toBeUndefined();
  });

  test.each(badValues)(
    "RFC7692-7-2 RFC7692-7.1.1.1-1 RFC7692-7.1.1.2-1 RFC7692-7.1.2.1-1 RFC7692-7.1.2.2-1 declines the value of %s",
    (parameter) => {
      expect(accept(`${pd}; ${parameter}`)).toBeUndefined();
    },
  );

  test.each(names)("RFC7692-7-3 declines %s twice", (name, value) => {
    expect(accept(`${pd}; ${name}${value}; ${name}${value}`)).toBeUndefined();
  });

  test("RFC7692-7-4 RFC7692-7.1.2.2-3 declines an offer it cannot limit as it must", () => {
    expect(accept(pd, { clientMaxWindowBits: 14 })).toBeUndefined();
    expect(accept(`${pd}, ${pd}; client_max_window_bits`, { clientMaxWindowBits: 14 })).toBe(
      `${pd}; client_max_window_bits=14`,
    );
  });

  test("RFC7692-5-6 declines where there is nothing for it", () => {
    expect(acceptDeflate([], lenient)).toBeUndefined();
    expect(accept("permessage-bzip2, x")).toBeUndefined();
  });

  test("RFC7692-5-1 RFC7692-7.1.1.1-4 by default nothing is kept from message to message", () => {
    const accepted = acceptDeflate(parseExtensions(`${pd}; client_max_window_bits`) ?? [], defaultDeflate);
    expect(accepted?.agreed).toEqual(defaultDeflate);
    expect(accepted && formatExtensions([accepted.answer])).toBe(
      `${pd}; server_no_context_takeover; client_no_context_takeover`,
    );
  });
});

describe("the client", () => {
  test("offers", () => {
    expect(formatExtensions([offerDeflate(lenient)])).toBe(`${pd}; client_max_window_bits`);
    expect(formatExtensions([offerDeflate(defaultDeflate)])).toBe(
      `${pd}; server_no_context_takeover; client_no_context_takeover; client_max_window_bits`,
    );
    const narrow = { ...lenient, serverMaxWindowBits: 10, clientMaxWindowBits: 9 };
    expect(formatExtensions([offerDeflate(narrow)])).toBe(
      `${pd}; server_max_window_bits=10; client_max_window_bits=9`,
    );
  });

  test.each<[string, Partial<DeflateParameters>, Partial<DeflateParameters>]>([
    [pd, {}, {}],
    [`${pd}; client_no_context_takeover`, {}, { clientNoContextTakeover: true }],
    [`${pd}; server_no_context_takeover`, {}, { serverNoContextTakeover: true }],
    [`${pd}; server_max_window_bits=8`, {}, { serverMaxWindowBits: 8 }],
    [`${pd}; server_max_window_bits=15`, {}, {}],
    [`${pd}; client_max_window_bits=8`, {}, { clientMaxWindowBits: 8 }],
    [`${pd}; client_max_window_bits=10`, { clientMaxWindowBits: 12 }, { clientMaxWindowBits: 10 }],
    [pd, { clientNoContextTakeover: true }, { clientNoContextTakeover: true }],
    [pd, { clientMaxWindowBits: 12 }, { clientMaxWindowBits: 12 }],
  ])("RFC7692-7.1.1.2-2 takes %s with %j", (answer, wish, agreed) => {
    expect(check(answer, wish)).toEqual({ ...lenient, ...agreed });
  });

  test("is content where the server declines", () => {
    expect(checkDeflateAnswer([], lenient)).toBeUndefined();
  });

  test.each(["unknown", "__proto__=1", "x=1"])(
    "RFC7692-7-5 RFC6455-9.1-4 fails on the unknown %s",
    (parameter) => {
      expect(check(`${pd}; ${parameter}`)).toBeTypeOf("string");
    },
  );

  test.each([...badValues, "client_max_window_bits"])(
    "RFC7692-7-6 RFC7692-7.1.2.2-2 fails on the value of %s",
    (parameter) => {
      expect(check(`${pd}; ${parameter}`)).toBeTypeOf("string");
    },
  );

  test.each(names)("RFC7692-7-7 fails on %s twice", (name) => {
    const value = name.endsWith("bits") ? "=10" : "";
    expect(check(`${pd}; ${name}${value}; ${name}${value}`)).toBeTypeOf("string");
  });

  test.each<[string, Partial<DeflateParameters>]>([
    [pd, { serverNoContextTakeover: true }],
    [pd, { serverMaxWindowBits: 10 }],
    [`${pd}; server_max_window_bits=11`, { serverMaxWindowBits: 10 }],
    [`${pd}; client_max_window_bits=13`, { clientMaxWindowBits: 12 }],
  ])("RFC7692-7-8 fails on %s where it asked for %j", (answer, wish) => {
    expect(check(answer, wish)).toBeTypeOf("string");
  });

  test.each(["x-webkit-deflate-frame", `${pd}, ${pd}`, `${pd}, x-other`, `x-other, ${pd}`])(
    "RFC7692-5-2 RFC7692-5-4 RFC7692-5.1-1 RFC6455-9.1-5 fails on %s, which it did not offer",
    (answer) => {
      expect(check(answer)).toBeTypeOf("string");
    },
  );

  test("RFC6455-5.8-1 RFC6455-9.1-1 RFC6455-9.1-5 what the handshake makes of the answer", () => {
    const base = { upgrade: ["websocket"], connection: ["Upgrade"], "sec-websocket-accept": ["x"] };
    const judge = (lines: string[] | undefined, deflate?: DeflateParameters) =>
      checkUpgradeResponse(
        { status: 101, headers: { ...base, "sec-websocket-extensions": lines } },
        { accept: "x", protocols: [], deflate },
      );
    expect(judge([pd], lenient)).toEqual({ ok: true, protocol: undefined, deflate: lenient });
    expect(judge(undefined, lenient)).toEqual({ ok: true, protocol: undefined, deflate: undefined });
    expect(judge([pd])).toMatchObject({ ok: false, detail: "an extension was not asked for" });
    expect(judge([pd, "x"], lenient)).toMatchObject({
      ok: false,
      detail: "an extension was not asked for",
    });
    expect(judge([`${pd};`], lenient)).toMatchObject({
      ok: false,
      detail: expect.stringContaining("malformed"),
    });
    expect(judge([""], lenient)).toMatchObject({ ok: false });
  });
});

describe("both", () => {
  test("RFC7692-7.2.2-6..7 what the client hints at counts where the answer says so, and only there", () => {
    const hints = [
      "",
      "; client_no_context_takeover",
      "; client_max_window_bits=9",
      "; client_max_window_bits",
    ];
    const wishes = [lenient, defaultDeflate, { ...lenient, clientMaxWindowBits: 12 }];
    let count = 0;
    for (const first of hints)
      for (const second of hints)
        for (const wish of wishes) {
          if (first === second) continue;
          const accepted = acceptDeflate(parseExtensions(`${pd}${first}${second}`) ?? [], wish);
          if (accepted === undefined) continue;
          const said = new Map(accepted.answer.parameters);
          expect(accepted.agreed.clientNoContextTakeover).toBe(said.has("client_no_context_takeover"));
          expect(accepted.agreed.clientMaxWindowBits).toBe(Number(said.get("client_max_window_bits") ?? 15));
          count++;
        }
    expect(count).toBeGreaterThan(10);
  });

  const bits = fc.integer({ min: 8, max: 15 });
  const wish = fc.record({
    serverNoContextTakeover: fc.boolean(),
    clientNoContextTakeover: fc.boolean(),
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
  });

  test("RFC6455-5.8-1 whatever each wants, they agree on the same, and on no more than either wants", () => {
    fc.assert(
      fc.property(wish, wish, (client, server) => {
        const offer = parseExtensions(formatExtensions([offerDeflate(client)])) ?? [];
        const accepted = acceptDeflate(offer, server);
        if (accepted === undefined) throw new Error("declined");
        const answer = parseExtensions(formatExtensions([accepted.answer])) ?? [];
        const { agreed } = accepted;
        expect(checkDeflateAnswer(answer, client)).toEqual(agreed);
        for (const key of ["serverNoContextTakeover", "clientNoContextTakeover"] as const)
          expect(agreed[key]).toBe(client[key] || server[key]);
        for (const key of ["serverMaxWindowBits", "clientMaxWindowBits"] as const)
          expect(agreed[key]).toBe(Math.min(client[key], server[key]));
      }),
      { numRuns: 500 },
    );
  });

  const part = fc.constantFrom(
    ...["server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits"],
    ...["client_max_window_bits", "x", "__proto__"],
  );
  const value = fc.constantFrom(undefined, "", "8", "10", "15", "16", "010", "x");

  test("any offer and any answer is taken or refused, and what is taken lies within the wish", () => {
    const extension = fc.record({
      name: fc.constantFrom(pd, "x"),
      parameters: fc.array(fc.tuple(part, value), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.array(extension, { maxLength: 3 }), wish, (extensions, own) => {
        const accepted = acceptDeflate(extensions, own);
        const checked = checkDeflateAnswer(extensions, own);
        for (const agreed of [accepted?.agreed, checked]) {
          if (typeof agreed !== "object") continue;
          expect(agreed.serverMaxWindowBits).toBeLessThanOrEqual(own.serverMaxWindowBits);
          expect(agreed.clientMaxWindowBits).toBeLessThanOrEqual(own.clientMaxWindowBits);
          expect(agreed.serverNoContextTakeover || !own.serverNoContextTakeover).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
