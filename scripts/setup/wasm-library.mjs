// Whether a compiler has the standard library for the Worker's target.
import fs from "node:fs";

import { ROOT } from "../paths.mjs";
import { WASM_TARGET } from "../versions.mjs";
import { capture } from "../run.mjs";

/** Where a compiler looks for the target's libraries, or null when it does not know the target. */
export const libraryFolder = (rustc) => capture(rustc, ["--target", WASM_TARGET, "--print", "target-libdir"], { cwd: ROOT });

/** True when that folder holds a standard library. */
export function hasLibrary(rustc) {
  try {
    return fs.readdirSync(libraryFolder(rustc) ?? "").some((file) => /^libstd-.*\.rlib$/.test(file));
  } catch {
    return false;
  }
}

let found = false;

/** The same for the rustc that a plain `cargo build` uses. A yes is remembered: it takes a process to ask. */
export function ownCompilerHasIt() {
  found ||= hasLibrary("rustc");
  return found;
}
