// What the system must have: Rust with a C compiler, ffmpeg, fonts for titles, and Chromium for the browser tests.
//
// Set-up installs system packages with apt-get only, and only where it needs no password. It never
// installs Rust itself. In every other case the step fails and says what to install.
import fs from "node:fs";
import path from "node:path";

import { StepError } from "../log.mjs";
import { ROOT } from "../paths.mjs";
import { capture, find, run } from "../run.mjs";

export const rust = {
  name: "Rust",
  description: "checking the compiler",
  ready: () => rustError() === null,
  async run() {
    throw rustError();
  },
};

export const ffmpeg = systemPackage({
  name: "ffmpeg",
  // gpu-worker decodes and encodes with ffmpeg; the demo and the tests check results with ffprobe.
  ready: () => Boolean(find("ffmpeg") && find("ffprobe")),
  fix: "install ffmpeg with libx264 and aac: `sudo apt-get install ffmpeg` (Debian, Ubuntu), `sudo dnf install ffmpeg` (Fedora, with RPM Fusion), `brew install ffmpeg` (macOS). Then run the same command again.",
});

const FONT_PACKAGES = ["fonts-dejavu-core", "fonts-noto-core", "fonts-noto-cjk", "fonts-noto-color-emoji"];
// A font of each package, as the package's file is named.
const FONT_FILES = ["DejaVuSans.ttf", "NotoSansThai-Regular.ttf", "NotoSansCJK-Regular.ttc", "NotoColorEmoji.ttf"];
const FONT_FOLDERS = ["/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts"];

// gpu-worker draws titles in any script, and the tests look at each.
export const fonts = systemPackage({
  name: "fonts",
  packages: FONT_PACKAGES,
  ready: () => process.platform === "darwin" || missingFonts().length === 0,
  missing: "fonts for some scripts are not installed",
  fix: `install the fonts of titles: \`sudo apt-get install ${FONT_PACKAGES.join(" ")}\` (Debian, Ubuntu), \`sudo dnf install dejavu-sans-fonts google-noto-fonts-all google-noto-sans-cjk-fonts google-noto-color-emoji-fonts\` (Fedora). Then run the same command again.`,
});

/** The files of FONT_FILES that no folder of fonts has; variable fonts of the same family count. */
function missingFonts() {
  const names = FONT_FOLDERS.flatMap((folder) => (fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true }) : [])).map((file) => path.basename(String(file)));
  const family = (file) => file.split(/[-.[]/)[0];
  return FONT_FILES.filter((file) => !names.some((name) => family(name) === family(file)));
}

export const chromium = systemPackage({
  name: "chromium",
  ready: () => chromiumPath() !== null,
  // Ubuntu's package only installs the snap, which the tests cannot start.
  fix: "install a browser: `sudo apt-get install chromium` (Debian), `sudo dnf install chromium` (Fedora), Chrome (macOS, Ubuntu). If it is not on PATH, set CHROMIUM to its path. `npm test -- --quick` needs no browser.",
});

const CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const CHROMIUM_MAC_APPS = ["/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

/** The browser that CHROMIUM names, or the first one found, or null. */
export function chromiumPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  return CHROMIUM_NAMES.map(find).find(Boolean) ?? CHROMIUM_MAC_APPS.find((app) => fs.existsSync(app)) ?? null;
}

/** Installs Debian packages, or throws StepError where that is not allowed. */
export async function aptInstall(packages, { step, fix }) {
  if (!find("apt-get") || !mayBeRoot()) {
    throw new StepError(step, { why: `Missing: ${packages.join(", ")}. Set-up can install packages only with apt-get, as root or with a sudo that asks for no password.`, fix });
  }
  // A new image has no package lists, and old lists name files that no longer exist.
  await runAsRoot("apt-get", ["update"], { step: `${step} (apt-get update)`, fix });
  await runAsRoot("apt-get", ["install", "-y", "--no-install-recommends", ...packages], { step: `${step} (apt-get install)`, fix });
}

/** Runs a program as root. Only where `aptInstall` has succeeded. */
export function runAsRoot(program, args, options) {
  // apt-get must not ask questions.
  if (isRoot()) return run(program, args, { ...options, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  return run("sudo", ["-n", "DEBIAN_FRONTEND=noninteractive", program, ...args], options);
}

const isRoot = () => process.getuid() === 0;
const mayBeRoot = () => isRoot() || capture("sudo", ["-n", "true"]) !== null;

function systemPackage({ name, packages = [name], ready, missing = `${name} is not on PATH`, fix }) {
  const step = `installing ${name}`;
  return {
    name,
    description: "installing the system package; about 1 min",
    ready,
    async run() {
      await aptInstall(packages, { step, fix });
      if (!ready()) throw new StepError(step, { why: `apt-get installed the packages, but ${missing}.`, fix });
    },
  };
}

function rustError() {
  const minimum = /^rust-version = "([\d.]+)"/m.exec(fs.readFileSync(path.join(ROOT, "Cargo.toml"), "utf8"))[1];
  const version = find("cargo") && capture("rustc", ["--version"], { cwd: ROOT });
  const [, major, minor] = /^rustc (\d+)\.(\d+)/.exec(version ?? "") ?? [];
  if (major === undefined) {
    return new StepError("finding Rust", {
      why: "There is no working `cargo` and `rustc` on PATH.",
      fix: `install Rust ${minimum} or newer: https://rustup.rs shows the command. If it is installed, put ~/.cargo/bin on PATH.`,
    });
  }
  const [minimumMajor, minimumMinor] = minimum.split(".").map(Number);
  if (Number(major) < minimumMajor || (Number(major) === minimumMajor && Number(minor) < minimumMinor)) {
    return new StepError("checking the Rust compiler", {
      why: `The project needs Rust ${minimum} or newer; ${find("rustc")} is ${version}.`,
      fix: "run `rustup update stable`. If this folder has a toolchain of its own, run `rustup override unset` too.",
    });
  }
  if (!find("cc")) {
    return new StepError("finding a C compiler", {
      why: "There is no `cc` on PATH, and Rust links with it.",
      fix: "install one: `sudo apt-get install build-essential` (Debian, Ubuntu), `xcode-select --install` (macOS).",
    });
  }
  return null;
}
