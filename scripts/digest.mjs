// Whether files are what they were.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { ROOT } from "./paths.mjs";

/** One hash over names and contents: neither a checkout nor a touched file changes it. */
export function digest(paths) {
  const hash = crypto.createHash("sha256");
  const add = (file) => {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat?.isDirectory()) {
      for (const name of fs.readdirSync(file).sort()) add(path.join(file, name));
    } else if (stat) {
      hash.update(`${path.relative(ROOT, file)}\0${stat.size}\0`).update(fs.readFileSync(file));
    }
  };
  paths.forEach(add);
  return hash.digest("hex");
}
