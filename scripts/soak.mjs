// `npm run soak`: runs many jobs at once, kills the Worker at random moments and injects random faults.
// It takes minutes, so it is not part of `npm test`. JOBS, KILLS and SEED change it.
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
