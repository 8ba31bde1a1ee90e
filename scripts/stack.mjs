// The whole system on one machine: the Worker in workerd (wrangler dev) and a gpu-worker.
import fs from "node:fs";
import path from "node:path";

import { applyMigrations } from "./local-database.mjs";
import { ROOT } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { run } from "./run.mjs";
import { startServer } from "./server.mjs";
import { givenEndpoint, withoutSettings, writeSettings } from "./worker-settings.mjs";
import { wranglerLogFilter } from "./wrangler-log.mjs";

/** Builds the native programs if they are out of date. Returns their paths: `{ reel, "gpu-worker" }`. */
export async function buildPrograms(environment) {
  const programs = {};
  // cargo prints on stderr what it compiles, and nothing when all is up to date.
  await run("cargo", ["build", "-p", "gpu-worker", "-p", "reel-client", "--bins", "--message-format=json-render-diagnostics"], {
    cwd: ROOT,
    env: environment,
    step: "building gpu-worker and reel (cargo build)",
    fix: "fix the error above.",
    show: "stderr",
    onLine(line) {
      const { reason, executable, target } = line.startsWith("{") ? JSON.parse(line) : {};
      if (reason === "compiler-artifact" && executable) programs[target.name] = executable;
    },
  });
  return programs;
}

/**
 * Starts both servers and waits until they answer. `log(server, line)` gets what they print. The Worker
 * keeps its data in `workerState`. With `ownSettings` the settings of the user do not count, neither from the
 * environment nor from .dev.vars.
 *
 * Returns `{ apiUrl, apiKey, gpuUrl, ended, stop }`. `apiKey` is null where the API is open. `ended` resolves with a sentence when a server ends without
 * `stop`. `stop` stops both with all that they started.
 */
export async function startStack({ port, gpuPort, stateDir, workerState, gpuWorker, environment: given, ownSettings = false, log }) {
  fs.mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const environment = ownSettings ? withoutSettings(given) : { ...given };
  const endpoint = ownSettings ? null : givenEndpoint(environment);
  const apiUrl = `http://127.0.0.1:${port}`;
  const gpuUrl = endpoint ? null : `http://127.0.0.1:${gpuPort}/v2/local`;
  const { files, runpodKey, apiKey } = writeSettings({ stateDir, apiUrl, gpuEndpoint: gpuUrl, env: environment, devVars: !ownSettings });
  environment.WRANGLER_LOG_PATH = path.join(stateDir, "logs");
  await applyMigrations({ state: workerState, environment, log: (line) => log("worker", line) });

  const servers = [];
  const stop = () => Promise.all(servers.map((server) => server.stop()));
  try {
    if (gpuUrl) {
      const gpu = startServer("gpu-worker", gpuWorker, ["serve", "--port", String(gpuPort)], { env: { ...environment, RUNPOD_API_KEY: runpodKey }, log });
      servers.push(gpu);
      await gpu.untilPrinted(`gpu-worker listening on ${gpuUrl}`);
    }
    const args = await wranglerDevArgs({ port, workerState, files });
    const worker = startServer("worker", "wrangler", args, { env: environment, log, filter: wranglerLogFilter() });
    servers.push(worker);
    await worker.untilHealthy(`${apiUrl}/health`, environment.WORKERS_API_KEY);
  } catch (error) {
    await stop();
    throw error;
  }
  return { apiUrl, apiKey, gpuUrl: gpuUrl ?? endpoint, ended: Promise.race(servers.map((server) => server.ended)), stop };
}

async function wranglerDevArgs({ port, workerState, files }) {
  return [
    "dev",
    "--ip", "127.0.0.1",
    "--port", String(port),
    "--inspector-port", String(await freePort()),
    "--persist-to", workerState,
    "--show-interactive-dev-session=false",
    "--log-level", "info",
    ...files.flatMap((file) => ["--env-file", file]),
  ];
}
