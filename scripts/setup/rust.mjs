// Rust itself and a linker: not ours to install, so only a clear word when they are missing.
import fs from "node:fs";
import path from "node:path";

import { ROOT } from "../paths.mjs";
import { capture, find } from "../run.mjs";
import { StepError } from "../log.mjs";

export const rust = {
  name: "Rust",
  takes: "checking the compiler",
  ready: () => Boolean(find("cargo") && find("rustc") && find("cc")),
  async run() {
    const missing = ["cargo", "rustc"].filter((bin) => !find(bin));
    if (missing.length > 0) {
      throw new StepError("finding Rust", {
        why: `There is no ${missing.map((bin) => `\`${bin}\``).join(" and no ")} on PATH.`,
        fix: `install Rust ${minimum()} or newer: https://rustup.rs shows the one command it takes. If it is installed, put ~/.cargo/bin on PATH.`,
      });
    }
    throw new StepError("finding a C compiler", {
      why: "There is no `cc` on PATH, and Rust links with it.",
      fix: "install one: `apt-get install build-essential` on Debian and Ubuntu, `xcode-select --install` on macOS.",
    });
  },
};

/** Fails with a clear word when the compiler that builds this project is older than Cargo.toml allows. */
export function refuseOldRust(rustc = "rustc", env = process.env) {
  const version = capture(rustc, ["--version"], { cwd: ROOT, env }) ?? "";
  const [, major, minor] = /^rustc (\d+)\.(\d+)/.exec(version) ?? [];
  const [wantMajor, wantMinor] = minimum().split(".").map(Number);
  if (major === undefined || Number(major) * 1000 + Number(minor) >= wantMajor * 1000 + wantMinor) return;
  throw new StepError("checking the Rust compiler", {
    why: `The project needs Rust ${minimum()}; ${find(rustc, env) ?? rustc} is ${version}.`,
    fix: "run `rustup update stable` (and `rustup override unset` in this folder, if a toolchain is pinned here).",
  });
}

const minimum = () => /^rust-version = "([\d.]+)"/m.exec(fs.readFileSync(path.join(ROOT, "Cargo.toml"), "utf8"))?.[1] ?? "stable";
