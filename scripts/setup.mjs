// Brings what the other scripts need, each thing only when it is missing. `npm run setup` runs it alone.
//
// Invariant: a step is "ready" by what lies on the disk, never by a note that it once ran; so a
// deleted folder, a new branch or a changed toolchain is noticed, and nothing is done twice.
import { fileURLToPath } from "node:url";

import { debianRust } from "./setup/debian-rust.mjs";
import { toolEnvironment } from "./setup/environment.mjs";
import { ffmpeg } from "./setup/ffmpeg.mjs";
import { withLock } from "./setup/lock.mjs";
import { nodeModules } from "./setup/node-modules.mjs";
import { rust } from "./setup/rust.mjs";
import { wasmBindgen, workerBuild } from "./setup/worker-tools.mjs";
import { ownCompilerHasIt } from "./setup/wasm-library.mjs";
import { wasmTarget } from "./setup/wasm-target.mjs";
import { main } from "./main.mjs";
import { dim, say, formatDuration } from "./log.mjs";

const STEPS = [rust, ffmpeg, nodeModules, wasmTarget, wasmBindgen, workerBuild];

/**
 * Makes the checkout ready, with `more` steps for what only some commands need, and returns the environments to run things in:
 * `native` for cargo, wrangler and the tests, `wasm` for whatever compiles the Worker.
 */
export async function setUp(more = []) {
  const steps = [...STEPS, ...more];
  if (steps.some((step) => !step.ready())) {
    await withLock(async () => {
      // Again, since another command may have done it while this one waited.
      for (const step of steps.filter((step) => !step.ready())) {
        say(`${step.name}: ${dim(step.takes)}`);
        const start = Date.now();
        await step.run();
        say(`${step.name}: done in ${formatDuration(Date.now() - start)}`);
      }
    });
  }
  return toolEnvironment(ownCompilerHasIt() ? null : debianRust.environment);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const start = Date.now();
    await setUp();
    say(`Set-up is complete (${formatDuration(Date.now() - start)}).`);
  });
}
