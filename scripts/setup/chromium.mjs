// Chromium: the end-to-end tests seek and upload in it. Only they need it.
import fs from "node:fs";

import { find } from "../run.mjs";
import { StepError } from "../log.mjs";
import { apt } from "./apt.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_APPS = ["/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

/** The browser that CHROMIUM names, else the first that is found; null without one. */
export function chromiumPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  return NAMES.map((name) => find(name)).find(Boolean) ?? MAC_APPS.find((app) => fs.existsSync(app)) ?? null;
}

export const chromium = {
  name: "Chromium",
  takes: "installing the system's package, for the browser tests; about 1 min",
  ready: () => chromiumPath() !== null,
  async run() {
    const install = apt();
    if (!install) {
      throw new StepError("finding Chromium", {
        why: "There is no `chromium` or `google-chrome` on PATH, and this script may not install one here.",
        fix: "install one: `sudo apt-get install chromium` (Debian), `sudo dnf install chromium` (Fedora), Chrome (macOS), or name one in CHROMIUM. `npm test -- --quick` does without.",
      });
    }
    await install(["chromium"], "installing Chromium with apt-get");
    if (!this.ready()) {
      throw new StepError("installing Chromium", { why: "apt-get installed the package, but there is no `chromium` on PATH.", fix: "put /usr/bin on PATH, or name a browser in CHROMIUM (Ubuntu's package is a stub for snap, which these tests cannot drive)." });
    }
  },
};
