// Whether a result is the video that was asked for, as ffprobe sees it.
import path from "node:path";

import { capture } from "./run.mjs";
import { StepError } from "./log.mjs";

// One frame at 25 frames/s, and the padding of the last AAC frame.
const TOLERANCE_S = 0.1;

/** Returns the facts in a line, or fails with everything that is wrong. */
export function checkVideo(file, { width, height, durationS }) {
  const name = path.basename(file);
  const json = capture("ffprobe", ["-v", "error", "-show_entries", "stream=codec_type,codec_name,width,height,duration", "-of", "json", file]);
  if (json === null) throw new StepError(`checking ${name}`, { why: "ffprobe cannot read it.", fix: `look at ${file}` });
  const { streams = [] } = JSON.parse(json);
  const video = streams.find((stream) => stream.codec_type === "video") ?? {};
  const audio = streams.find((stream) => stream.codec_type === "audio") ?? {};
  const faults = [];
  const want = (what, is, wanted) => is === wanted || faults.push(`${what} is ${is ?? "missing"}, not ${wanted}`);
  want("the video's codec", video.codec_name, "h264");
  want("the size", `${video.width}x${video.height}`, `${width}x${height}`);
  want("the audio's codec", audio.codec_name, "aac");
  for (const [what, stream] of [["video", video], ["audio", audio]]) {
    if (!(Math.abs(Number(stream.duration) - durationS) <= TOLERANCE_S)) faults.push(`the ${what} lasts ${stream.duration ?? "?"} s, not ${durationS} s`);
  }
  if (faults.length > 0) throw new StepError(`checking ${name}`, { why: faults.join("\n"), fix: "this is a fault of the renderer: see its log." });
  return `${video.codec_name} ${video.width}x${video.height}, ${Number(video.duration).toFixed(2)} s, ${audio.codec_name}`;
}
