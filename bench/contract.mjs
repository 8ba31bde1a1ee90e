// Whether the peer is a peer: sends it and ours the same requests and compares the status and the shape of each JSON,
// that is the names of its members and the types of their values. `npm run bench` does the same before it measures.
//
//   node bench/contract.mjs
import { pathToFileURL } from "node:url";

import { StepError } from "../scripts/log.mjs";
import { main } from "../scripts/main.mjs";
import { AUTHORIZED, CLIENT, Driver, INPUT } from "./lib/driver.mjs";
import { putObject, startForm } from "./lib/forms.mjs";
import { quiet } from "./lib/processes.mjs";
import { startRunpod } from "./lib/runpod.mjs";
import { differences, shape } from "./lib/shape.mjs";
import { openSocket } from "./lib/socket.mjs";

const OTHER = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f5f";
const region = { color: "#ffffff", start_frame: 0, end_frame: 60, opacity: 1, x: 540, y: 960, radius_x: 80, radius_y: 160 };
const overlay = { crop_keyframes: null, effect_type: "blur", highlight_regions: [region], output_height: 1920, output_width: 1080 };
const framing = { clip_index: 0, crop_keyframes: [{ frame: 0, height: 720, width: 405, x: 100.5, y: 0 }], end_time: 4.5, output_height: 1920, output_width: 1080, start_time: null };

/** Every exchange with one form: its name, status and shape. */
export async function exchanges(driver) {
  const seen = [];
  const ask = async (name, method, path, headers, body) => {
    const { status, body: text } = await driver.pool.ask(method, path, headers, typeof body === "object" ? JSON.stringify(body) : body);
    const value = text === "" ? null : JSON.parse(text);
    seen.push({ name, status, shape: shape(value), code: value?.code });
    return value;
  };
  const create = (name, body, headers = CLIENT) => ask(name, "POST", "/api/jobs", headers, body);
  const get = (name, path, headers = AUTHORIZED) => ask(name, "GET", path, headers);
  const job = (id, more = {}) => ({ job_id: id, project_id: 7, type: "overlay", input_video_key: INPUT, params: overlay, ...more });
  const upload = (name, body) => ask(name, "POST", "/api/videos/upload-url", CLIENT, body);
  const report = (name, id, kind, body, { token = driver.runpod.submitted(id).token, old = false } = {}) =>
    old
      ? ask(name, "POST", `/api/jobs/${id}/do/${token}/${kind}`, { "content-type": "application/json" }, body)
      : ask(name, "POST", `/api/jobs/${id}/attempt/${kind}`, { authorization: `Bearer ${token}`, "content-type": "application/json" }, body);
  const [id, framed, failed] = driver.ids(3);

  await get("health", "/health", {});
  await get("no key", "/api/jobs", {});
  await get("wrong key", "/api/jobs", { authorization: "Bearer another-key" });
  await get("no such route", "/api/nothing");
  await get("no id", "/api/jobs/not-an-id");
  await get("no such job", `/api/jobs/${OTHER}`);
  await get("no jobs", "/api/jobs");
  await get("wrong list", "/api/jobs?staus=done&limit=0");
  await upload("upload-url", { filename: "game.mp4", content_type: "video/mp4", size_bytes: 7 });
  await upload("upload-url of a job", { filename: "game.mp4", content_type: "video/mp4", job_id: OTHER });
  await upload("upload-url taken", { filename: "game.mp4", content_type: "video/mp4", job_id: INPUT.split("/")[1] });
  await upload("upload-url refused", { filename: "", content_type: "image/png", job_id: "x", size_bytes: 0 });
  await create("create without key", job(id), { "content-type": "application/json" });
  await create("create not json", '{"project_id": 1,}');
  await create("create as text", job(id), AUTHORIZED);
  await create("create refused params", job(OTHER, { params: { ...overlay, effect_type: "spotligth", highlight_regions: null, output_width: 3 } }));
  await create("create without input", job(OTHER, { input_video_key: `input/${OTHER}/missing.mp4` }));
  await create("create overlay", job(id));
  await create("create again", job(id));
  await create("create conflict", job(id, { project_id: 8 }));
  await create("create framing", job(framed, { type: "framing", params: framing }));
  await create("create moving", job(failed, { params: { ...overlay, highlight_regions: [{ start_time: 0, end_time: 2, keyframes: [{ time: 0, x: 1, y: 2, radiusX: 3, radiusY: 4 }] }] } }));
  await driver.runpod.untilSubmitted([id, framed, failed]);
  await quiet(driver.form.pid);
  await get("job queued", `/api/jobs/${id}`);

  const messages = [];
  const watching = await openSocket(driver.form.port, `/api/jobs/${id}/ws?after=0`, AUTHORIZED, (text) => messages.push(JSON.parse(text)));
  const { websocket_url: link } = await driver.ask("GET", `/api/jobs/${id}`, AUTHORIZED);
  const linked = [];
  const byLink = await openSocket(driver.form.port, link, {}, (text) => linked.push(JSON.parse(text)));
  await get("socket without upgrade", `/api/jobs/${id}/ws`);
  await get("socket with a forged token", `/api/jobs/${id}/ws?token=0.9999999999.${"0".repeat(64)}`, {});
  await report("forged token", id, "progress", { progress: 1 }, { token: `1.9999999999.${"0".repeat(64)}` });
  await report("claim", id, "claim", { runpod_job_id: driver.runpod.submitted(id).id });
  await report("claim of another", id, "claim", { runpod_job_id: "another-job" });
  await report("claim of an older worker, put once", framed, "claim", { conditional_put: true }, { old: true });
  await report("progress", id, "progress", { progress: 5, stage: "downloading", message: "Downloading the video" });
  await report("progress in between", id, "progress", { progress: 6.5 });
  await report("progress, old path", id, "progress", { progress: 7, stage: "rendering" }, { old: true });
  await report("progress refused", id, "progress", {});
  await report("complete of another job", id, "complete", { output_video_key: `output/${OTHER}/1/video.mp4` });
  await get("job processing", `/api/jobs/${id}`);
  await driver.putOutputs([id]);
  await report("complete", id, "complete", { output_video_key: `output/${id}/1/video.mp4`, output_bytes: 7, poster_key: `output/${id}/1/poster.jpg` });
  await report("complete again", id, "complete", { output_video_key: `output/${id}/1/video.mp4` });
  await quiet(driver.form.pid);
  await get("job complete", `/api/jobs/${id}`);
  await report("error, retried", framed, "error", { error: "CUDA is out of memory.", error_code: "gpu_out_of_memory" });
  await report("report of an old attempt", framed, "progress", { progress: 50 });
  await report("error, the end", failed, "error", { error: "No video.", error_code: "invalid_input", should_retry: false });
  await get("job retrying", `/api/jobs/${framed}`);
  await get("job failed", `/api/jobs/${failed}`);
  await quiet(driver.form.pid);
  await get("jobs", "/api/jobs");
  await get("first page", "/api/jobs?project_id=7&limit=1");
  for (const [name, got] of [["messages of a socket", messages], ["messages of a link", linked]]) {
    seen.push({ name, status: got.length, shape: got.map((message) => [message.type, message.stage, shape(message)]) });
  }
  watching.close();
  byLink.close();
  return seen;
}

/** Compares two open drivers; gives how many exchanges are alike. */
export async function checkContract(ours, peer) {
  const [of, beside] = [await exchanges(ours), await exchanges(peer)];
  const different = differences(of, beside);
  if (different.length > 0) throw new StepError("comparing the peer with ours", { why: different.join("\n"), fix: "make bench/peer answer as ours does: only then do the figures compare." });
  return of.length;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const runpod = await startRunpod();
    const drivers = [];
    try {
      for (const name of ["ours", "peer"]) {
        const form = await startForm(name, { runpod });
        await putObject(form, INPUT);
        drivers.push(await Driver.open(form, runpod));
      }
      console.log(`${await checkContract(...drivers)} exchanges have the same status and the same shape.`);
    } finally {
      for (const driver of drivers) driver.close();
      for (const driver of drivers) await driver.form.stop();
      await runpod.stop();
    }
  });
}
