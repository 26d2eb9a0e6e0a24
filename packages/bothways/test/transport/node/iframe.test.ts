/** The form of the technique `iframe`: who may frame it, and whom it talks to. */
import { describe, expect, test } from "vitest";
import { IframeForm } from "../../../src/transport/node/iframe.ts";

const policyOf = (form: IframeForm): string => form.headers["Content-Security-Policy"] ?? "";

describe("the Origin of the hello decides", () => {
  test.each([
    ["https://app.example", "'self' https://app.example", '"https://app.example"'],
    ["http://[::1]:3000", "'self' http://[::1]:3000", '"http://[::1]:3000"'],
    [undefined, "'self'", '"/"'],
    ["null", "'self'", '"/"'],
    ["https://a.example;script-src *", "'self'", '"/"'],
    ["https://a.example, https://b.example", "'self'", '"/"'],
    ["https://*", "'self'", '"/"'],
    ["*", "'self'", '"/"'],
    ["https://a.example\r\nX: y", "'self'", '"/"'],
    ["https://a.example\n", "'self'", '"/"'],
    ["javascript://a", "'self'", '"/"'],
    ['https://a"</script>', "'self'", '"/"'],
  ])("%j", (origin, ancestors, target) => {
    const form = new IframeForm(origin);
    expect(policyOf(form)).toMatch(/^default-src 'none'; script-src 'nonce-[\w-]{22}';/);
    expect(policyOf(form).split("frame-ancestors ")[1]).toBe(ancestors);
    expect(form.prologue).toContain(`parent.postMessage(text,${target})`);
  });
});

test("each stream has a nonce of its own, and its scripts carry it", () => {
  const form = new IframeForm("https://app.example");
  const next = form.next() as IframeForm;
  const nonceOf = (each: IframeForm): string => /'nonce-([\w-]+)'/.exec(policyOf(each))?.[1] ?? "";
  expect(nonceOf(next)).not.toBe(nonceOf(form));
  for (const each of [form, next]) {
    for (const text of [each.prologue, each.wrap(["m"]), each.epilogue])
      expect(text).toContain(`<script nonce="${nonceOf(each)}">`);
  }
  expect(policyOf(next)).toContain("frame-ancestors 'self' https://app.example");
});

test("frames are lines of one text, bytes base64url", () => {
  const block = new IframeForm(undefined).wrap(["n1", 'm2["</script>"]', Uint8Array.of(0x6d, 0xff, 0)]);
  expect(block).toMatch(/>b\("n1\\nm2\[\\"\\u003c\/script\\u003e\\"\]\\nbbf8A"\)<\/script>$/);
});
