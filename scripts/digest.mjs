// Finds out whether files have changed.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { ROOT } from "./paths.mjs";

/** One hash of names and contents. Times do not count, so a new checkout has the same digest. */
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
