// `npm run check`: everything that a machine can say about the sources without running them.
import { clippyNative, clippyWorker, docs, formatting, purity } from "./checks.mjs";
import { main } from "./main.mjs";
import { printHeading, say, formatDuration } from "./log.mjs";
import { setUp } from "./setup.mjs";

const CHECKS = [["formatting", formatting], ["the core is pure", purity], ["clippy", clippyNative], ["clippy for the Worker", clippyWorker], ["documentation", docs]];

await main(async () => {
  const environments = await setUp();
  for (const [name, check] of CHECKS) {
    printHeading(name);
    const start = Date.now();
    await check(environments);
    say(`${name}: fine (${formatDuration(Date.now() - start)})`);
  }
});
