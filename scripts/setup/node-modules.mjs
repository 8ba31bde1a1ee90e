// node_modules from the lock file: wrangler with a Node that may run it, esbuild, wasm-opt.
import fs from "node:fs";
import path from "node:path";

import { NODE_BIN, NODE_MODULES, ROOT } from "../paths.mjs";
import { WRANGLER_NODE } from "../versions.mjs";
import { find, run } from "../run.mjs";
import { StepError } from "../log.mjs";

export const nodeModules = {
  name: "node_modules",
  takes: "npm ci, about 500 MB on disk (with a Node of its own for wrangler); 20 s to 2 min",
  ready: () => agrees() && ["wrangler", "esbuild", "wasm-opt"].every((bin) => fs.existsSync(path.join(NODE_BIN, bin))),
  async run() {
    try {
      await npm("ci");
    } catch (error) {
      // npm drops from the lock file what its registry does not have (some mirrors lack the packages of
      // other platforms), and `npm ci` then refuses. The exact pins in package.json still hold.
      if (!(error instanceof StepError) || !/Missing: .* from lock file/.test(error.why)) throw error;
      await npm("install", "--no-save");
    }
  },
};

async function npm(...args) {
  const [command, ...before] = npmCommand();
  await run(command, [...before, ...args, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: ROOT,
    step: `npm ${args.join(" ")} (the packages of package-lock.json)`,
    fix: "check that npm can reach its registry (`npm ping`), then run the same command again. If package.json was edited, run `npm install` once.",
  });
}

/** The Node that runs wrangler: the one from package.json, else the machine's own when it is new enough. */
export function wranglerNode() {
  const own = path.join(NODE_BIN, "node");
  if (fs.existsSync(own)) return own;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > WRANGLER_NODE[0] || (major === WRANGLER_NODE[0] && minor >= WRANGLER_NODE[1])) return process.execPath;
  throw new StepError("finding a Node for wrangler", {
    why: `wrangler needs Node ${WRANGLER_NODE.join(".")}, this is ${process.version}, and npm has no Node package for ${process.platform} ${process.arch}.`,
    fix: "install Node 24 and run the same command again.",
  });
}

// npm writes down what it installed in node_modules/.package-lock.json: the same entries as the
// lock file, without the optional packages of other platforms.
function agrees() {
  const wanted = packages(path.join(ROOT, "package-lock.json"));
  const present = packages(path.join(NODE_MODULES, ".package-lock.json"));
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(([where, entry]) => {
    if (where === "") return true;
    const there = present[where];
    return there ? there.version === entry.version : Boolean(entry.optional);
  });
}

function packages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")).packages ?? null;
  } catch {
    return null;
  }
}

function npmCommand() {
  // The npm that runs this script, if one does: it may not be on PATH.
  const running = process.env.npm_execpath;
  if (running && /npm-cli\.[cm]?js$/.test(running)) return [process.env.npm_node_execpath ?? process.execPath, running];
  if (find("npm")) return ["npm"];
  throw new StepError("finding npm", { why: "There is no `npm` on PATH.", fix: "install Node with npm (18 or newer) and run the same command again." });
}
