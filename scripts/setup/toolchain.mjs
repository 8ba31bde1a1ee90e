// What builds and runs the Worker: node_modules, the Rust standard library for wasm, wasm-bindgen and
// worker-build. Versions come from the two lock files. What cargo installs goes to .tools, so the
// versions of other projects stay as they are.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { StepError, dim } from "../log.mjs";
import { NODE_BIN, NODE_MODULES, ROOT, TOOLS, TOOLS_BIN } from "../paths.mjs";
import { capture, find, run } from "../run.mjs";
import { aptInstall, runAsRoot } from "./system.mjs";

export const WASM_TARGET = "wasm32-unknown-unknown";

// node_modules: wrangler with a Node that can run it, esbuild and wasm-opt.

export const nodeModules = {
  name: "node_modules",
  description: "npm ci, about 500 MB on disk; 20 s to 2 min",
  ready: () => matchesLockFile() && ["wrangler", "esbuild", "wasm-opt", "tsc"].every((bin) => fs.existsSync(path.join(NODE_BIN, bin))),
  async run() {
    try {
      await npm("ci");
    } catch (error) {
      // Some npm mirrors lack the packages of other platforms. npm then drops them from the lock file, and
      // `npm ci` refuses to go on. `npm install` accepts it; package.json still has exact versions.
      if (!(error instanceof StepError) || !/Missing: .* from lock file/.test(error.why)) throw error;
      await npm("install", "--no-save");
    }
  },
};

function npm(...args) {
  return run("npm", [...args, "--loglevel=error"], {
    cwd: ROOT,
    step: `npm ${args.join(" ")}`,
    fix: "check that npm reaches its registry (`npm ping`), then run the same command again. If you have edited package.json, run `npm install` once.",
  });
}

// npm records what it has installed in node_modules/.package-lock.json, in the format of the lock file.
// Optional packages of other platforms are missing there.
function matchesLockFile() {
  const wanted = readPackages(path.join(ROOT, "package-lock.json"));
  const installed = readPackages(path.join(NODE_MODULES, ".package-lock.json"));
  return Object.entries(wanted).every(([folder, { version, optional }]) => {
    if (folder === "") return true; // The project itself.
    return installed[folder] ? installed[folder].version === version : Boolean(optional);
  });
}

function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")).packages;
  } catch {
    return {};
  }
}

// The standard library for wasm. There are two ways to it: rustup, and Debian's Rust where rustup cannot
// download it. Set-up tries them in this order.

const RUSTUP_TIMEOUT_MS = 180_000;

export const wasmTarget = {
  name: `the ${WASM_TARGET} target`,
  description: "rustup target add, or Debian's Rust if that fails; a few seconds, or about 2 min",
  ready: () => hasStandardLibrary("rustc") || debianRustIsReady(),
  async run() {
    const failures = [];
    for (const attempt of [addTargetWithRustup, installDebianRust]) {
      try {
        await attempt();
        return;
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        failures.push(`${error.message}: ${error.why}`);
        console.log(dim(`  ${error.message}: failed`));
      }
    }
    throw new StepError(`installing the ${WASM_TARGET} target`, {
      why: failures.join("\n"),
      fix: `run \`rustup target add ${WASM_TARGET}\` by hand, or install the system package with the standard library for that target. Then run the same command again.`,
    });
  },
};

/** The environment in which the Worker is compiled: `native`, or one with Debian's Rust. */
export function wasmEnvironment(native) {
  if (hasStandardLibrary("rustc")) return native;
  const { RUSTUP_TOOLCHAIN: _, RUSTC_WRAPPER: __, ...kept } = native;
  return {
    ...kept,
    // worker-build calls `cargo` and `rustc` by name.
    PATH: [DEBIAN_BIN, native.PATH].join(path.delimiter),
    RUSTC: DEBIAN_RUSTC,
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: DEBIAN_LINKER,
    CARGO_TARGET_DIR: path.join(ROOT, "target", "debian-rust"),
  };
}

const targetFolder = (rustc) => capture(rustc, ["--target", WASM_TARGET, "--print", "target-libdir"], { cwd: ROOT });

function hasStandardLibrary(rustc) {
  const folder = targetFolder(rustc);
  return folder !== null && rlibs(folder).some((file) => path.basename(file).startsWith("libstd-"));
}

function rlibs(folder) {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return names.filter((name) => name.endsWith(".rlib")).map((name) => path.join(folder, name));
}

async function addTargetWithRustup() {
  const step = "rustup target add";
  await run("rustup", ["target", "add", WASM_TARGET], { cwd: ROOT, step, timeoutMs: RUSTUP_TIMEOUT_MS });
  if (!hasStandardLibrary("rustc")) throw new StepError(step, { why: "rustup added the target, but the rustc on PATH does not belong to rustup." });
}

// Debian's Rust. Debian's security repository has a recent compiler with its sources, but no standard
// library for wasm. Set-up builds one from the sources and puts it where that compiler looks for it.
//
// Invariant: only the Worker's wasm build uses this compiler. Native builds use the other one, and the
// two have separate target folders; in a shared one each would rebuild what the other has built.

const DEBIAN_RUSTC = "/usr/bin/rustc";
const DEBIAN_CARGO = "/usr/bin/cargo";
const DEBIAN_LINKER = "wasm-ld-22";
const DEBIAN_PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];
// Links to the two programs, since /usr/bin first on PATH would also bring another Node.
const DEBIAN_BIN = path.join(TOOLS, "debian-rust", "bin");
// The compiler that built the library: a newer one cannot read it.
const DEBIAN_BUILT_WITH = path.join(TOOLS, "debian-rust", "built-with");

function debianRustIsReady() {
  if (!find(DEBIAN_LINKER) || !hasStandardLibrary(DEBIAN_RUSTC) || !fs.existsSync(DEBIAN_BUILT_WITH)) return false;
  return fs.readFileSync(DEBIAN_BUILT_WITH, "utf8") === capture(DEBIAN_RUSTC, ["--version"]);
}

async function installDebianRust() {
  const step = "installing Debian's Rust";
  console.log(dim("  installing Debian's Rust and linker; about 30 s"));
  await aptInstall(DEBIAN_PACKAGES, { step });
  const folder = targetFolder(DEBIAN_RUSTC);
  if (folder === null) throw new StepError(step, { why: `${DEBIAN_RUSTC} does not know the target.` });

  console.log(dim("  building the standard library; about 1 min"));
  const crate = fs.mkdtempSync(path.join(TOOLS, "std-"));
  try {
    const library = await buildStandardLibrary(crate);
    // Two libraries in one folder are two candidates for each crate, and rustc takes neither.
    await runAsRoot("rm", ["-f", ...rlibs(folder)], { step });
    await runAsRoot("install", ["-D", "-m", "644", "-t", folder, ...library], { step });
  } finally {
    fs.rmSync(crate, { recursive: true, force: true });
  }

  fs.rmSync(DEBIAN_BIN, { recursive: true, force: true });
  fs.mkdirSync(DEBIAN_BIN, { recursive: true });
  for (const program of [DEBIAN_CARGO, DEBIAN_RUSTC]) fs.symlinkSync(program, path.join(DEBIAN_BIN, path.basename(program)));
  fs.writeFileSync(DEBIAN_BUILT_WITH, capture(DEBIAN_RUSTC, ["--version"]));
}

// Builds an empty crate with `build-std`, so that cargo compiles the standard library and nothing else.
// RUSTC_BOOTSTRAP lets a stable compiler accept -Z, for this one build. The Worker's release profile has
// LTO, which needs the bitcode that cargo leaves out of a library.
async function buildStandardLibrary(crate) {
  fs.mkdirSync(path.join(crate, "src"));
  fs.writeFileSync(path.join(crate, "src", "lib.rs"), "");
  fs.writeFileSync(path.join(crate, "Cargo.toml"), '[package]\nname = "empty"\nedition = "2021"\n\n[workspace]\n');
  const target = path.join(crate, "target");
  await run(DEBIAN_CARGO, ["build", "--release", "-Z", "build-std=std,panic_abort", "--target", WASM_TARGET], {
    cwd: crate,
    step: "building the standard library",
    env: { ...process.env, RUSTC: DEBIAN_RUSTC, RUSTC_BOOTSTRAP: "1", CARGO_TARGET_DIR: target, RUSTFLAGS: "-C embed-bitcode=yes" },
  });
  return rlibs(path.join(target, WASM_TARGET, "release", "deps")).filter((file) => !path.basename(file).startsWith("libempty-"));
}

// wasm-bindgen and worker-build. Both must be the release of their library in Cargo.lock: another
// wasm-bindgen ends the build with "different bindgen format".

const WASM_BINDGEN = lockedVersion("wasm-bindgen");
const WORKER_BUILD = lockedVersion("worker");

export const wasmBindgen = {
  name: `wasm-bindgen ${WASM_BINDGEN}`,
  description: "downloading a release, or cargo install if that fails; a few seconds, or 2 to 4 min",
  ready: () => capture(path.join(TOOLS_BIN, "wasm-bindgen"), ["--version"]) === `wasm-bindgen ${WASM_BINDGEN}`,
  async run() {
    const failure = await downloadWasmBindgen();
    if (failure === null) return;
    console.log(dim(`  ${failure}: compiling it instead`));
    await cargoInstall("wasm-bindgen-cli", WASM_BINDGEN);
  },
};

export const workerBuild = {
  name: `worker-build ${WORKER_BUILD}`,
  description: "cargo install; 2 to 4 min",
  ready: () => capture(path.join(TOOLS_BIN, "worker-build"), ["--version"]) === WORKER_BUILD,
  run: () => cargoInstall("worker-build", WORKER_BUILD),
};

function lockedVersion(crate) {
  const lock = fs.readFileSync(path.join(ROOT, "Cargo.lock"), "utf8");
  return new RegExp(`^name = "${crate}"\nversion = "(.+)"$`, "m").exec(lock)[1];
}

// The two share most of their dependencies, so they share a target folder. They are built without
// optimisation and debug information: they run for a second and compile for minutes.
const CARGO_TARGET = path.join(TOOLS, "cargo-target");

async function cargoInstall(crate, version) {
  await run("cargo", ["install", crate, "--version", version, "--locked", "--debug", "--force", "--root", TOOLS], {
    cwd: TOOLS,
    env: { ...process.env, CARGO_TARGET_DIR: CARGO_TARGET, CARGO_PROFILE_DEV_DEBUG: "0" },
    step: `cargo install ${crate} ${version}`,
    fix: "check that cargo reaches crates.io, then run the same command again. It continues where it stopped.",
  });
  if (workerBuild.ready() && wasmBindgen.ready()) fs.rmSync(CARGO_TARGET, { recursive: true, force: true });
}

/** The releases of wasm-bindgen that may be used, by version and platform: the triple, and the SHA-256 of the archive. */
export const WASM_BINDGEN_RELEASES = {
  "0.2.129": {
    "linux x64": ["x86_64-unknown-linux-musl", "82d12bb940e2d4e72e0d5605387fc1b8ca179044e012b620f0ce4e7440e8320e"],
    "linux arm64": ["aarch64-unknown-linux-musl", "2ed4351c35dd9440308bbb02767d47ea278efe851a52465300f3c94f5b6c2a87"],
    "darwin x64": ["x86_64-apple-darwin", "7e028879a68ec53dae14048b55cc5215f6df75b17a9c1426fac8fa086d3202fd"],
    "darwin arm64": ["aarch64-apple-darwin", "81d4a23d56b3c3eb8187658329116d50e0b228a93b343825fb71f70179051cd1"],
  },
};
const DOWNLOAD_TIMEOUT_MS = 30_000;

/** Throws unless `bytes` are the archive with this SHA-256. What was changed on its way is never used, nor passed over in silence. */
export function checkArchive(name, bytes, expected) {
  const actual = crypto.createHash("sha256").update(bytes).digest("hex");
  if (actual === expected) return;
  throw new StepError(`downloading ${name}`, {
    why: `The archive has the SHA-256 ${actual}; scripts/setup/toolchain.mjs expects ${expected}. Nothing was installed.`,
    fix: "find out who changed the archive. On another network, run the same command again.",
  });
}

// Returns null, or why there is no release for this machine.
async function downloadWasmBindgen() {
  const platform = `${process.platform} ${process.arch}`;
  const [triple, sha256] = WASM_BINDGEN_RELEASES[WASM_BINDGEN]?.[platform] ?? [];
  if (!triple) return `no release of ${WASM_BINDGEN} with a known checksum for ${platform}`;
  const name = `wasm-bindgen-${WASM_BINDGEN}-${triple}`;
  const folder = fs.mkdtempSync(path.join(TOOLS, "download-"));
  try {
    const url = `https://github.com/wasm-bindgen/wasm-bindgen/releases/download/${WASM_BINDGEN}/${name}.tar.gz`;
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
    if (!response.ok) return `the download failed with status ${response.status}`;
    const archive = path.join(folder, "release.tar.gz");
    const bytes = Buffer.from(await response.arrayBuffer());
    checkArchive(`${name}.tar.gz`, bytes, sha256);
    fs.writeFileSync(archive, bytes);
    if (capture("tar", ["-xzf", archive, "-C", folder]) === null) return "tar cannot unpack the release";
    const program = path.join(folder, name, "wasm-bindgen");
    if (capture(program, ["--version"]) !== `wasm-bindgen ${WASM_BINDGEN}`) return "the release does not run on this machine";
    fs.mkdirSync(TOOLS_BIN, { recursive: true });
    fs.renameSync(program, path.join(TOOLS_BIN, "wasm-bindgen"));
    return null;
  } catch (error) {
    if (error instanceof StepError) throw error;
    return error.name === "TimeoutError" ? `the download took longer than ${DOWNLOAD_TIMEOUT_MS / 1000} s` : "the release cannot be downloaded";
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
