// Makes build/site/, unless it was made from the same sources.
import fs from "node:fs";
import path from "node:path";

import { digest } from "./digest.mjs";
import { dim } from "./log.mjs";
import { BUILD, ROOT, TOOLS } from "./paths.mjs";
import { run } from "./run.mjs";

// What decides the content of build/site/. The lock file decides the renderers.
const INPUTS = ["scripts/build-site.mjs", "scripts/site", "site", "docs", "SECURITY.md", "openapi.json", "schemas", "package-lock.json"];
const SITE = path.join(BUILD, "site");
const RECORD = path.join(TOOLS, "site-build.json");

/** Builds what is served as files if it is out of date. */
export async function buildSite(environment) {
  const inputs = digest(INPUTS.map((name) => path.join(ROOT, name)));
  if (isUpToDate(inputs)) {
    console.log(dim("Site: build/site/ is up to date."));
    return;
  }
  // A process of its own: its renderers are not there before the set-up, and need the Node of node_modules.
  await run("node", [path.join(ROOT, "scripts", "build-site.mjs")], {
    cwd: ROOT,
    env: environment,
    show: true,
    step: "building the site (scripts/build-site.mjs)",
    fix: "the error above names the page.",
  });
  fs.writeFileSync(RECORD, `${JSON.stringify({ inputs, outputs: digest([SITE]) })}\n`);
}

function isUpToDate(inputs) {
  if (!fs.existsSync(SITE)) return false;
  try {
    const record = JSON.parse(fs.readFileSync(RECORD, "utf8"));
    return record.inputs === inputs && record.outputs === digest([SITE]);
  } catch {
    return false;
  }
}
