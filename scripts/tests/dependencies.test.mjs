import assert from "node:assert/strict";
import { test } from "node:test";

import { cargoWithoutChecksum, imagesWithoutDigest, npmWithoutChecksum, pipWithoutChecksum } from "../dependencies.mjs";

const SHA = "0".repeat(64);

test("a package without a checksum is found in each kind of lock file", () => {
  const lock = { packages: { "": {}, "node_modules/a": { integrity: "sha512-x" }, "node_modules/b": { optional: true, os: ["darwin"] } } };
  assert.deepEqual(npmWithoutChecksum(JSON.stringify(lock)), ["node_modules/b"]);

  const index = "registry+https://github.com/rust-lang/crates.io-index";
  const crate = (name, ...lines) => `[[package]]\nname = "${name}"\n${lines.join("\n")}\n`;
  const crates = [
    crate("ours"),
    crate("good", `source = "${index}"`, `checksum = "${SHA}"`),
    crate("bare", `source = "${index}"`),
    crate("git", 'source = "git+https://example.org/x#abc"'),
    crate("mirror", 'source = "registry+https://mirror.example"', `checksum = "${SHA}"`),
  ];
  assert.deepEqual(cargoWithoutChecksum(crates.join("\n")), ["bare", "git", "mirror"]);

  const pip = `# a comment\na[x]==1 \\\n    --hash=sha256:${SHA}\n    # via b\nb==1\nc>=1 --hash=sha256:${SHA}\n`;
  assert.deepEqual(pipWithoutChecksum(pip), ["b==1", "c>=1"]);

  const images = `FROM --platform=linux/amd64 rust:1@sha256:${SHA} AS build\nFROM build\nFROM ubuntu:24.04 AS x\n`;
  assert.deepEqual(imagesWithoutDigest(images), ["ubuntu:24.04"]);
});
