// `npm run check`: every check of the sources that does not run them.
import { clippyNative, clippyWorker, documentation, formatting, purity } from "./checks.mjs";
import { dependencies } from "./dependencies.mjs";
import { formatDuration, printHeading } from "./log.mjs";
import { main } from "./main.mjs";
import { setUp } from "./setup.mjs";

const CHECKS = [["formatting", formatting], ["purity of the core", purity], ["clippy", clippyNative], ["clippy for the Worker", clippyWorker], ["documentation", documentation], ["dependencies", dependencies]];

await main(async () => {
  const environments = await setUp();
  for (const [name, check] of CHECKS) {
    printHeading(name);
    const start = Date.now();
    await check(environments);
    console.log(`${name}: passed (${formatDuration(Date.now() - start)})`);
  }
});
