// `npm test`: every check and test, the quick ones first. `npm test -- --quick` leaves out the end-to-end
// tests. The last line counts the tests that have run.
import { buildWorker } from "./build-worker.mjs";
import { clippyNative, clippyWorker, coreTests, endToEndTests, formatting, lintOpenapi, nativeTests, openapiTests, purity, scriptTests, typescriptClient } from "./checks.mjs";
import { dependencies } from "./dependencies.mjs";
import { StepError, dim, formatDuration, printHeading } from "./log.mjs";
import { main } from "./main.mjs";
import { setUp } from "./setup.mjs";
import { chromium } from "./setup/system.mjs";
import { buildPrograms } from "./stack.mjs";

const ARGUMENTS = process.argv.slice(2);
const QUICK = ARGUMENTS.includes("--quick");

const STEPS = [
  ["formatting", formatting],
  ["core tests", coreTests],
  ["tests of the API's document", openapiTests],
  ["lint of the API's document", lintOpenapi],
  ["purity of the core", purity],
  ["script tests", scriptTests],
  ["TypeScript client", typescriptClient],
  ["dependencies", dependencies],
  ["clippy", clippyNative],
  ["clippy for the Worker", clippyWorker],
  ["renderer and client tests", nativeTests],
  ["Worker build and size", ({ wasm }) => buildWorker(wasm)],
  ...(QUICK ? [] : [["end-to-end tests", async (environments, count) => {
    await buildPrograms(environments.native);
    await endToEndTests(environments, count);
  }]]),
];

await main(async () => {
  const unknown = ARGUMENTS.find((argument) => argument !== "--quick");
  if (unknown) throw new StepError("reading the arguments", { why: `There is no option "${unknown}".`, fix: "run `npm test` or `npm test -- --quick`." });
  const testStart = Date.now();
  const total = { passed: 0, failed: 0 };
  const times = [];
  try {
    printHeading("set-up");
    const environments = await setUp(QUICK ? [] : [chromium]);
    for (const [name, step] of STEPS) {
      printHeading(name);
      const start = Date.now();
      await step(environments, (passed, failed) => {
        total.passed += passed;
        total.failed += failed;
      });
      times.push([name, Date.now() - start]);
      console.log(dim(`${name}: ${formatDuration(Date.now() - start)}`));
    }
  } catch (error) {
    // A step may fail without a failed test (clippy, a build). That counts as one.
    total.failed = Math.max(total.failed, 1);
    throw error;
  } finally {
    printHeading(`${QUICK ? "quick run, without the end-to-end tests" : "all"}: ${formatDuration(Date.now() - testStart)}`);
    for (const [name, ms] of times) console.log(`  ${name.padEnd(28)} ${formatDuration(ms)}`);
    console.log(`${total.passed} passed, ${total.failed} failed`);
  }
});
