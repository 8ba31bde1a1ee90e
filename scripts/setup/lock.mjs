// One set-up at a time in one checkout: two commands that start together wait for each other.
import fs from "node:fs";
import path from "node:path";

import { TOOLS } from "../paths.mjs";
import { say } from "../log.mjs";

const LOOK_AGAIN_MS = 250;

/** Runs `body` while holding the lock. A lock whose process is gone is taken over. */
export async function withLock(body, lock = path.join(TOOLS, "setup.lock")) {
  fs.mkdirSync(path.dirname(lock), { recursive: true });
  let told = false;
  while (!take(lock)) {
    const owner = read(lock);
    if (owner !== null && !alive(owner)) {
      takeAway(lock, owner);
      continue;
    }
    if (!told) say(`Another command (process ${owner ?? "unknown"}) is setting up this checkout: waiting for it.`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  const release = () => fs.rmSync(lock, { force: true });
  process.once("exit", release);
  try {
    return await body();
  } finally {
    process.off("exit", release);
    release();
  }
}

function take(lock) {
  // Written aside and linked into place, so that nobody ever reads a lock without its number.
  const own = `${lock}.${process.pid}`;
  fs.writeFileSync(own, `${process.pid}\n`);
  try {
    fs.linkSync(own, lock);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function read(lock) {
  try {
    const pid = Number.parseInt(fs.readFileSync(lock, "utf8"), 10);
    return Number.isInteger(pid) ? pid : null;
  } catch {
    return null;
  }
}

function takeAway(lock, owner) {
  const aside = `${lock}.stale.${process.pid}`;
  try {
    fs.renameSync(lock, aside);
    // Two may find the same dead owner: the slower one must give back the lock of the faster one.
    if (Number.parseInt(fs.readFileSync(aside, "utf8"), 10) !== owner) fs.linkSync(aside, lock);
  } catch {
    // Somebody else was first: the next try tells.
  } finally {
    fs.rmSync(aside, { force: true });
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
