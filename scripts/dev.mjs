// `npm run dev`: the Worker and a gpu-worker on this machine, until Ctrl-C.
import path from "node:path";

import { buildWorker } from "./build-worker.mjs";
import { main } from "./main.mjs";
import { ROOT } from "./paths.mjs";
import { claimPort } from "./ports.mjs";
import { StepError, bold, dim, say, tinted } from "./log.mjs";
import { setUp } from "./setup.mjs";
import { buildPrograms, startStack } from "./stack.mjs";
import { givenEndpoint } from "./worker-settings.mjs";

const PARTS = ["worker", "gpu-worker"];
const WIDTH = Math.max(...PARTS.map((name) => name.length));

await main(async () => {
  const port = await claimPort("PORT", 8787);
  const gpuPort = givenEndpoint() ? null : await claimPort("GPU_PORT", 8788);
  const { native, wasm } = await setUp();
  const programs = await buildPrograms(native);
  await buildWorker(wasm);

  const stack = await startStack({
    port,
    gpuPort,
    stateDir: path.join(ROOT, ".wrangler", "dev"),
    gpuWorker: programs["gpu-worker"],
    environment: wasm,
    log: (part, line) => line.trim() && say(`${tinted(PARTS.indexOf(part), part.padEnd(WIDTH))} ${dim("|")} ${line}`),
  });
  try {
    banner(stack, programs.reel);
    throw new StepError("keeping everything running", { why: await stack.ended, fix: "see its last lines above; the other parts were stopped." });
  } finally {
    await stack.stop();
  }
});

function banner({ apiUrl, gpuUrl }, reel) {
  const program = path.relative(process.cwd(), reel);
  const rows = [
    ["Worker", apiUrl],
    ["GPU endpoint", `${gpuUrl}${givenEndpoint() ? " (yours: no gpu-worker was started)" : ""}`],
    ["health", `curl ${apiUrl}/health`],
    ["an export", `${program} export samples/bigbuckbunny.mp4 --api ${apiUrl} --project 1 --type overlay --params samples/overlay.json --out reel.mp4`],
  ];
  say();
  say(bold("Reel Ballers export API is running. Ctrl-C ends it."));
  for (const [name, value] of rows) say(`  ${name.padEnd(13)} ${value}`);
  if (givenEndpoint() && /127\.0\.0\.1|localhost/.test(process.env.PUBLIC_URL ?? apiUrl)) {
    say(`  note          your GPU endpoint cannot call back to this machine: set PUBLIC_URL to a tunnel's address`);
  }
  say();
}
