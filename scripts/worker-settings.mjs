// The settings of a Worker on this machine, weakest first: the defaults of the scripts, .dev.vars, the
// environment. They reach wrangler in files that only this user can read: everybody can read arguments.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { ROOT } from "./paths.mjs";
import { StepError } from "./log.mjs";

/** The settings of the Worker. core/src/config.rs documents them. */
export const SETTINGS = [
  "ENVIRONMENT",
  "WORKERS_API_KEY",
  "SIGNING_KEY",
  "RUNPOD_ENDPOINT",
  "RUNPOD_API_KEY",
  "R2_ENDPOINT",
  "R2_ACCESS_KEY_ID",
  "R2_SECRET_ACCESS_KEY",
  "R2_BUCKET_NAME",
  "R2_REFUSE_COPIES",
  "ALLOWED_ORIGINS",
  "PUBLIC_URL",
  "CLOCK_SPEED",
];

const DEV_VARS = path.join(ROOT, ".dev.vars");

/** An environment without any setting of the Worker, for runs that must not depend on those of the user. */
export const withoutSettings = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !SETTINGS.includes(name)));

/** The RunPod endpoint that the user has set, or null. Without one, a gpu-worker on this machine serves. */
export function givenEndpoint(env = process.env) {
  if (env.RUNPOD_ENDPOINT) return env.RUNPOD_ENDPOINT;
  const line = /^\s*(?:export\s+)?RUNPOD_ENDPOINT\s*=\s*(['"]?)(\S+)\1\s*$/m.exec(fs.existsSync(DEV_VARS) ? fs.readFileSync(DEV_VARS, "utf8") : "");
  return line ? line[2] : null;
}

/**
 * Writes the settings to `stateDir`. Returns `{ files, runpodKey }`: the files for `--env-file` of
 * wrangler, weakest first, and the key that the gpu-worker must require. `devVars: false` leaves .dev.vars out.
 */
export function writeSettings({ stateDir, apiUrl, gpuEndpoint, env, devVars }) {
  const keys = localKeys(stateDir);
  const defaults = {
    PUBLIC_URL: apiUrl,
    R2_ENDPOINT: `${apiUrl}/cdn-cgi/local/r2/s3`,
    SIGNING_KEY: keys.SIGNING_KEY,
    ...(gpuEndpoint ? { RUNPOD_ENDPOINT: gpuEndpoint, RUNPOD_API_KEY: keys.RUNPOD_API_KEY } : {}),
  };
  const given = Object.fromEntries(SETTINGS.filter((name) => env[name]).map((name) => [name, env[name]]));
  const files = [
    write(path.join(stateDir, "defaults.env"), defaults),
    ...(devVars && fs.existsSync(DEV_VARS) ? [DEV_VARS] : []),
    write(path.join(stateDir, "given.env"), given),
  ];
  return { files, runpodKey: given.RUNPOD_API_KEY ?? keys.RUNPOD_API_KEY };
}

// Random keys, the same on every start: a token from before a restart is still valid after it.
function localKeys(stateDir) {
  const file = path.join(stateDir, "keys.json");
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    const keys = { SIGNING_KEY: randomKey(), RUNPOD_API_KEY: randomKey() };
    fs.writeFileSync(file, `${JSON.stringify(keys)}\n`, { mode: 0o600 });
    return keys;
  }
}

const randomKey = () => crypto.randomBytes(32).toString("hex");

function write(file, settings) {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quoted(name, value)}\n`);
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, lines.join(""), { mode: 0o600 });
  return file;
}

// dotenv does not change what is between quotation marks, but wrangler then expands `$NAME` in it.
function quoted(name, value) {
  const quote = ["'", "`", '"'].find((mark) => !value.includes(mark));
  if (!quote || (quote === '"' && value.includes("\\"))) {
    throw new StepError(`passing ${name} to the Worker`, { why: "Its value contains every kind of quotation mark.", fix: "choose another value." });
  }
  return `${quote}${value.replaceAll("$", "\\$")}${quote}`;
}
