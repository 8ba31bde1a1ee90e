// `npm run dev`: the Worker and a gpu-worker on this machine, until Ctrl-C.
import path from "node:path";

import { buildWorker } from "./build-worker.mjs";
import { prepareDevVars } from "./dev-vars.mjs";
import { DEFAULT_STATE } from "./local-database.mjs";
import { StepError, bold, cyan, dim, magenta } from "./log.mjs";
import { main } from "./main.mjs";
import { ROOT } from "./paths.mjs";
import { claimPort } from "./ports.mjs";
import { setUp } from "./setup.mjs";
import { buildPrograms, startStack } from "./stack.mjs";
import { givenEndpoint } from "./worker-settings.mjs";

// Of equal width, so that the lines of the log are aligned.
const LABELS = { worker: cyan("worker    "), "gpu-worker": magenta("gpu-worker") };

await main(async () => {
  const port = await claimPort("PORT", 8787);
  const gpuPort = givenEndpoint() ? null : await claimPort("GPU_PORT", 8788);
  const { native, wasm } = await setUp();
  const programs = await buildPrograms(native);
  await buildWorker(wasm);
  prepareDevVars();

  const stack = await startStack({
    port,
    gpuPort,
    stateDir: path.join(ROOT, ".wrangler", "dev"),
    // The data of a plain `wrangler dev`: a job that waits there for a GPU endpoint goes on here.
    workerState: DEFAULT_STATE,
    gpuWorker: programs["gpu-worker"],
    environment: wasm,
    log: (server, line) => line.trim() && console.log(`${LABELS[server]} ${dim("|")} ${line}`),
  });
  try {
    printBanner(stack, programs.reel);
    throw new StepError("running the servers", { why: await stack.ended, fix: "see its last lines above. The other server was stopped." });
  } finally {
    await stack.stop();
  }
});

function printBanner({ apiUrl, apiKey, gpuUrl }, reel) {
  const program = path.relative(process.cwd(), reel);
  const rows = [
    ["Worker", apiUrl],
    ["page", apiKey ? `${apiUrl}/#key=${apiKey}` : `${apiUrl}/`],
    ["GPU endpoint", `${gpuUrl}${givenEndpoint() ? " (from your settings; no gpu-worker was started)" : ""}`],
    ["docs", `${apiUrl}/docs`],
    ["health", `curl ${apiUrl}/health`],
    ["API key", keyPlace(apiKey)],
    ["export", `${program} export samples/bigbuckbunny.mp4 --api ${apiUrl} --project 1 --type overlay --params samples/overlay.json --out reel.mp4`],
  ];
  console.log();
  console.log(bold("The Reel Ballers export API is running. Press Ctrl-C to stop."));
  for (const [name, value] of rows) console.log(`  ${name.padEnd(13)} ${value}`);
  if (givenEndpoint() && /127\.0\.0\.1|localhost/.test(process.env.PUBLIC_URL ?? apiUrl)) {
    console.log("  note          your GPU endpoint cannot reach this machine. Set PUBLIC_URL to the address of a tunnel.");
  }
  console.log();
}

function keyPlace(apiKey) {
  if (!apiKey) return "none: OPEN_DEVELOPMENT is set, so every program on this machine may do everything";
  if (process.env.WORKERS_API_KEY) return "the WORKERS_API_KEY of your environment; `reel` reads it there, too";
  return "WORKERS_API_KEY in .dev.vars; `reel` in this checkout reads it by itself";
}
