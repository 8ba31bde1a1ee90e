// The settings of a Worker on this machine: what the runner knows, then .dev.vars, then the environment.
// They reach wrangler in files that only this user can read, since arguments can be read by everybody.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { ROOT } from "./paths.mjs";
import { StepError } from "./log.mjs";

/** The names that the environment may set; core/src/config.rs says what each means. */
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
  "ALLOWED_ORIGINS",
  "PUBLIC_URL",
  "CLOCK_SPEED",
];

const DEV_VARS = path.join(ROOT, ".dev.vars");

/** An environment without any setting of the Worker, for runs that must not depend on the user's. */
export const withoutSettings = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !SETTINGS.includes(name)));

/** The RunPod endpoint that the user brings, or null: then a gpu-worker on this machine is the endpoint. */
export function givenEndpoint(env = process.env) {
  if (env.RUNPOD_ENDPOINT) return env.RUNPOD_ENDPOINT;
  const line = /^\s*(?:export\s+)?RUNPOD_ENDPOINT\s*=\s*(['"]?)(\S+)\1\s*$/m.exec(readOr(DEV_VARS, ""));
  return line ? line[2] : null;
}

/**
 * Writes the settings below `stateDir` and returns the files for wrangler's `--env-file`, weakest
 * first, with the key that the gpu-worker must ask for. `devVars: false` leaves .dev.vars out.
 */
export function writeSettings({ stateDir, apiUrl, gpuEndpoint, env, devVars }) {
  const keys = keptKeys(stateDir);
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

// Random, and the same on every start: a token handed out before a restart still works after it.
function keptKeys(stateDir) {
  const file = path.join(stateDir, "keys.json");
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    const keys = { SIGNING_KEY: random(), RUNPOD_API_KEY: random() };
    fs.writeFileSync(file, `${JSON.stringify(keys)}\n`, { mode: 0o600 });
    return keys;
  }
}

const random = () => crypto.randomBytes(32).toString("hex");

function write(file, settings) {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${quoted(name, value)}\n`);
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, lines.join(""), { mode: 0o600 });
  return file;
}

// dotenv takes what is between quotes as it is, and afterwards wrangler expands `$NAME` in it.
function quoted(name, value) {
  const quote = ["'", "`", '"'].find((mark) => !value.includes(mark));
  if (!quote || (quote === '"' && value.includes("\\"))) {
    throw new StepError(`handing ${name} to the Worker`, { why: "It contains every kind of quotation mark.", fix: "choose another value." });
  }
  return `${quote}${value.replaceAll("$", "\\$")}${quote}`;
}

function readOr(file, otherwise) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return otherwise;
  }
}
