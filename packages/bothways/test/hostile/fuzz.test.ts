/**
 * Whatever bytes come in on sockets, the server answers or ends that connection and nothing else: CVE-2022-21676,
 * CVE-2022-41940, CVE-2023-31125. An exception that reaches the process fails the run. `FUZZ_SEED` and `FUZZ_CASES` run
 * others than these.
 */
import { expect, test } from "vitest";
import { BothwaysError } from "../../src/model/bothways-error.ts";
import { open } from "../advisories/place.ts";
import { fuzz } from "./fuzz.ts";

const seed = Number(process.env.FUZZ_SEED ?? 1);
const cases = Number(process.env.FUZZ_CASES ?? 3_000);

test(`seed ${seed}, ${cases} conversations`, { timeout: 30_000 + cases * 20 }, async () => {
  const { io, port, errors } = await open();
  const thrown = new Error("the application's own");
  io.of("/other");
  io.on("connection", (socket) => {
    socket.on("throw", () => {
      throw thrown;
    });
    socket.on("disconnect", () => {
      throw thrown;
    });
  });
  const ended = await fuzz({ port, seed, cases, lanes: 24 });
  // how many of them in time depends on the machine
  expect(ended).toBeGreaterThan(0);
  expect(errors).toContain(thrown);
  // what is neither the application's nor a refused event would be a fault of our own
  expect(errors.filter((error) => error !== thrown && !(error instanceof BothwaysError))).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});
