// `npm run demo`: exports a clip twice through the whole system, and draws a picture of the results.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { buildWorker } from "./build-worker.mjs";
import { checkVideo } from "./check-video.mjs";
import { contactSheet } from "./contact-sheet.mjs";
import { bold, dim, formatDuration, printHeading } from "./log.mjs";
import { main } from "./main.mjs";
import { ROOT } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { run } from "./run.mjs";
import { setUp } from "./setup.mjs";
import { buildPrograms, startStack } from "./stack.mjs";
import { withoutSettings } from "./worker-settings.mjs";

const OUT = path.join(ROOT, "out");
const CLIP = path.join(ROOT, "samples", "bigbuckbunny.mp4");
const LOG = path.join(OUT, "demo.log");
const LOG_TAIL_LINES = 30;

const EXPORTS = [
  {
    type: "overlay",
    what: "a spotlight that follows the rabbit, in a crop that zooms out",
    params: path.join(ROOT, "samples", "overlay.json"),
    out: path.join(OUT, "overlay.mp4"),
    expected: { width: 1080, height: 1920, durationS: 5.28 },
  },
  {
    type: "framing",
    what: "a crop that pans to the rabbit and closes in on its face, the first 5 seconds",
    params: path.join(ROOT, "samples", "framing.json"),
    out: path.join(OUT, "framing.mp4"),
    expected: { width: 1080, height: 1920, durationS: 5.0 },
  },
];

await main(async () => {
  const demoStart = Date.now();
  printHeading("Set-up");
  const { native, wasm } = await setUp();
  const programs = await buildPrograms(native);
  await buildWorker(wasm);

  fs.mkdirSync(OUT, { recursive: true });
  for (const { out } of EXPORTS) fs.rmSync(out, { force: true });
  const stateDir = fs.mkdtempSync(path.join(os.tmpdir(), "reel-demo-"));
  const log = fs.createWriteStream(LOG);
  const tail = [];
  let stack = null;
  try {
    printHeading("Starting the Worker and a gpu-worker");
    const started = Date.now();
    stack = await startStack({
      port: await freePort(),
      gpuPort: await freePort(),
      stateDir,
      workerState: path.join(stateDir, "worker"),
      gpuWorker: programs["gpu-worker"],
      environment: wasm,
      ownSettings: true,
      log(server, line) {
        tail.push(`${server} | ${line}`);
        if (tail.length > LOG_TAIL_LINES) tail.shift();
        log.write(`${server} | ${line}\n`);
      },
    });
    console.log(`Worker ${stack.apiUrl}, GPU endpoint ${stack.gpuUrl} ${dim(`(${formatDuration(Date.now() - started)})`)}`);
    for (const job of EXPORTS) await exportClip(job, stack, programs.reel, native);
    printHeading("Before and after");
    const sheet = await contactSheet(CLIP, EXPORTS.map(({ out, expected }) => ({ result: out, ...expected })), path.join(OUT, "contact-sheet.png"));
    console.log(`Done in ${formatDuration(Date.now() - demoStart)}. Look at:`);
    for (const file of [...EXPORTS.map(({ out }) => out), sheet]) console.log(`  ${bold(path.relative(process.cwd(), file))}`);
    console.log(dim(`  (server logs: ${path.relative(process.cwd(), LOG)})`));
  } catch (error) {
    if (tail.length > 0) console.log([dim("\nThe last lines of the server logs:"), ...tail.map((line) => `  ${line}`)].join("\n"));
    throw error;
  } finally {
    await stack?.stop();
    await new Promise((resolve) => log.end(resolve));
    fs.rmSync(stateDir, { recursive: true, force: true });
  }
});

async function exportClip({ type, what, params, out, expected }, { apiUrl, apiKey }, reel, environment) {
  printHeading(`Export: ${type}`);
  console.log(`${what} ${dim(`(params: ${path.relative(process.cwd(), params)})`)}`);
  const start = Date.now();
  await run(reel, ["export", CLIP, "--type", type, "--params", params, "--project", "1", "--out", out, "--api", apiUrl], {
    cwd: ROOT,
    env: { ...withoutSettings(environment), REEL_API_KEY: apiKey },
    terminal: Boolean(process.stdout.isTTY),
    show: true,
    step: `exporting ${path.basename(out)}`,
    fix: `see the message above, and ${path.relative(process.cwd(), LOG)} for the server logs.`,
  });
  const facts = checkVideo(out, expected);
  console.log(`${path.relative(process.cwd(), out)}: ${facts} ${dim(`(${formatDuration(Date.now() - start)})`)}`);
}
