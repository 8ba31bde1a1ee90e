// The flags of `npm run bench`.
import { parseArgs } from "node:util";

import { StepError } from "../../scripts/log.mjs";

export const HELP = `npm run bench -- [flags]

Measures this API beside bench/peer (the same routes in TypeScript) and bench/floor, all on one build of workerd, and
writes bench/RESULTS.md, bench/results.json and bench/plots/. It needs build/: \`npm run build\`. Linux only: CPU is
read from /proc.

  --quick          fewer and smaller turns, under a minute; writes nothing
  --check          compares with bench/results.json and fails when a ratio has become worse by more than its noise; writes nothing
  --turns N        turns that count (default 9, 3 with --quick)
  --only LIST      of routes,sockets,growth,start,memory: only these; what is left out keeps its last figures in the files
  --rows N         largest index of the growth part (default 100000; 1000000 takes some minutes more)
  --forms LIST     of ours,peer,constant,echo,audit: only these; writes nothing
  --build DIR      measures the build of another folder as ours, for example of another commit; writes nothing
  --out DIR        writes the files there
  --help           this text
`;

export const PARTS = ["routes", "sockets", "growth", "start", "memory"];
const QUICK_PARTS = ["routes", "sockets", "growth", "start"];
export const FORM_NAMES = ["ours", "peer", "constant", "echo", "audit"];

/** The flags as options; throws StepError for what cannot be. */
export function readOptions(args) {
  const flags = parse(args);
  const quick = flags.quick === true;
  const wrong = (why) => new StepError("reading the flags", { why, fix: "see `npm run bench -- --help`." });
  const number = (name, fallback, min) => {
    const value = Number(flags[name] ?? fallback);
    if (!Number.isInteger(value) || value < min) throw wrong(`--${name} must be a whole number of at least ${min}.`);
    return value;
  };
  const some = (name, of, otherwise = of) => {
    const names = flags[name]?.split(",") ?? otherwise;
    for (const one of names) if (!of.includes(one)) throw wrong(`--${name} has ${one}, which is none of ${of.join(", ")}.`);
    return names;
  };
  const options = {
    help: flags.help === true,
    quick,
    check: flags.check === true,
    turns: number("turns", quick ? 3 : 9, 1),
    // A comparison needs no more than what it compares.
    parts: flags.only || !flags.check ? some("only", PARTS, quick ? QUICK_PARTS : PARTS) : ["routes"],
    rows: number("rows", quick ? 100 : 100_000, 10),
    forms: some("forms", FORM_NAMES),
    build: flags.build,
    out: flags.out,
  };
  return { ...options, writes: options.out !== undefined || !(quick || options.check || flags.forms || flags.build) };
}

function parse(args) {
  const text = { type: "string" };
  const flag = { type: "boolean" };
  try {
    return parseArgs({ args, options: { quick: flag, check: flag, turns: text, only: text, rows: text, forms: text, build: text, out: text, help: flag } }).values;
  } catch (error) {
    throw new StepError("reading the flags", { why: error.message, fix: "see `npm run bench -- --help`." });
  }
}
