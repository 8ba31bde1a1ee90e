// Debian's own Rust, for machines where rustup cannot bring the wasm target. Debian's security
// repository carries a recent compiler with its sources; the target's standard library is built
// from them once and laid where Debian's package for this target would put it.
//
// Invariant: only the Worker's wasm build sees this compiler. Native builds keep the user's, and
// the two never share a target folder, since each would rebuild what the other has built.
import fs from "node:fs";
import path from "node:path";

import { ROOT, TOOLS } from "../paths.mjs";
import { WASM_TARGET } from "../versions.mjs";
import { capture, find, run } from "../run.mjs";
import { StepError, dim, say } from "../log.mjs";
import { apt, asRoot } from "./apt.mjs";
import { hasLibrary, libraryFolder } from "./wasm-library.mjs";

const RUSTC = "/usr/bin/rustc";
const CARGO = "/usr/bin/cargo";
const LINKER = "wasm-ld-22";
const PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

// Which compiler the installed library was built with: an upgraded compiler cannot read it.
const BUILT_WITH = path.join(TOOLS, "debian-rust", "built-with");
const BIN = path.join(TOOLS, "debian-rust", "bin");

export const debianRust = {
  ready: () => fs.existsSync(RUSTC) && Boolean(find(LINKER)) && hasLibrary(RUSTC) && builtWith() === capture(RUSTC, ["--version"]),

  /** Installs it. Returns null, or in a sentence why it cannot be done here. */
  async install() {
    const packages = apt();
    const root = asRoot();
    if (!packages || !root) return "Debian's compiler needs apt-get and the right to use it (root, or sudo without a password)";
    try {
      say(dim("  installing Debian's Rust and linker; about 30 s"));
      await packages(PACKAGES, "installing Debian's Rust");
      say(dim("  building the standard library for the target; about 1 min"));
      const built = await buildStandardLibrary();
      const libdir = libraryFolder(RUSTC);
      if (libdir === null) return "Debian's compiler does not know the target";
      await copy(root, built, libdir);
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      return `${error.message}: ${error.why.split("\n").slice(-8).join("\n")}`;
    }
    fs.mkdirSync(BIN, { recursive: true });
    for (const [name, file] of [["cargo", CARGO], ["rustc", RUSTC]]) {
      fs.rmSync(path.join(BIN, name), { force: true });
      fs.symlinkSync(file, path.join(BIN, name));
    }
    fs.writeFileSync(BUILT_WITH, `${capture(RUSTC, ["--version"])}\n`);
    return null;
  },

  /** A native environment, turned into one whose cargo and rustc are Debian's. */
  environment(native) {
    const { RUSTUP_TOOLCHAIN: _, RUSTC_WRAPPER: __, ...kept } = native;
    return {
      ...kept,
      // By name, too: worker-build calls `cargo` and `rustc` as it finds them.
      PATH: [BIN, native.PATH].join(path.delimiter),
      RUSTC,
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: LINKER,
      CARGO_TARGET_DIR: path.join(ROOT, "target", "debian-rust"),
    };
  },
};

function builtWith() {
  try {
    return fs.readFileSync(BUILT_WITH, "utf8").trim();
  } catch {
    return null;
  }
}

// The Worker's release profile asks for LTO, which needs the bitcode that cargo leaves out of a plain
// library. An empty crate makes cargo build the standard library and nothing else. Debian's compiler is a
// stable one: RUSTC_BOOTSTRAP lets it take the unstable option, for this one build.
async function buildStandardLibrary() {
  const crate = fs.mkdtempSync(path.join(TOOLS, "std-"));
  fs.mkdirSync(path.join(crate, "src"));
  fs.writeFileSync(path.join(crate, "src", "lib.rs"), "");
  fs.writeFileSync(path.join(crate, "Cargo.toml"), '[package]\nname = "empty"\nedition = "2021"\n\n[workspace]\n');
  const target = path.join(crate, "target");
  await run(CARGO, ["build", "--release", "-Z", "build-std=std,panic_abort", "--target", WASM_TARGET], {
    cwd: crate,
    step: "building the standard library for the target",
    env: { ...process.env, RUSTC, RUSTC_BOOTSTRAP: "1", CARGO_TARGET_DIR: target, CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: LINKER, RUSTFLAGS: "-C embed-bitcode=yes" },
  });
  const deps = path.join(target, WASM_TARGET, "release", "deps");
  const rlibs = fs.readdirSync(deps).filter((file) => file.endsWith(".rlib") && !file.startsWith("libempty-"));
  return { crate, files: rlibs.map((file) => path.join(deps, file)) };
}

async function copy(root, { crate, files }, libdir) {
  const sudo = (...command) => run([...root, ...command][0], [...root, ...command].slice(1), { step: `writing ${libdir}` });
  await sudo("mkdir", "-p", libdir);
  // Rlibs of an older compiler beside the new ones would be two candidates for one crate.
  const old = fs.readdirSync(libdir).filter((file) => file.endsWith(".rlib")).map((file) => path.join(libdir, file));
  if (old.length > 0) await sudo("rm", "-f", ...old);
  await sudo("install", "-m", "644", "-t", libdir, ...files);
  fs.rmSync(crate, { recursive: true, force: true });
}
