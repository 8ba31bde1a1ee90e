// Draws one picture: for each export a row of source frames, and below it the same moments of the result.
import path from "node:path";

import { run } from "./run.mjs";

const MOMENTS = [0.04, 0.22, 0.42, 0.65, 0.95];
const TILE_WIDTH = 320;
const GAP = 8;

/** Writes `sheet`. The results must begin where the source begins. */
export async function contactSheet(source, results, sheet) {
  const rows = results.flatMap(({ result, durationS }) => [source, result].map((file) => ({ file, durationS })));
  const stills = rows.flatMap(({ file, durationS }) => MOMENTS.map((share) => ({ file, at: (share * durationS).toFixed(3) })));
  const inputs = stills.flatMap(({ file, at }) => ["-ss", at, "-i", file]);
  const tiles = stills.map((_, i) => `[${i}:v]trim=end_frame=1,scale=${TILE_WIDTH}:-2,setsar=1,pad=iw+${GAP}:ih+${GAP}:${GAP / 2}:${GAP / 2}:white[t${i}]`);
  const lines = rows.map((_, row) => `${MOMENTS.map((_, i) => `[t${row * MOMENTS.length + i}]`).join("")}hstack=inputs=${MOMENTS.length}[r${row}]`);
  const all = `${rows.map((_, row) => `[r${row}]`).join("")}vstack=inputs=${rows.length}[sheet]`;
  await run("ffmpeg", ["-v", "error", "-y", ...inputs, "-filter_complex", [...tiles, ...lines, all].join(";"), "-map", "[sheet]", "-frames:v", "1", sheet], {
    step: `drawing ${path.basename(sheet)}`,
    fix: "see the message of ffmpeg above.",
  });
  return sheet;
}
