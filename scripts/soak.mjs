// `npm run soak`: many jobs in flight, the Worker killed at random, faults at random; minutes long, so
// no part of `npm test`. JOBS, KILLS and SEED change it; it fails when any figure is wrong.
import { buildWorker } from "./build-worker.mjs";
import { soak } from "./checks.mjs";
import { main } from "./main.mjs";
import { setUp } from "./setup.mjs";
import { buildPrograms } from "./stack.mjs";

await main(async () => {
  const environments = await setUp();
  await buildWorker(environments.wasm);
  await buildPrograms(environments.native);
  await soak(environments);
});
