// The checks and tests of the repository, one function each. check.mjs, test.mjs and soak.mjs run them.
//
// Each takes the environments of `setUp`. The tests also take `count(passed, failed)`, which they call
// with the number of tests that have run.
import fs from "node:fs";
import path from "node:path";

import { StepError } from "./log.mjs";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";
import { WASM_TARGET } from "./setup/toolchain.mjs";

const CORE = "reel-core";
const WORKER = "reel-ballers-api";
const NATIVE = [CORE, "openapi", "reel-client", "reel-media", "gpu-worker", "e2e"];

// The core decides and does nothing else: it has no runtime, clock, randomness, logging or IO.
const FORBIDDEN_IN_CORE = /^(worker|worker-.*|wasm-bindgen.*|js-sys|web-sys|tokio.*|async-.*|futures.*|getrandom|rand|rand_.*|fastrand|reqwest|hyper.*|mio|socket2|log|tracing.*|chrono|instant)$/;

const FIX_WARNINGS = "fix the warnings above.";

export const formatting = ({ native }) =>
  cargo(native, ["fmt", "--all", "--check"], { step: "checking the formatting", fix: "run `cargo fmt --all`." });

export async function purity({ native }) {
  const step = "checking the dependencies of the core";
  const names = new Set();
  await cargo(native, ["tree", "-p", CORE, "-e", "normal", "--target", "all", "--prefix", "none", "--format", "{p}"], {
    show: false,
    step,
    onLine: (line) => line && names.add(line.split(" ")[0]),
  });
  // Without a known dependency in the list, this check would pass whatever the core depends on.
  if (!names.has("serde")) throw new StepError(step, { why: `cargo tree prints: ${[...names].join(", ")}`, fix: "fix this check in scripts/checks.mjs: it does not find the dependencies." });
  const forbidden = [...names].filter((name) => FORBIDDEN_IN_CORE.test(name));
  if (forbidden.length > 0) {
    throw new StepError(step, {
      why: `${CORE} depends on ${forbidden.join(", ")}.`,
      fix: `find out why: \`cargo tree -p ${CORE} -e normal -i ${forbidden[0]}\`. The core takes time, randomness and the results of IO as arguments.`,
    });
  }
  console.log(`${CORE} and its ${names.size - 1} dependencies have no runtime, clock, randomness or IO`);
}

export const clippyNative = ({ native }) =>
  cargo(native, ["clippy", ...packages(NATIVE), "--all-targets", "--", "-D", "warnings"], { step: "clippy", fix: FIX_WARNINGS });

export async function clippyWorker({ native, wasm }) {
  // Debian's Rust has no clippy for wasm, and the clippy of rustup cannot read Debian's library. Where
  // Debian's Rust is used, clippy checks the same sources for the target of this machine.
  const target = wasm === native ? ["--target", WASM_TARGET] : [];
  if (target.length === 0) console.log(`(checked for the target of this machine, since there is no clippy for ${WASM_TARGET})`);
  // worker-build sets this variable, and the macros expand to other code without it.
  const env = { ...native, WASM_BINDGEN_USE_JS_SYS: "1" };
  await cargo(env, ["clippy", "-p", WORKER, ...target, "--", "-D", "warnings"], { step: "clippy for the Worker", fix: FIX_WARNINGS });
}

export const documentation = ({ native }) =>
  cargo({ ...native, RUSTDOCFLAGS: "-D warnings" }, ["doc", "--no-deps", ...packages([CORE, "reel-client"])], { step: "building the documentation", fix: FIX_WARNINGS });

export const coreTests = (environments, count) => cargoTest(environments, [CORE], count);
export const openapiTests = (environments, count) => cargoTest(environments, ["openapi"], count);
export const nativeTests = (environments, count) => cargoTest(environments, ["reel-media", "gpu-worker", "reel-client"], count);
export const endToEndTests = (environments, count) => cargoTest(environments, ["e2e"], count);

/** Writes `openapi.json` and `schemas/` from the code. */
export const writeOpenapi = ({ native }) =>
  cargo(native, ["run", "--quiet", "-p", "openapi"], { step: "writing openapi.json", fix: "the output above names what the tables of openapi/src lack." });

/** Rules of good documents, which `npm run openapi` does not know. */
export const lintOpenapi = ({ native }) =>
  run("redocly", ["lint"], {
    cwd: ROOT,
    env: native,
    step: "the lint of openapi.json (redocly lint)",
    fix: "correct openapi/src, or name the exception with its reason in .redocly.lint-ignore.yaml.",
  });

export const soak = ({ native }) =>
  cargo(native, ["test", "-p", "e2e", "--test", "soak", "--", "--ignored", "--nocapture"], {
    step: "the soak",
    fix: "the figures above show what failed. SEED repeats the faults; the moments of the kills are random.",
  });

/** Feeds every reader with `FUZZ_INPUTS` mutations of valid inputs. */
export const fuzz = ({ native }) => {
  const env = { FUZZ_INPUTS: "10000000", FUZZ_SEED: String(Date.now()), ...native };
  return cargo(env, ["test", "--profile", "fuzz", "-p", CORE, "--test", "fuzz", "--", "--nocapture"], {
    step: "the fuzzer",
    fix: "the output above names the reader and the input. Make a test of it; FUZZ_SEED repeats the run.",
  });
};

/** Renders every kind of film of the corpus, and `MUTATIONS` films with random changes. */
export const films = ({ native }) => {
  const env = { FILMS: "all", MUTATIONS: "1000", MUTATION_SEED: String(Date.now()), ...native };
  return cargo(env, ["test", "-p", "gpu-worker", "--test", "media", "--", "--nocapture"], {
    step: "the films",
    fix: "the output above names each film and what is wrong. FILMS=name repeats one kind, MUTATION_SEED the changes.",
  });
};

export const scriptTests = (environments, count) => nodeTests(environments, ["scripts/tests", "bench/tests"], { step: "the tests of the scripts" }, count);

/** Compiles the TypeScript client and tests it: its parts, the sizes of its bundles, and its package in a fresh project. */
export async function typescriptClient(environments, count) {
  await run("tsc", ["-p", "clients/typescript"], { cwd: ROOT, env: environments.native, step: "compiling the TypeScript client", fix: "fix the errors above." });
  await nodeTests(environments, ["clients/typescript/tests"], { step: "the tests of the TypeScript client" }, count);
}

function nodeTests({ native }, folders, options, count) {
  const files = folders.flatMap((folder) => fs.readdirSync(path.join(ROOT, folder)).map((name) => path.join(folder, name)));
  return run("node", ["--test", "--test-reporter=tap", ...files], {
    cwd: ROOT,
    env: native,
    ...options,
    onLine(line) {
      const [, result, number] = /^# (pass|fail) (\d+)$/.exec(line) ?? [];
      if (result) count(result === "pass" ? Number(number) : 0, result === "fail" ? Number(number) : 0);
      if (/^not ok|^\s+error:/.test(line)) console.log(line);
    },
  });
}

function cargoTest({ native }, names, count) {
  return cargo(native, ["test", "--no-fail-fast", ...packages(names)], {
    step: `the tests of ${names.join(" and ")}`,
    fix: `fix the failed tests above. \`cargo test ${packages(names).join(" ")} NAME\` runs one test.`,
    onLine(line) {
      const [, passed, failed] = /^test result: .*?(\d+) passed; (\d+) failed;/.exec(line) ?? [];
      if (passed !== undefined) count(Number(passed), Number(failed));
    },
  });
}

function cargo(env, args, options) {
  return run("cargo", args, { cwd: ROOT, env, show: true, ...options });
}

function packages(names) {
  return names.flatMap((name) => ["-p", name]);
}
