// Every check of the repository, one function each; check.mjs and test.mjs put them in order.
import fs from "node:fs";
import path from "node:path";

import { ROOT } from "./paths.mjs";
import { WASM_TARGET } from "./versions.mjs";
import { run } from "./run.mjs";
import { StepError, say } from "./log.mjs";
import { wranglerNode } from "./setup/node-modules.mjs";

const CORE = "reel-core";
const NATIVE = [CORE, "reel-client", "gpu-worker", "e2e"];
const WORKER = "reel-ballers-api";

// The core decides and never acts: no runtime, no clock, no chance, no log, no IO.
const FORBIDDEN_IN_CORE = /^(worker|worker-.*|wasm-bindgen.*|js-sys|web-sys|tokio.*|async-.*|futures.*|getrandom|rand|rand_.*|fastrand|reqwest|hyper.*|mio|socket2|log|tracing.*|chrono|instant)$/;

const packages = (names) => names.flatMap((name) => ["-p", name]);
const cargo = (env, args, options) => run("cargo", args, { cwd: ROOT, env, show: true, ...options });

export const formatting = ({ native }) =>
  cargo(native, ["fmt", "--all", "--check"], { step: "checking the formatting", fix: "run `cargo fmt --all`." });

export async function purity({ native }) {
  const names = [];
  await cargo(native, ["tree", "-p", CORE, "-e", "normal", "--target", "all", "--prefix", "none", "--format", "{p}"], {
    show: false,
    step: "listing what the core depends on",
    onLine: (line) => names.push(line.split(" ")[0]),
  });
  const dependencies = [...new Set(names)].filter(Boolean);
  if (!dependencies.includes("serde")) throw new StepError("listing what the core depends on", { why: `cargo tree says: ${dependencies.join(", ")}`, fix: "mend this check: it no longer sees the tree." });
  const impure = dependencies.filter((name) => FORBIDDEN_IN_CORE.test(name));
  if (impure.length > 0) {
    throw new StepError("keeping the core pure", {
      why: `${CORE} depends on ${impure.join(", ")}.`,
      fix: `\`cargo tree -p ${CORE} -e normal -i ${impure[0]}\` shows who brings it. Time, chance and IO come into the core as arguments.`,
    });
  }
  say(`${CORE} and its ${dependencies.length - 1} dependencies: no runtime, clock, chance or IO`);
}

export const clippyNative = ({ native }) =>
  cargo(native, ["clippy", ...packages(NATIVE), "--all-targets", "--", "-D", "warnings"], { step: "clippy", fix: "mend the warnings above." });

export async function clippyWorker({ native, wasm }) {
  // Debian's compiler has no clippy for the target, and rustup's cannot read its library: then the
  // same sources are checked for this machine's target.
  const target = wasm === native ? ["--target", WASM_TARGET] : [];
  if (target.length === 0) say(`(checked for this machine's own target: the compiler for ${WASM_TARGET} has no clippy)`);
  // As worker-build sets it, so that the macros expand to what is built.
  const env = { ...native, WASM_BINDGEN_USE_JS_SYS: "1" };
  await cargo(env, ["clippy", "-p", WORKER, ...target, "--", "-D", "warnings"], { step: "clippy for the Worker", fix: "mend the warnings above." });
}

export const docs = ({ native }) =>
  cargo({ ...native, RUSTDOCFLAGS: "-D warnings" }, ["doc", "--no-deps", ...packages([CORE, "reel-client"])], { step: "building the documentation", fix: "mend the warnings above." });

export const coreTests = (environments, count) => cargoTest(environments, [CORE], count);
export const nativeTests = (environments, count) => cargoTest(environments, ["gpu-worker", "reel-client"], count);
export const endToEndTests = (environments, count) => cargoTest(environments, ["e2e"], count);

export const soak = ({ native }) =>
  cargo(native, ["test", "-p", "e2e", "--test", "soak", "--", "--ignored", "--nocapture"], { step: "the soak", fix: "the figures above say which promise broke; SEED repeats the faults, the kills fall at random." });

function cargoTest({ native }, names, count) {
  return cargo(native, ["test", "--no-fail-fast", ...packages(names)], {
    step: `the tests of ${names.join(" and ")}`,
    fix: `\`cargo test ${packages(names).join(" ")} NAME\` runs one test again.`,
    onLine(line) {
      const [, passed, failed] = /^test result: .*?(\d+) passed; (\d+) failed;/.exec(line) ?? [];
      if (passed !== undefined) count(Number(passed), Number(failed));
    },
  });
}

export function scriptTests({ native }, count) {
  const folder = path.join(ROOT, "scripts", "tests");
  const files = fs.readdirSync(folder).map((name) => path.join(folder, name));
  return run(wranglerNode(), ["--test", "--test-reporter=tap", ...files], {
    cwd: ROOT,
    env: native,
    step: "the tests of the scripts",
    onLine(line) {
      const [, what, number] = /^# (pass|fail) (\d+)$/.exec(line) ?? [];
      if (what) count(what === "pass" ? Number(number) : 0, what === "fail" ? Number(number) : 0);
      if (/^not ok|^\s+error:/.test(line)) say(line);
    },
  });
}
