// worker-build and the wasm-bindgen command line, at the versions that fit Cargo.lock, in .tools/bin.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { TOOLS, TOOLS_BIN } from "../paths.mjs";
import { WASM_BINDGEN, WORKER_BUILD } from "../versions.mjs";
import { capture, run } from "../run.mjs";
import { dim, say } from "../log.mjs";

export const workerBuild = {
  name: `worker-build ${WORKER_BUILD}`,
  takes: "cargo install; 2 to 4 min",
  ready: () => version("worker-build") === WORKER_BUILD,
  run: () => cargoInstall("worker-build", WORKER_BUILD),
};

export const wasmBindgen = {
  name: `wasm-bindgen ${WASM_BINDGEN}`,
  takes: "a prebuilt release, else cargo install; a few formatDuration, else 2 to 4 min",
  ready: () => version("wasm-bindgen") === `wasm-bindgen ${WASM_BINDGEN}`,
  async run() {
    const reason = await prebuilt();
    if (reason === null) return;
    say(dim(`  no prebuilt release (${reason}): compiling it`));
    await cargoInstall("wasm-bindgen-cli", WASM_BINDGEN);
  },
};

const version = (bin) => {
  const file = path.join(TOOLS_BIN, bin);
  return fs.existsSync(file) ? capture(file, ["--version"]) : null;
};

// Both are built in one folder, since they share most of their dependencies, and without
// optimisation or debug information: they run for a second, and compile for minutes.
const CARGO_TARGET = path.join(TOOLS, "cargo-target");

async function cargoInstall(crate, wanted) {
  await run("cargo", ["install", crate, "--version", wanted, "--locked", "--debug", "--force", "--root", TOOLS], {
    cwd: TOOLS,
    env: { ...process.env, CARGO_TARGET_DIR: CARGO_TARGET, CARGO_PROFILE_DEV_DEBUG: "0" },
    step: `cargo install ${crate} ${wanted}`,
    fix: "check that cargo can reach crates.io, then run the same command again: it goes on where it stopped.",
  });
  if (workerBuild.ready() && wasmBindgen.ready()) fs.rmSync(CARGO_TARGET, { recursive: true, force: true });
}

const TRIPLES = {
  "linux x64": "x86_64-unknown-linux-musl",
  "linux arm64": "aarch64-unknown-linux-musl",
  "darwin x64": "x86_64-apple-darwin",
  "darwin arm64": "aarch64-apple-darwin",
};
const CONNECT_AND_FETCH_MS = 30_000;

/** Puts the project's own release into .tools/bin. Returns null, or in a few words why there is none. */
async function prebuilt() {
  const triple = TRIPLES[`${os.platform()} ${os.arch()}`];
  if (!triple) return `none for ${os.platform()} ${os.arch()}`;
  const folder = `wasm-bindgen-${WASM_BINDGEN}-${triple}`;
  const url = `https://github.com/wasm-bindgen/wasm-bindgen/releases/download/${WASM_BINDGEN}/${folder}.tar.gz`;
  const scratch = fs.mkdtempSync(path.join(TOOLS, "download-"));
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(CONNECT_AND_FETCH_MS) });
    if (!answer.ok) return `the download answered ${answer.status}`;
    const archive = path.join(scratch, "release.tar.gz");
    fs.writeFileSync(archive, Buffer.from(await answer.arrayBuffer()));
    if (capture("tar", ["-xzf", archive, "-C", scratch]) === null) return "the archive cannot be unpacked";
    const unpacked = path.join(scratch, folder, "wasm-bindgen");
    if (capture(unpacked, ["--version"]) !== `wasm-bindgen ${WASM_BINDGEN}`) return "it does not run here";
    fs.mkdirSync(TOOLS_BIN, { recursive: true });
    fs.renameSync(unpacked, path.join(TOOLS_BIN, "wasm-bindgen"));
    return null;
  } catch (error) {
    return error.name === "TimeoutError" ? "the download took too long" : "it cannot be reached";
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}
