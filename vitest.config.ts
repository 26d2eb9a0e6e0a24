/**
 * Five suites. `unit`: everything that needs no socket, mirrors src. `socket`: real servers and clients on loopback.
 * `alone`: those of them that measure, so nothing runs beside them. `browser`: real Chromium. `house`: the layers, the
 * documentation and the demos.
 */
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const test = "packages/bothways/test";
const alone = [
  `${test}/chaos/**/*.test.ts`,
  `${test}/hostile/**/*.test.ts`,
  `${test}/socket/{backpressure,choosing,faults,round-trips}.test.ts`,
  `${test}/websocket/soak.test.ts`,
];
const apart = [
  "socket",
  "networks",
  "websocket",
  "advisories",
  "chaos",
  "hostile",
  "browser",
  "house",
  "docs",
];

/** The longest begin first, so that at the end no worker waits for another's. */
const longest = [
  "sim/exhaustive",
  "fuzz/mutation",
  "socket/conversation",
  "socket/http-techniques",
  "socket/stalled-reader",
  "browser/chat",
  "browser/resume",
  "browser/techniques",
];
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return place < 0 ? longest.length : place;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

/** A machine may be slow: waits end when what they wait for has come, so the limit only says when there is no hope. */
const patience = {
  expect: { poll: { timeout: 20_000 } },
  setupFiles: [`${test}/patience.ts`],
};

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // a runaway test ends itself, not the machine
    execArgv: ["--max-old-space-size=1536"],
    coverage: { provider: "v8", include: ["packages/bothways/src/**"], reporter: ["text-summary", "html"] },
    projects: [
      {
        test: {
          ...patience,
          name: "unit",
          include: [`${test}/**/*.test.ts`],
          exclude: apart.map((folder) => `${test}/${folder}/**`),
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...patience,
          name: "house",
          include: [`${test}/house/**/*.test.ts`, `${test}/docs/**/*.test.ts`, "scripts/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...patience,
          name: "socket",
          include: [
            `${test}/{socket,networks,websocket,advisories}/**/*.test.ts`,
            "packages/lab/test/**/*.test.ts",
            "conformance/**/*.test.ts",
          ],
          exclude: ["**/browser/**", "**/node_modules/**", ...alone],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...patience,
          name: "alone",
          include: alone,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...patience,
          name: "browser",
          include: [`${test}/browser/**/*.test.ts`, "packages/lab/test/browser/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
