// The Workers that are measured: all bundled the same way, each run by a workerd of its own with a socket that leads
// straight to it.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";

import { build as esbuild } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

import { BUILD, ROOT } from "../../scripts/paths.mjs";
import { freePort } from "../../scripts/ports.mjs";
import { workerds } from "./processes.mjs";

const BENCH = path.join(ROOT, "bench");
const CONFIG = fs.readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
const setting = (name) => new RegExp(`^${name} = "(.*)"`, "m").exec(CONFIG)[1];

export const API_KEY = "bench-key-0123456789abcdef0123456789abcdef";
export const COMPATIBILITY_DATE = setting("compatibility_date");

/** What can be measured: where its bundle begins, and what it has beside. */
const FORMS = {
  ours: { entry: path.join(ROOT, setting("main")), api: true, uploads: true },
  peer: { entry: path.join(BENCH, "peer/index.ts"), api: true },
  constant: { entry: path.join(BENCH, "floor/constant.mjs") },
  echo: { entry: path.join(BENCH, "floor/echo.mjs"), objects: { ECHO: { className: "Echo", useSQLite: true } } },
};

/** The modules of a form: one script, and the wasm that it imports. `build` is another folder for that of ours. */
export async function bundle(name, build) {
  const { entry } = FORMS[name];
  const entryPoint = name === "ours" && build ? entry.replace(BUILD, build) : entry;
  const wasm = new Map();
  const asModules = {
    name: "wasm-as-modules",
    setup({ onResolve }) {
      onResolve({ filter: /\.wasm(\?.*)?$/ }, ({ path: file, resolveDir }) => {
        const source = path.join(resolveDir, file.replace(/\?.*/, ""));
        wasm.set(path.basename(source), source);
        return { path: `./${path.basename(source)}`, external: true };
      });
    },
  };
  const { outputFiles } = await esbuild({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    minify: true,
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins: [asModules],
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

function options(name, { modules, runpod, port, state }) {
  const { api, uploads, objects } = FORMS[name];
  const worker = { name: "api", modules, modulesRoot: ROOT, compatibilityDate: COMPATIBILITY_DATE, unsafeDirectSockets: [{ host: "127.0.0.1", port }] };
  if (!api) return { ...worker, durableObjects: objects ?? {} };
  return {
    ...worker,
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
    d1Databases: { DB: "reel-ballers" },
    // On disk, as in production and as wrangler has it.
    r2Persist: path.join(state, "r2"),
    d1Persist: path.join(state, "d1"),
    durableObjectsPersist: path.join(state, "do"),
  };
}

/** Starts a form and waits until it listens. `stop()` ends its workerd and removes its state. */
export async function startForm(name, { modules, runpod, migrate = true }) {
  const port = await freePort();
  const state = fs.mkdtempSync(path.join(os.tmpdir(), "reel-bench-"));
  const before = new Set(workerds());
  const miniflare = new Miniflare(convertV4MiniflareOptions(options(name, { modules: modules ?? (await bundle(name)), runpod, port, state })));
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
  if (FORMS[name].api && migrate) await createTables(miniflare);
  return form;
}

async function createTables(miniflare) {
  const database = await miniflare.getD1Database("DB");
  const folder = path.join(ROOT, "migrations");
  for (const file of fs.readdirSync(folder).sort()) {
    const sql = fs.readFileSync(path.join(folder, file), "utf8").replace(/--.*$/gm, "");
    const statements = sql.split(";").map((statement) => statement.trim()).filter(Boolean);
    await database.batch(statements.map((statement) => database.prepare(statement)));
  }
}

/** Puts a small object into the bucket of a form. */
export async function putObject(form, key, body = "a video") {
  form.bucket ??= await form.miniflare.getR2Bucket("VIDEOS");
  await form.bucket.put(key, body);
}
