// `npm run build`, and the build command in wrangler.toml: compiles the Worker to build/, unless
// build/ is what these very sources make. Fails when the wasm is over its budget.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import zlib from "node:zlib";

import { digest } from "./digest.mjs";
import { main } from "./main.mjs";
import { BUILD, ROOT, TOOLS, TOOLS_BIN } from "./paths.mjs";
import { WASM_BUDGET_BYTES } from "./versions.mjs";
import { run } from "./run.mjs";
import { StepError, dim, say, formatDuration } from "./log.mjs";
import { setUp } from "./setup.mjs";
import { stripNames } from "./strip-names.mjs";

// What decides the content of build/. A native crate does not.
const INPUTS = ["Cargo.toml", "Cargo.lock", "build.rs", "src", "core/Cargo.toml", "core/src", "migrations", "scripts/versions.mjs", "scripts/strip-names.mjs", "package-lock.json"];
const OUTPUTS = ["index.js", "index_bg.wasm"];
const RECORD = path.join(TOOLS, "worker-build.json");

/** Builds the Worker in the given wasm environment when it must be, and checks its size in any case. */
export async function buildWorker(environment) {
  const inputs = digest(INPUTS.map((name) => path.join(ROOT, name)));
  if (upToDate(inputs)) {
    say(dim("Worker: build/ is up to date."));
  } else {
    const start = Date.now();
    say(`Worker: compiling to wasm ${dim("(1 to 2 min the first time, then about 20 s)")}`);
    await run(path.join(TOOLS_BIN, "worker-build"), ["--release"], {
      cwd: ROOT,
      // The compiler's message says it all; where worker-build stood helps nobody.
      env: { ...environment, RUST_BACKTRACE: "0" },
      show: true,
      step: "building the Worker (worker-build --release)",
      fix: "mend the error above; `npm run check` shows the same faults faster.",
    });
    const wasm = path.join(BUILD, "index_bg.wasm");
    fs.writeFileSync(wasm, stripNames(fs.readFileSync(wasm)));
    // The digest from before the build: an edit made meanwhile makes the next run build again.
    fs.writeFileSync(RECORD, `${JSON.stringify({ inputs, outputs: outputs() })}\n`);
    say(`Worker: built in ${formatDuration(Date.now() - start)}`);
  }
  checkSize();
}

function checkSize() {
  const bytes = zlib.gzipSync(fs.readFileSync(path.join(BUILD, "index_bg.wasm")), { level: 9 }).length;
  const kB = (n) => `${(n / 1000).toFixed(1)} kB`;
  if (bytes > WASM_BUDGET_BYTES) {
    throw new StepError("keeping the Worker small", {
      why: `The wasm is ${kB(bytes)} gzipped; the budget is ${kB(WASM_BUDGET_BYTES)}.`,
      fix: "see what grew (`cargo tree -e normal`, `npx wasm-opt --print-function-sizes`), or raise WASM_BUDGET_BYTES in scripts/versions.mjs and say why.",
    });
  }
  say(`Worker: wasm is ${kB(bytes)} gzipped, of ${kB(WASM_BUDGET_BYTES)} allowed`);
}

function upToDate(inputs) {
  // A deployment names its git revision, which no source file changes: it is always built anew.
  const command = process.env.WRANGLER_COMMAND;
  if (command && command !== "dev" && command !== "types") return false;
  if (OUTPUTS.some((name) => !fs.existsSync(path.join(BUILD, name)))) return false;
  try {
    const record = JSON.parse(fs.readFileSync(RECORD, "utf8"));
    return record.inputs === inputs && record.outputs === outputs();
  } catch {
    return false;
  }
}

const outputs = () => digest(OUTPUTS.map((name) => path.join(BUILD, name)));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => buildWorker((await setUp()).wasm));
}
