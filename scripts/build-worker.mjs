// `npm run build`, and the build command in wrangler.toml: compiles the Worker to build/, and puts the pages that it
// serves together in build/site/, each unless it was made from the same sources. Fails when the wasm is larger than
// its budget.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

import { prepareDevVars } from "./dev-vars.mjs";
import { digest } from "./digest.mjs";
import { createLocalDatabase } from "./local-database.mjs";
import { StepError, dim, formatDuration } from "./log.mjs";
import { main } from "./main.mjs";
import { BUILD, ROOT, TOOLS, TOOLS_BIN } from "./paths.mjs";
import { run } from "./run.mjs";
import { setUp } from "./setup.mjs";
import { buildSite } from "./site.mjs";
import { stripNames } from "./strip-names.mjs";

// The size of the wasm, gzipped. It is a budget for what is downloaded, not for the start: see docs/performance.md.
// Webhooks took it from 420,000: it has to come down again.
const WASM_BUDGET_BYTES = 445_000;

// What decides the content of build/. The native crates do not.
const INPUTS = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "core/Cargo.toml", "core/src", "migrations", "scripts/strip-names.mjs", "package-lock.json"];
const ENTRY = "entry.mjs";
const OUTPUTS = ["index.js", "index_bg.wasm", ENTRY];
const RECORD = path.join(TOOLS, "worker-build.json");

/** Builds the Worker in the `wasm` environment and its site if they are out of date, and always checks its size. */
export async function buildWorker(environment) {
  const inputs = digest(INPUTS.map((name) => path.join(ROOT, name)));
  if (isUpToDate(inputs)) {
    console.log(dim("Worker: build/ is up to date."));
  } else {
    const start = Date.now();
    console.log(`Worker: compiling to wasm ${dim("(1 to 2 min the first time, then about 20 s)")}`);
    await run(path.join(TOOLS_BIN, "worker-build"), ["--release"], {
      cwd: ROOT,
      // The compiler's message is enough. A backtrace of worker-build would hide it.
      env: { ...environment, RUST_BACKTRACE: "0" },
      show: true,
      step: "building the Worker (worker-build --release)",
      fix: "fix the error above. `npm run check` finds the same errors faster.",
    });
    const wasm = path.join(BUILD, "index_bg.wasm");
    fs.writeFileSync(wasm, stripNames(fs.readFileSync(wasm)));
    fs.copyFileSync(path.join(ROOT, "src", ENTRY), path.join(BUILD, ENTRY));
    // The digest from before the build: after an edit during the build, the next run builds again.
    fs.writeFileSync(RECORD, `${JSON.stringify({ inputs, outputs: digestOutputs() })}\n`);
    console.log(`Worker: built in ${formatDuration(Date.now() - start)}`);
  }
  checkSize();
  await buildSite(environment);
}

function checkSize() {
  const bytes = zlib.gzipSync(fs.readFileSync(path.join(BUILD, "index_bg.wasm")), { level: 9 }).length;
  const kB = (n) => `${(n / 1000).toFixed(1)} kB`;
  if (bytes > WASM_BUDGET_BYTES) {
    throw new StepError("checking the size of the Worker", {
      why: `The wasm is ${kB(bytes)} gzipped; the budget is ${kB(WASM_BUDGET_BYTES)}.`,
      fix: "find out what grew (`cargo tree -e normal`, `npx wasm-opt --print-function-sizes`), or raise WASM_BUDGET_BYTES in scripts/build-worker.mjs and give the reason.",
    });
  }
  console.log(`Worker: the wasm is ${kB(bytes)} gzipped; the budget is ${kB(WASM_BUDGET_BYTES)}`);
}

function isUpToDate(inputs) {
  // wrangler names its command. A deployment embeds the git revision, which no input changes.
  const command = process.env.WRANGLER_COMMAND;
  if (command && command !== "dev" && command !== "types") return false;
  if (OUTPUTS.some((name) => !fs.existsSync(path.join(BUILD, name)))) return false;
  try {
    const record = JSON.parse(fs.readFileSync(RECORD, "utf8"));
    return record.inputs === inputs && record.outputs === digestOutputs();
  } catch {
    return false;
  }
}

const digestOutputs = () => digest(OUTPUTS.map((name) => path.join(BUILD, name)));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { native, wasm } = await setUp();
    await buildWorker(wasm);
    // What a plain `wrangler dev` needs beside the Worker. It reads both after this command.
    if (process.env.WRANGLER_COMMAND !== "dev") return;
    prepareDevVars();
    await createLocalDatabase(native);
  });
}
