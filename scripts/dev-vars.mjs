// `.dev.vars`: the settings of development on this machine, which git ignores. Wrangler reads it after the
// build command has run, so the first `wrangler dev` already has the keys that are made here.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { ROOT } from "./paths.mjs";

const NAME = ".dev.vars";
const SETTING = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(?:'([^']*)'|"([^"]*)"|`([^`]*)`|(.*?))(?:\s+#.*)?\s*$/;
// In the example, a setting with this value gets a random key of its own.
const RANDOM = "RANDOM";

/** A key of 32 random bytes, in hex. */
export const randomKey = () => crypto.randomBytes(32).toString("hex");

/** The settings of .dev.vars in `folder`: an empty object without that file. */
export function readDevVars(folder = ROOT) {
  const file = path.join(folder, NAME);
  const lines = fs.existsSync(file) ? fs.readFileSync(file, "utf8").split(/\r?\n/) : [];
  return Object.fromEntries(lines.map((line) => SETTING.exec(line)).filter(Boolean).map(([, name, ...values]) => [name, values.find((value) => value !== undefined)]));
}

/**
 * Makes .dev.vars from .dev.vars.example, with random keys, or adds the keys that it lacks. Only this user
 * can read it. Returns the names of the keys that were made.
 */
export function makeDevVars(folder = ROOT) {
  const file = path.join(folder, NAME);
  const example = fs.readFileSync(path.join(folder, `${NAME}.example`), "utf8");
  const had = fs.existsSync(file);
  const present = readDevVars(folder);
  const made = [];
  const fill = (line) => {
    const [, name] = SETTING.exec(line) ?? [];
    if (!name || !line.trim().endsWith(`=${RANDOM}`)) return had ? null : line;
    if (present[name]) return null;
    made.push(name);
    return `${name}=${randomKey()}`;
  };
  const lines = example.replace(/\n$/, "").split("\n").map(fill).filter((line) => line !== null);
  if (made.length === 0 && had) return made;
  const before = had ? fs.readFileSync(file, "utf8").replace(/\n?$/, "\n") : "";
  // Under another name first, so that no reader sees half of it, and never readable by others.
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, `${before}${lines.join("\n")}\n`, { mode: 0o600 });
  fs.renameSync(draft, file);
  return made;
}

/** The same, and says so. */
export function prepareDevVars() {
  const made = makeDevVars();
  if (made.length > 0) console.log(`${NAME}: made ${made.join(", ")}. WORKERS_API_KEY is the key that clients send.`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) prepareDevVars();
