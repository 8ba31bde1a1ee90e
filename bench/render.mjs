// How fast the renderer is beside ffmpeg alone: 1080p with noise and motion, every effect and framing, each
// in turns with a plain transcode to the same size with the same encoder settings. Linux only: it reads /proc.
//
//   npm run bench:render               (SECONDS=60, RUNS=3, FPS=30, ONLY=blur)
//   npm run bench:render -- 4k         (SECONDS=5, FPS=60): blur of 3840x2160, as it is and into 1080x1920
//   npm run bench:render -- memory     (LONG=600, SHORT=30)
//
// It builds the program as the image of RunPod's workers does; GPU_WORKER names another build. On a busy
// machine only the ratios of CPU time say something; frames per second need a quiet one.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");
const WORK = path.join(ROOT, "target/bench");
const PROGRAM = process.env.GPU_WORKER ?? path.join(ROOT, "target/release/gpu-worker");
/** The workspace's release profile makes a Worker small; gpu-worker/runpod/Dockerfile builds the renderer so. */
const RELEASE = { CARGO_PROFILE_RELEASE_OPT_LEVEL: "3", CARGO_PROFILE_RELEASE_LTO: "thin", CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16" };
const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
// As gpu-worker's encoder has them: ffmpeg/encode.rs.
const ENCODER = "-c:v libx264 -preset fast -crf 18 -rc-lookahead 20 -g 30 -flags +cgop -pix_fmt yuv420p -c:a aac -b:a 192k -movflags +faststart".split(" ");
const SAMPLE_EVERY_MS = 50;

/** A test picture with noise and motion; made once. */
function film(seconds, fps, size = "1920x1080") {
  const file = path.join(WORK, `${size}-${seconds}s-${fps}.mp4`);
  if (!fs.existsSync(file)) {
    const part = `${file}.part.mp4`;
    const picture = `testsrc2=s=${size}:r=${fps}:d=${seconds},noise=alls=6:allf=t`;
    const inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", `sine=440:d=${seconds}`];
    const tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"];
    const codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p", ...tags, "-c:a", "aac"];
    execFileSync("ffmpeg", ["-nostdin", "-v", "error", "-y", ...inputs, ...codec, part], { stdio: "inherit" });
    fs.renameSync(part, file);
  }
  return file;
}

/** Memory of a process and all below it at this moment; what several share is counted once. */
function residentBytes(pid) {
  try {
    const kB = /^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0;
    const tasks = fs.readdirSync(`/proc/${pid}/task`);
    const below = tasks.flatMap((task) => fs.readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean));
    return Number(kB) * 1024 + below.reduce((sum, child) => sum + residentBytes(child), 0);
  } catch {
    return 0; // It ended while it was looked at.
  }
}

/** Runs a command under a shell that counts the CPU time of everything below it. */
async function measured(command, args) {
  const began = process.hrtime.bigint();
  const shell = spawn("sh", ["-c", '"$0" "$@" >/dev/null || exit 1; times', command, ...args.map(String)], { stdio: ["ignore", "pipe", "inherit"] });
  let times = "";
  let peak = 0;
  shell.stdout.on("data", (text) => (times += text));
  const sampler = setInterval(() => (peak = Math.max(peak, residentBytes(shell.pid))), SAMPLE_EVERY_MS);
  const code = await new Promise((resolve) => shell.on("close", resolve));
  clearInterval(sampler);
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  const below = times.trim().split("\n").at(-1).split(" ");
  const cpuS = below.reduce((sum, time) => sum + Number(/(\d+)m/.exec(time)[1]) * 60 + Number(/m([\d.]+)s/.exec(time)[1]), 0);
  return { seconds: Number(process.hrtime.bigint() - began) / 1e9, cpuS, peak };
}

const transcode = (input, output, filters) =>
  measured("ffmpeg", ["-nostdin", "-v", "error", "-y", "-i", input, "-map", "0:v", "-map", "0:a?", ...(filters ? ["-vf", filters] : []), ...ENCODER, output]);

function render(name, type, params, input, output) {
  const job = path.join(WORK, `${name}.json`);
  fs.writeFileSync(job, JSON.stringify({ type, params }));
  return measured(PROGRAM, ["render", job, "--in", input, "--out", output]);
}

/** A player that walks across a picture of this height for the whole clip. */
const regions = (seconds, height = 1080) => {
  const px = (value) => Math.round((value * height) / 1080);
  const key = (time, x) => ({ time, x: px(x), y: px(560), radiusX: px(115), radiusY: px(230), opacity: 0.15, color: "#FFFF00" });
  return [{ start_time: 0, end_time: seconds, keyframes: [key(0, 500), key(seconds, 1400)] }];
};
/** An upright crop that follows the player. */
const follow = (seconds, height = 1080) => ({
  crop_keyframes: [0, seconds].map((time, end) => ({ time, x: (200 + 900 * end) * (height / 1080), y: 0, width: Math.floor((height * 9) / 16), height })),
  output_width: 1080,
  output_height: 1920,
});
/** The same crop, standing still, in a plain transcode. */
const upright = (height) => `crop=${Math.floor((height * 9) / 16)}:${height}:exact=1,scale=1080:1920`;

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Runs each case in turns with its plain transcode and prints the medians. */
async function compare(title, frames, runs, input, cases) {
  const output = path.join(WORK, "out.mp4");
  console.log(`${title}, median of ${runs}: CPU of plain ffmpeg / CPU of ours\n`);
  console.log("                   of plain CPU  plain CPU s   CPU s  frames/s  peak MB");
  for (const [name, once, filters, target] of cases.filter(([name]) => name.includes(process.env.ONLY ?? ""))) {
    const pairs = [];
    for (let turn = 0; turn < runs; turn++) pairs.push([await transcode(input, output, filters), await once(output)]);
    const of = (what) => median(pairs.map(what));
    const cells = [
      of(([plain, ours]) => plain.cpuS / ours.cpuS).toFixed(2).padStart(12),
      of(([plain]) => plain.cpuS).toFixed(1).padStart(12),
      of(([, ours]) => ours.cpuS).toFixed(1).padStart(7),
      of(([, ours]) => frames / ours.seconds).toFixed(1).padStart(9),
      of(([, ours]) => ours.peak / 1e6).toFixed(0).padStart(8),
    ];
    console.log(`${name.padEnd(18)} ${cells.join(" ")}${target ? `   target ${target}` : ""}`);
  }
  fs.rmSync(output, { force: true });
}

async function speed() {
  const [seconds, runs, fps] = [number("SECONDS", 60), number("RUNS", 3), number("FPS", 30)];
  const input = film(seconds, fps);
  const overlay = (effect, more) => (out) => render(effect, "overlay", { effect_type: effect, highlight_regions: regions(seconds), ...more }, input, out);
  await compare(`1080p, ${seconds} s at ${fps} frames a second`, seconds * fps, runs, input, [
    ["dark_overlay", overlay("dark_overlay"), undefined, 0.95],
    ["spotlight", overlay("spotlight"), undefined, 0.95],
    ["brightness_boost", overlay("brightness_boost"), undefined, 0.9],
    ["original", overlay("original"), undefined, 0.9],
    ["blur", overlay("blur"), undefined, 0.9],
    ["blur with crop", overlay("blur", follow(seconds)), upright(1080), 0.9],
    ["framing", (out) => render("framing", "framing", follow(seconds), input, out), upright(1080), 0.9],
  ]);
}

async function large() {
  const [seconds, runs, fps] = [number("SECONDS", 5), number("RUNS", 1), number("FPS", 60)];
  const input = film(seconds, fps, "3840x2160");
  const blur = (more) => (out) => render("large", "overlay", { effect_type: "blur", highlight_regions: regions(seconds, 2160), ...more }, input, out);
  await compare(`3840x2160, ${seconds} s at ${fps} frames a second`, seconds * fps, runs, input, [
    ["blur", blur()],
    ["blur with crop", blur(follow(seconds, 2160)), upright(2160)],
  ]);
}

async function memory() {
  const fps = number("FPS", 25);
  const peaks = [];
  for (const seconds of [number("SHORT", 30), number("LONG", 600)]) {
    const output = path.join(WORK, "out.mp4");
    const run = await render("memory", "overlay", { effect_type: "blur", highlight_regions: regions(seconds) }, film(seconds, fps), output);
    fs.rmSync(output, { force: true });
    peaks.push(run.peak);
    console.log(`blur, 1080p, ${seconds} s at ${fps} frames a second: peak ${(run.peak / 1e6).toFixed(0)} MB in ${run.seconds.toFixed(0)} s`);
  }
  console.log(`the long one needs ${(peaks[1] / peaks[0]).toFixed(2)} times the memory`);
}

fs.mkdirSync(WORK, { recursive: true });
if (!process.env.GPU_WORKER) {
  execFileSync("cargo", ["build", "--release", "-p", "gpu-worker", "--bin", "gpu-worker"], { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...RELEASE } });
}
await ({ memory, "4k": large }[process.argv[2]] ?? speed)();
