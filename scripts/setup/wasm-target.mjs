// The standard library for wasm32-unknown-unknown: the compiler's own when it has one, rustup's
// when rustup can bring it, else Debian's compiler with one built from its sources. By trying.
import { ROOT } from "../paths.mjs";
import { WASM_TARGET } from "../versions.mjs";
import { find, run } from "../run.mjs";
import { StepError, dim, say } from "../log.mjs";
import { debianRust } from "./debian-rust.mjs";
import { refuseOldRust } from "./rust.mjs";
import { ownCompilerHasIt } from "./wasm-library.mjs";

const RUSTUP_MS = 180_000;

export const wasmTarget = {
  name: `the ${WASM_TARGET} target`,
  takes: "rustup target add; a few formatDuration, about 2 min if Debian's compiler must be used instead",
  ready: () => ownCompilerHasIt() || debianRust.ready(),
  async run() {
    refuseOldRust();
    const refusals = [];
    if (find("rustup")) {
      try {
        await run("rustup", ["target", "add", WASM_TARGET], { cwd: ROOT, step: "rustup target add", timeoutMs: RUSTUP_MS });
        if (ownCompilerHasIt()) return;
        refusals.push("rustup says it added the target, but the rustc on PATH is not rustup's");
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        refusals.push(`rustup target add: ${error.why.split("\n").slice(-6).join("\n")}`);
      }
    } else {
      refusals.push("there is no rustup on PATH");
    }
    say(dim(`  rustup cannot bring it: trying Debian's compiler`));
    refusals.push(await debianRust.install());
    if (debianRust.ready()) return;
    throw new StepError(`getting the ${WASM_TARGET} target`, {
      why: refusals.filter(Boolean).join("\n"),
      fix: `run \`rustup target add ${WASM_TARGET}\` by hand, or install your system's package with the standard library for that target, then run the same command again.`,
    });
  },
};
