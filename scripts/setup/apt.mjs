// Debian's packages, where this user may install them without being asked anything.
import { capture, find, run } from "../run.mjs";

/** A function that installs packages, or null where there is no apt-get or no right to use it. */
export function apt() {
  if (!find("apt-get")) return null;
  const root = process.getuid?.() === 0;
  if (!root && (!find("sudo") || capture("sudo", ["-n", "true"]) === null)) return null;
  const command = root ? ["apt-get"] : ["sudo", "-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const call = (args, step) =>
    run(command[0], [...command.slice(1), ...args], { step, env, fix: "look at the message above; `apt-get update` by hand often says more." });
  return async (packages, step) => {
    // A fresh image has no package lists at all; stale ones name files that are gone.
    await call(["update"], `${step} (apt-get update)`);
    await call(["install", "-y", "--no-install-recommends", ...packages], step);
  };
}

/** The same right for a plain command, as the argument list to put in front of it; null without it. */
export function asRoot() {
  if (process.getuid?.() === 0) return [];
  return find("sudo") && capture("sudo", ["-n", "true"]) !== null ? ["sudo", "-n"] : null;
}
