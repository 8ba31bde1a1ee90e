// `npm test`: everything, the quick and the likely to fail first. `npm test -- --quick` leaves out
// the end-to-end tests. The last line counts the tests that really ran.
import { buildWorker } from "./build-worker.mjs";
import { clippyNative, clippyWorker, coreTests, endToEndTests, formatting, nativeTests, purity, scriptTests } from "./checks.mjs";
import { main } from "./main.mjs";
import { StepError, dim, printHeading, say, formatDuration } from "./log.mjs";
import { setUp } from "./setup.mjs";
import { chromium } from "./setup/chromium.mjs";
import { buildPrograms } from "./stack.mjs";

const QUICK = process.argv.includes("--quick");
const unknown = process.argv.slice(2).find((argument) => argument !== "--quick");

const STEPS = [
  ["formatting", formatting],
  ["core tests", coreTests],
  ["the core is pure", purity],
  ["script tests", scriptTests],
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
  if (unknown) throw new StepError("reading the arguments", { why: `"${unknown}" is unknown.`, fix: "npm test, or npm test -- --quick" });
  const begin = Date.now();
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
      say(dim(`${name}: ${formatDuration(Date.now() - start)}`));
    }
  } catch (error) {
    // A step that fails without a failing test (clippy, a build) is one failure.
    total.failed = Math.max(total.failed, 1);
    throw error;
  } finally {
    printHeading(`${QUICK ? "quick run, without end-to-end tests" : "all"}: ${formatDuration(Date.now() - begin)}`);
    for (const [name, ms] of times) say(`  ${name.padEnd(28)} ${formatDuration(ms)}`);
    say(`${total.passed} passed, ${total.failed} failed`);
  }
});
