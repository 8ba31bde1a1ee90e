// How fast the renderer is beside ffmpeg alone: 1080p, every effect, framing, and a plain transcode
// with the same encoder settings, in turns of one run. Linux only: it reads /proc.
//
//   cargo build -p gpu-worker && node bench/render.mjs      (SECONDS=10, RUNS=3, ONLY=blur)
//   node bench/render.mjs memory                            (LONG=600, SHORT=30, FPS=25)
//
// GPU_WORKER names another build of the program. On a busy machine only the ratios of CPU time say
// something; frames per second need a quiet one.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "..");
const WORK = path.join(ROOT, "target/bench");
const PROGRAM = process.env.GPU_WORKER ?? path.join(ROOT, "target/debug/gpu-worker");
const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
// As gpu-worker's encoder has them: render/encode.rs.
const ENCODER = "-c:v libx264 -preset fast -crf 18 -pix_fmt yuv420p -c:a aac -b:a 192k -movflags +faststart".split(" ");
const SAMPLE_EVERY_MS = 50;

/** The sample, looped to 1080p of this length; made once. */
function film(seconds, fps) {
  const file = path.join(WORK, `1080p-${seconds}s-${fps}.mp4`);
  if (!fs.existsSync(file)) {
    const part = `${file}.part.mp4`;
    const args = ["-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", path.join(ROOT, "samples/bigbuckbunny.mp4"), "-t", seconds, "-vf", `scale=1920:1080,fps=${fps}`];
    execFileSync("ffmpeg", [...args, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p", "-c:a", "aac", part].map(String), { stdio: "inherit" });
    fs.renameSync(part, file);
  }
  return file;
}

/** Resident bytes of a process and all below it, each at this moment. */
function residentBytes(pid) {
  try {
    const kB = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0;
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

const transcode = (input, output) => measured("ffmpeg", ["-nostdin", "-v", "error", "-y", "-i", input, "-map", "0:v", "-map", "0:a?", ...ENCODER, output]);

function render(name, type, params, input, output) {
  const job = path.join(WORK, `${name}.json`);
  fs.writeFileSync(job, JSON.stringify({ type, params }));
  return measured(PROGRAM, ["render", job, "--in", input, "--out", output]);
}

/** A player that walks across the picture for the whole clip. */
const regions = (seconds) => {
  const key = (time, x) => ({ time, x, y: 560, radiusX: 115, radiusY: 230, opacity: 0.15, color: "#FFFF00" });
  return [{ start_time: 0, end_time: seconds, keyframes: [key(0, 500), key(seconds, 1400)] }];
};
const follow = (seconds) => [0, seconds].map((time, end) => ({ time, x: 200 + 900 * end, y: 0, width: 607, height: 1080 }));

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function speed() {
  const [seconds, runs, fps] = [number("SECONDS", 10), number("RUNS", 3), number("FPS", 25)];
  const input = film(seconds, fps);
  const output = path.join(WORK, "out.mp4");
  const overlay = (effect, more) => (out) => render(effect, "overlay", { effect_type: effect, highlight_regions: regions(seconds), ...more }, input, out);
  const crop = { crop_keyframes: follow(seconds) };
  const cases = [
    ["plain transcode", (out) => transcode(input, out)],
    ["dark_overlay", overlay("dark_overlay"), 0.8],
    ["brightness_boost", overlay("brightness_boost"), 0.8],
    ["original", overlay("original")],
    ["spotlight", overlay("spotlight")],
    ["blur", overlay("blur")],
    ["blur with crop", overlay("blur", crop), 0.6],
    ["framing", (out) => render("framing", "framing", { ...crop, output_width: 1080, output_height: 1920 }, input, out)],
  ].filter(([name], index) => index === 0 || name.includes(process.env.ONLY ?? ""));
  const found = cases.map(() => []);
  for (let turn = 0; turn < runs; turn++) {
    for (const [index, [, once]] of cases.entries()) found[index].push(await once(output));
  }
  fs.rmSync(output, { force: true });
  const of = (index, what) => median(found[index].map((run) => run[what]));
  console.log(`1080p, ${seconds} s at ${fps} frames a second, median of ${runs}\n`);
  console.log("                   frames/s  of plain   CPU s  of plain  peak MB");
  for (const [index, [name, , target]] of cases.entries()) {
    const cells = [
      ((seconds * fps) / of(index, "seconds")).toFixed(1).padStart(8),
      (of(0, "seconds") / of(index, "seconds")).toFixed(2).padStart(9),
      of(index, "cpuS").toFixed(1).padStart(7),
      (of(0, "cpuS") / of(index, "cpuS")).toFixed(2).padStart(9),
      (of(index, "peak") / 1e6).toFixed(0).padStart(8),
    ];
    console.log(`${name.padEnd(18)} ${cells.join(" ")}${target ? `   target ${target}` : ""}`);
  }
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
await (process.argv[2] === "memory" ? memory() : speed());
