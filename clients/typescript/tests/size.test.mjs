import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import esbuild from "esbuild";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));

/** Bytes of a bundle with what this import needs, minified and compressed. */
async function sizeOf(code) {
  const built = await esbuild.build({ stdin: { contents: code, resolveDir: DIST }, bundle: true, minify: true, format: "esm", target: "es2022", write: false, external: ["react"], logLevel: "error" });
  return gzipSync(built.outputFiles[0].contents, { level: 9 }).length;
}

for (const [name, code, bound] of [
  ["without uploads", "export { ApiClient } from './index.js'", 8_000],
  ["all", "export { ReelClient } from './index.js'", 9_000],
  ["the React hooks alone", "export * from './react.js'", 1_000],
  ["an error class alone", "export { ConflictError } from './index.js'", 600],
]) {
  test(`${name}: less than ${bound} bytes`, async (context) => {
    const size = await sizeOf(code);
    context.diagnostic(`${size} bytes`);
    assert.ok(size < bound, `${size} bytes`);
  });
}
