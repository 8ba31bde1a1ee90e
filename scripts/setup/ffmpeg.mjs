// ffmpeg and ffprobe: the renderer decodes and encodes with them, the demo checks its result with them.
import { find, run } from "../run.mjs";
import { StepError } from "../log.mjs";
import { apt } from "./apt.mjs";

export const ffmpeg = {
  name: "ffmpeg",
  takes: "installing the system's package; about 1 min",
  ready: () => Boolean(find("ffmpeg") && find("ffprobe")),
  async run() {
    const install = apt();
    if (!install) {
      throw new StepError("finding ffmpeg", {
        why: `There is no \`${find("ffmpeg") ? "ffprobe" : "ffmpeg"}\` on PATH, and this script may not install one here.`,
        fix: "install ffmpeg with libx264 and aac: `sudo apt-get install ffmpeg` (Debian, Ubuntu), `sudo dnf install ffmpeg` (Fedora, with RPM Fusion), `brew install ffmpeg` (macOS). Then run the same command again.",
      });
    }
    await install(["ffmpeg"], "installing ffmpeg with apt-get");
    if (!this.ready()) {
      throw new StepError("installing ffmpeg", { why: "apt-get installed the package, but `ffmpeg` and `ffprobe` are not on PATH.", fix: "put /usr/bin on PATH." });
    }
  },
};
