// `npm run bench`: measures the API beside its peer and the floor. `npm run bench -- --help` has the flags.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { StepError, dim, printHeading } from "../scripts/log.mjs";
import { main } from "../scripts/main.mjs";
import { BUILD, ROOT } from "../scripts/paths.mjs";
import { checkContract } from "./contract.mjs";
import { compareRatios } from "./lib/check.mjs";
import { bundle } from "./lib/forms.mjs";
import { HELP, PARTS, readOptions } from "./lib/options.mjs";
import * as parts from "./lib/parts.mjs";
import { markdown, plots, section } from "./lib/report.mjs";
import { startRunpod } from "./lib/runpod.mjs";

const MEASURE = { routes: parts.routes, sockets: parts.sockets, growth: parts.growth, start: parts.start, memory: parts.memoryAndSize };
const RESULTS = path.join(ROOT, "bench/results.json");

await main(async () => {
  const args = process.argv.slice(2);
  const options = readOptions(args);
  if (options.help) return console.log(HELP);
  if (process.platform !== "linux") throw new StepError("measuring", { why: "CPU time is read from /proc, which only Linux has.", fix: "run it on Linux." });
  const build = options.build ? path.resolve(options.build) : BUILD;
  if (options.forms.includes("ours") && !fs.existsSync(path.join(build, "index_bg.wasm"))) throw new StepError("looking for the Worker", { why: `${build} has no build of it.`, fix: "`npm run build`" });

  const bundles = {};
  for (const name of options.forms) bundles[name] = await bundle(name, build);
  const runpod = await startRunpod();
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 1000);
  const onTurn = (turn, of) => process.stdout.isTTY && process.stdout.write(dim(`\rturn ${turn} of ${of} `));
  const tools = { runpod, bundles, onTurn };
  const results = {};
  const measured = commit();
  try {
    if (["ours", "peer"].every((name) => options.forms.includes(name))) {
      const same = await parts.withDrivers(["ours", "peer"], tools, ({ ours, peer }) => checkContract(ours, peer));
      console.log(dim(`The peer answers ${same} exchanges as ours does. ${seconds()} s so far`));
    }
    for (const part of PARTS.filter((name) => options.parts.includes(name))) {
      const run = { command: ["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" "), commit: measured, date: new Date().toISOString().slice(0, 10), machine: machine(), load: os.loadavg()[0].toFixed(1) };
      const figures = await MEASURE[part](options, tools);
      results[part] = { run, figures };
      console.log(`\n${section(part, figures)}${dim(`${seconds()} s so far`)}`);
      // After each part: a run that is broken off keeps what it has.
      if (options.writes) write(options.out ? path.resolve(options.out) : path.join(ROOT, "bench"), { [part]: results[part] });
    }
  } finally {
    await runpod.stop();
  }
  if (options.check) check(results.routes?.figures.figures ?? {});
});

function write(folder, results) {
  const file = path.join(folder, "results.json");
  const before = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : {};
  const all = { ...before, ...results };
  fs.mkdirSync(path.join(folder, "plots"), { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(all, (_, value) => (typeof value === "number" ? Number(value.toPrecision(4)) : value), 1)}\n`);
  fs.writeFileSync(path.join(folder, "RESULTS.md"), markdown(all));
  for (const [name, svg] of Object.entries(plots(all))) fs.writeFileSync(path.join(folder, "plots", name), svg);
  console.log(dim(`Written: ${path.relative(process.cwd(), path.join(folder, "RESULTS.md"))}`));
}

/** Fails when a ratio is worse than the committed one by more than its noise. */
function check(figures) {
  if (!fs.existsSync(RESULTS)) throw new StepError("comparing", { why: "bench/results.json is not there.", fix: "commit the result of `npm run bench`." });
  const rows = compareRatios(JSON.parse(fs.readFileSync(RESULTS, "utf8")).routes.figures.figures, figures);
  printHeading("Beside the committed ratios");
  for (const { route, before, now, noise, worse } of rows) console.log(`${worse ? "WORSE " : "      "}${route.padEnd(14)} ${before.toFixed(2)} -> ${now.toFixed(2)} (noise ${noise.toFixed(2)})`);
  const worse = rows.filter((row) => row.worse);
  if (worse.length > 0) throw new StepError("comparing with the committed ratios", { why: `Worse by more than the noise: ${worse.map(({ route }) => route).join(", ")}.`, fix: "find out why, or commit new results and say why they are right." });
}

function commit() {
  const git = (...args) => execFileSync("git", args, { cwd: ROOT, encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "src", "core/src", "Cargo.lock", "bench/peer") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : "");
  } catch {
    return "no commit";
  }
}

function machine() {
  const [cpu] = os.cpus();
  const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, "node_modules/workerd/package.json"), "utf8"));
  return `${cpu.model.trim()}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release().split("-")[0]}, workerd ${version}`;
}
