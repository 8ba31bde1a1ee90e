// Checks with ffprobe that a result is the video that was ordered.
import path from "node:path";

import { StepError } from "./log.mjs";
import { capture } from "./run.mjs";

// One frame at 25 frames/s, and the padding of the last AAC frame.
const TOLERANCE_S = 0.1;

/** Returns what the file is, in one line, or throws StepError with every difference. */
export function checkVideo(file, { width, height, durationS }) {
  const step = `checking ${path.basename(file)}`;
  const json = capture("ffprobe", ["-v", "error", "-show_entries", "stream=codec_type,codec_name,width,height,duration", "-of", "json", file]);
  if (json === null) throw new StepError(step, { why: "ffprobe cannot read the file.", fix: `run \`ffprobe ${file}\`.` });
  const { streams = [] } = JSON.parse(json);
  const video = streams.find((stream) => stream.codec_type === "video") ?? {};
  const audio = streams.find((stream) => stream.codec_type === "audio") ?? {};
  const differences = [];
  const expect = (what, actual, expected) => actual === expected || differences.push(`${what} is ${actual ?? "missing"}, not ${expected}`);
  expect("the video codec", video.codec_name, "h264");
  expect("the size", `${video.width}x${video.height}`, `${width}x${height}`);
  expect("the audio codec", audio.codec_name, "aac");
  for (const [what, { duration }] of [["video", video], ["audio", audio]]) {
    // Written so that NaN is a difference too.
    if (!(Math.abs(Number(duration) - durationS) <= TOLERANCE_S)) differences.push(`the ${what} lasts ${duration ?? "?"} s, not ${durationS} s`);
  }
  if (differences.length > 0) throw new StepError(step, { why: differences.join("\n"), fix: "this is an error of the renderer: see its log." });
  return `${video.codec_name} ${video.width}x${video.height}, ${Number(video.duration).toFixed(2)} s, ${audio.codec_name}`;
}
