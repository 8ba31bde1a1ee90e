// What comes from outside is the same for everybody: each lock file has a checksum for each package. Licences,
// sources and advisories are cargo-deny's to check, where it is installed; what was not checked is said.
import fs from "node:fs";
import path from "node:path";

import { StepError, dim } from "./log.mjs";
import { ROOT } from "./paths.mjs";
import { capture, run } from "./run.mjs";

const read = (file) => fs.readFileSync(path.join(ROOT, file), "utf8");
const PIP_FILES = [
  "gpu-worker/runpod/requirements.txt",
  "tests/python/requirements.txt",
  "tests/standardwebhooks/requirements.txt",
  "clients/python/requirements.txt",
  "clients/python/requirements-dev.txt",
];
const DOCKERFILE = "gpu-worker/runpod/Dockerfile";
const FETCH_FAILED = /failed to fetch|unable to fetch|failed to clone|failed to acquire|could not resolve|failed to load advisory|network|timed? ?out/i;

/** Every check of dependencies that can be made on this machine. */
export async function dependencies({ native }) {
  const missing = [
    ...npmWithoutChecksum(read("package-lock.json")),
    ...cargoWithoutChecksum(read("Cargo.lock")),
    ...PIP_FILES.flatMap((file) => pipWithoutChecksum(read(file))),
    ...imagesWithoutDigest(read(DOCKERFILE)),
  ];
  if (missing.length > 0) {
    throw new StepError("checking the lock files", {
      why: `These have no checksum: ${missing.join(", ")}.`,
      fix: "lock them again; CONTRIBUTING.md says how for each kind.",
    });
  }
  console.log("every locked package and base image has a checksum");
  if (capture("cargo-deny", ["--version"], { env: native }) === null) {
    console.log(dim("NOT CHECKED: licences, sources and advisories of crates. Install cargo-deny to check them: `cargo install cargo-deny --locked`."));
    return;
  }
  const options = { cwd: ROOT, env: native, fix: "see deny.toml, and `cargo deny check`." };
  await run("cargo-deny", ["--offline", "--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"], { ...options, step: "checking licences and sources (cargo deny)" });
  try {
    await run("cargo-deny", ["--workspace", "check", "--hide-inclusion-graph", "advisories"], { ...options, step: "checking advisories (cargo deny)" });
    console.log("licences, sources and advisories: checked");
  } catch (error) {
    if (!(error instanceof StepError) || !FETCH_FAILED.test(error.why)) throw error;
    console.log(dim("NOT CHECKED: advisories. Their database cannot be reached from here. Licences and sources are checked."));
  }
}

/** The packages of a package-lock.json without `integrity`, for any platform. */
export function npmWithoutChecksum(text) {
  const packages = Object.entries(JSON.parse(text).packages);
  return packages.filter(([folder, { integrity, link }]) => folder !== "" && !link && !integrity).map(([folder]) => folder);
}

/** The packages of a Cargo.lock that come from elsewhere than crates.io, or without a checksum. */
export function cargoWithoutChecksum(text) {
  const packages = text.split("[[package]]").slice(1);
  const own = (entry) => !/^source = /m.test(entry);
  const locked = (entry) => /^source = "registry\+https:\/\/github\.com\/rust-lang\/crates\.io-index"$/m.test(entry) && /^checksum = "[0-9a-f]{64}"$/m.test(entry);
  return packages.filter((entry) => !own(entry) && !locked(entry)).map((entry) => /^name = "(.+)"$/m.exec(entry)[1]);
}

/** The requirements of a pip file without an exact version and a hash. */
export function pipWithoutChecksum(text) {
  const lines = text.replace(/\\\n/g, " ").split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  return lines.filter((line) => !/^[\w.[\]-]+==\S+.*--hash=sha256:[0-9a-f]{64}/.test(line)).map((line) => line.split(" ")[0]);
}

/** The base images of a Dockerfile without a digest. A stage of the file itself needs none. */
export function imagesWithoutDigest(text) {
  const stages = [...text.matchAll(/^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim)];
  const names = new Set(stages.map(([, , name]) => name));
  return stages.map(([, image]) => image).filter((image) => !names.has(image) && !/@sha256:[0-9a-f]{64}$/.test(image));
}
