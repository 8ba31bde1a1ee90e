// The environments in which the other scripts run things. Nothing is downloaded behind set-up's back:
// worker-build is told where each of its tools is.
import path from "node:path";

import { NODE_BIN, TOOLS_BIN } from "../paths.mjs";

/** `native` and `wasm`: the second differs only where the Worker has a compiler of its own. */
export function toolEnvironment(wasmCompiler) {
  const native = {
    ...process.env,
    // node_modules/.bin first: wrangler and the scripts that it calls need the Node in there.
    PATH: [NODE_BIN, TOOLS_BIN, process.env.PATH].join(path.delimiter),
    WASM_BINDGEN_BIN: path.join(TOOLS_BIN, "wasm-bindgen"),
    WASM_OPT_BIN: path.join(NODE_BIN, "wasm-opt"),
    ESBUILD_BIN: path.join(NODE_BIN, "esbuild"),
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
  };
  if (process.stdout.isTTY && !native.CARGO_TERM_COLOR) native.CARGO_TERM_COLOR = "always";
  return { native, wasm: wasmCompiler ? wasmCompiler(native) : native };
}
