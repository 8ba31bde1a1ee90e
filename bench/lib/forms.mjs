// The Workers that are measured: all bundled the same way, each run by a workerd of its own with a socket that leads
// straight to it.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";

import { build as esbuild } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

import { ROOT } from "../../scripts/paths.mjs";
import { freePort } from "../../scripts/ports.mjs";
import { workerds } from "./processes.mjs";

const BENCH = path.join(ROOT, "bench");
const CONFIG = fs.readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
const setting = (name) => new RegExp(`^${name} = "(.*)"`, "m").exec(CONFIG)[1];

// In memory where that is to be had: syncing a disk is not the Worker's CPU, and it waits for whatever else the machine writes.
const STATE = fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();

export const API_KEY = "bench-key-0123456789abcdef0123456789abcdef";
export const COMPATIBILITY_DATE = setting("compatibility_date");

/** What can be measured: where its bundle begins, and what it has beside. */
const FORMS = {
  ours: { entry: path.join(ROOT, setting("main")), api: true, database: true, uploads: true },
  peer: { entry: path.join(BENCH, "peer/index.ts"), api: true, database: true },
  constant: { entry: path.join(BENCH, "floor/constant.mjs") },
  echo: { entry: path.join(BENCH, "floor/echo.mjs"), bindings: { durableObjects: { ECHO: { className: "Echo", useSQLite: true } } } },
  audit: { entry: path.join(BENCH, "floor/audit.mjs"), database: true },
};

/** The modules of a form: one script, and the wasm that it imports. `build` is another folder for that of ours. */
export async function bundle(name, build) {
  const wasm = new Map();
  const resolving = {
    name: "build-and-wasm",
    setup({ onResolve }) {
      if (build) onResolve({ filter: /(^|\/)build\/index\.js$/ }, () => ({ path: path.join(build, "index.js") }));
      onResolve({ filter: /\.wasm(\?.*)?$/ }, ({ path: file, resolveDir }) => {
        const source = path.join(resolveDir, file.replace(/\?.*/, ""));
        wasm.set(path.basename(source), source);
        return { path: `./${path.basename(source)}`, external: true };
      });
    },
  };
  const { outputFiles } = await esbuild({
    entryPoints: [FORMS[name].entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    minify: true,
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [resolving],
    logLevel: "error",
  });
  return [
    { type: "ESModule", path: path.join(ROOT, "index.js"), contents: outputFiles[0].text },
    ...[...wasm].map(([file, source]) => ({ type: "CompiledWasm", path: path.join(ROOT, file), contents: fs.readFileSync(source) })),
  ];
}

/** Bytes of each kind of module, gzipped. */
export function gzippedBytes(modules) {
  const size = (type) => modules.filter((module) => module.type === type).reduce((sum, module) => sum + zlib.gzipSync(module.contents, { level: 9 }).length, 0);
  return { script: size("ESModule"), wasm: size("CompiledWasm") };
}

function options(name, { modules, runpod, port }) {
  const { api, uploads, database, bindings } = FORMS[name];
  const worker = { name: "api", modules, modulesRoot: ROOT, compatibilityDate: COMPATIBILITY_DATE, unsafeDirectSockets: [{ host: "127.0.0.1", port }] };
  const storage = database ? { d1Databases: { DB: "reel-ballers" } } : {};
  if (!api) return { ...worker, ...storage, ...bindings };
  return {
    ...worker,
    ...storage,
    bindings: {
      ENVIRONMENT: "bench",
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      WORKERS_API_KEY: API_KEY,
      SIGNING_KEY: "bench-signing-key-0123456789abcdef0123456789abcdef",
      ID_KEY: "bench-id-key-0123456789abcdef0123456789abcdef",
      RUNPOD_ENDPOINT: runpod.endpoint,
      RUNPOD_API_KEY: "bench-runpod-key",
      R2_ENDPOINT: "https://account.r2.cloudflarestorage.com",
      R2_BUCKET_NAME: "reel-ballers-videos",
      R2_ACCESS_KEY_ID: "bench-access-key",
      R2_SECRET_ACCESS_KEY: "bench-secret-key",
      LIMIT_SERVICE_REQUESTS_PER_MINUTE: "1000000000",
    },
    durableObjects: {
      EXPORT_JOB: { className: "ExportJob", useSQLite: true },
      ...(uploads ? { UPLOAD: { className: "Upload", useSQLite: true } } : {}),
    },
    r2Buckets: { VIDEOS: "reel-ballers-videos" },
  };
}

/** Starts a form and waits until it listens. `stop()` ends its workerd and removes its state. */
export async function startForm(name, { modules, runpod }) {
  const port = await freePort();
  const state = fs.mkdtempSync(path.join(STATE, "reel-bench-"));
  const before = new Set(workerds());
  const converted = convertV4MiniflareOptions(options(name, { modules: modules ?? (await bundle(name)), runpod, port }));
  const miniflare = new Miniflare({ ...converted, resourcePersistencePath: state });
  await miniflare.ready;
  const [pid] = workerds().filter((id) => !before.has(id));
  const form = {
    name,
    port,
    pid,
    miniflare,
    async stop() {
      await miniflare.dispose();
      fs.rmSync(state, { recursive: true, force: true });
    },
  };
  if (FORMS[name].database) await createTables(miniflare);
  return form;
}

async function createTables(miniflare) {
  const database = await miniflare.getD1Database("DB");
  const folder = path.join(ROOT, "migrations");
  for (const file of fs.readdirSync(folder).sort()) {
    const sql = fs.readFileSync(path.join(folder, file), "utf8").replace(/--.*$/gm, "");
    // A trigger has semicolons within; what begins a line without END begins a statement.
    const statements = sql.split(/;\s*(?:\n(?=[A-Z])(?!END)|$)/).map((statement) => statement.trim()).filter(Boolean);
    await database.batch(statements.map((statement) => database.prepare(statement)));
  }
}

/** Puts a small object into the bucket of a form. */
export async function putObject(form, key, body = "a video") {
  form.bucket ??= await form.miniflare.getR2Bucket("VIDEOS");
  await form.bucket.put(key, body);
}
