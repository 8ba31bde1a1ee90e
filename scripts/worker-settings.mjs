// The settings of a Worker on this machine, weakest first: the defaults of the scripts, .dev.vars, the
// environment. They reach wrangler in files that only this user can read: everybody can read arguments.
import fs from "node:fs";
import path from "node:path";

import { randomKey, readDevVars } from "./dev-vars.mjs";
import { StepError } from "./log.mjs";
import { ROOT } from "./paths.mjs";

/** The settings of the Worker. core/src/config.rs documents them. */
export const SETTINGS = [
  "ENVIRONMENT",
  "WORKERS_API_KEY",
  "SIGNING_KEY",
  "ID_KEY",
  "RUNPOD_ENDPOINT",
  "RUNPOD_API_KEY",
  "R2_ENDPOINT",
  "R2_ACCESS_KEY_ID",
  "R2_SECRET_ACCESS_KEY",
  "R2_BUCKET_NAME",
  "R2_REFUSE_COPIES",
  "ALLOWED_ORIGINS",
  "PUBLIC_URL",
  "OPEN_DEVELOPMENT",
  "CLOCK_SPEED",
  "AUTH_JWKS_URL",
  "AUTH_JWT_SECRET",
  "AUTH_ISSUER",
  "AUTH_AUDIENCE",
  "LIMIT_REQUESTS_PER_MINUTE",
  "LIMIT_SERVICE_REQUESTS_PER_MINUTE",
  "LIMIT_REFUSALS_PER_MINUTE",
  "LIMIT_JOBS_IN_FLIGHT",
  "LIMIT_UPLOAD_BYTES_PER_DAY",
  "LIMIT_SOCKETS_PER_JOB",
  "LIMIT_SOCKETS_PER_OWNER",
  "LIMIT_RETRIES_BY_HAND",
  "AUDIT_DAYS",
];

const DEV_VARS = path.join(ROOT, ".dev.vars");

/** An environment without any setting of the Worker, for runs that must not depend on those of the user. */
export const withoutSettings = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !SETTINGS.includes(name)));

/** The RunPod endpoint that the user has set, or null. Without one, a gpu-worker on this machine serves. */
export const givenEndpoint = (env = process.env) => env.RUNPOD_ENDPOINT || readDevVars().RUNPOD_ENDPOINT || null;

/**
 * Writes the settings to `stateDir`. Returns `{ files, runpodKey, apiKey }`: the files for `--env-file` of
 * wrangler, weakest first, the key that the gpu-worker must require, and the key that clients send, or null
 * where the API is open. `devVars: false` leaves .dev.vars out.
 */
export function writeSettings({ stateDir, apiUrl, gpuEndpoint, env, devVars }) {
  const keys = localKeys(stateDir);
  const defaults = {
    PUBLIC_URL: apiUrl,
    R2_ENDPOINT: `${apiUrl}/cdn-cgi/local/r2/s3`,
    WORKERS_API_KEY: keys.WORKERS_API_KEY,
    SIGNING_KEY: keys.SIGNING_KEY,
    ID_KEY: keys.ID_KEY,
    ...(gpuEndpoint ? { RUNPOD_ENDPOINT: gpuEndpoint, RUNPOD_API_KEY: keys.RUNPOD_API_KEY } : {}),
  };
  const given = Object.fromEntries(SETTINGS.filter((name) => env[name]).map((name) => [name, env[name]]));
  const stored = devVars ? readDevVars() : {};
  const files = [
    write(path.join(stateDir, "defaults.env"), defaults),
    ...(devVars && fs.existsSync(DEV_VARS) ? [DEV_VARS] : []),
    write(path.join(stateDir, "given.env"), given),
  ];
  const effective = { ...defaults, ...stored, ...given };
  const open = effective.OPEN_DEVELOPMENT === "true";
  return { files, runpodKey: effective.RUNPOD_API_KEY || keys.RUNPOD_API_KEY, apiKey: open ? null : firstKey(effective.WORKERS_API_KEY) };
}

// The key of `key` or of `name:key,name:key`.
const firstKey = (setting) => setting.split(",")[0].trim().replace(/^[a-z0-9_-]{1,32}:/, "");

// Random keys, the same on every start: a token from before a restart is still valid after it.
function localKeys(stateDir) {
  const file = path.join(stateDir, "keys.json");
  const stored = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : {};
  const keys = Object.fromEntries(["WORKERS_API_KEY", "SIGNING_KEY", "ID_KEY", "RUNPOD_API_KEY"].map((name) => [name, stored[name] ?? randomKey()]));
  fs.writeFileSync(file, `${JSON.stringify(keys)}\n`, { mode: 0o600 });
  return keys;
}

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
