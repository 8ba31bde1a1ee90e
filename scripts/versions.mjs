// The versions that must match something else in the repository; npm's own pins are in package.json.

/** The build command of workers-rs; the same release as the crate `worker` in Cargo.toml. */
export const WORKER_BUILD = "0.8.7";

/** The command line must be exactly the version of the crate in Cargo.toml, or the build ends in "different bindgen format". */
export const WASM_BINDGEN = "0.2.129";

/** wrangler's minimum, and so the first Node that may run it. */
export const WRANGLER_NODE = [22, 12];

export const WASM_TARGET = "wasm32-unknown-unknown";

/** The Worker's wasm, gzipped: its share of a cold start, and far below the platform's limit. */
export const WASM_BUDGET_BYTES = 300_000;
