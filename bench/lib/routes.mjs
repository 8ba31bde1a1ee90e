// One turn of a form: fresh jobs go from creation to their end, and each route is measured on the way.
import { AUTHORIZED, CLIENT, encode, uploadBody } from "./driver.mjs";

/** The routes in the order in which they are shown. */
export const ROUTES = {
  upload_url: "upload-url",
  read: "read a job",
  create: "create a job, with its submit and index row",
  tick: "progress tick",
  stage: "stage report",
  list: "list of 20",
  list_posters: "list of 20 with posters",
  claim: "claim",
  complete: "complete",
  constant: "constant answer (/health)",
};

export const FULL = { jobs: 200, constants: 3000, uploads: 1500, ticks: 15, reads: 15, lists: 400 };
export const QUICK = { jobs: 40, constants: 600, uploads: 200, ticks: 8, reads: 8, lists: 60 };

const STAGES = ["downloading", "rendering"];
const has = (text) => (body) => body.includes(text);
const applied = has('"applied":true');
const times = (count, make) => Array.from({ length: count }, (_, index) => make(index));

/** Microseconds of CPU a request for each route, and what a finished job has used in the mean. */
export async function apiTurn(driver, sizes) {
  const us = {};
  const health = encode("GET", "/health");
  us.constant = await driver.measure(times(sizes.constants, () => health), { right: has('"status":"ok"') });
  us.upload_url = await driver.measure(times(sizes.uploads, (n) => encode("POST", "/api/videos/upload-url", CLIENT, uploadBody(`game ${n}.mp4`))), { right: has("X-Amz-Signature=") });

  const ids = driver.ids(sizes.jobs);
  us.create = await driver.measure(driver.creations(ids), { status: 201, right: (body, n) => body.includes(ids[n]), afterwards: () => driver.runpod.untilSubmitted(ids) });
  us.claim = await driver.measure(driver.claims(ids), { right: (body, n) => body.includes('"output":{') && body.includes(ids[n]) });

  const stages = STAGES.flatMap((stage, n) => driver.callbacks(ids, "progress", () => ({ progress: n + 1, stage, message: `Now ${stage}` })));
  us.stage = await driver.measure(stages, { right: applied });
  const ticks = times(sizes.ticks, (n) => driver.callbacks(ids, "progress", () => ({ progress: n + 3, stage: "rendering", message: `Rendering ${n} of ${sizes.ticks} frames` }))).flat();
  us.tick = await driver.measure(ticks, { right: applied });

  const reads = ids.map((id) => encode("GET", `/api/jobs/${id}`, AUTHORIZED));
  const last = `"progress":${sizes.ticks + 2},`;
  us.read = await driver.measure(times(sizes.reads, () => reads).flat(), { right: (body, n) => body.includes(ids[n % ids.length]) && body.includes(last) });

  const list = times(sizes.lists, () => encode("GET", "/api/jobs?limit=20", AUTHORIZED));
  const page = (text) => (body) => body.split('"job_id"').length === 21 && body.includes(text);
  us.list = await driver.measure(list, { right: page('"poster_url":null') });

  await driver.putOutputs(ids);
  const ends = driver.callbacks(ids, "complete", (id) => ({ output_video_key: `output/${id}/1/video.mp4`, output_bytes: 7, poster_key: `output/${id}/1/poster.jpg` }));
  us.complete = await driver.measure(ends, { right: applied });
  us.list_posters = await driver.measure(list.slice(0, Math.ceil(list.length / 2)), { right: page("/poster.jpg?") });

  const usages = [];
  await driver.send(reads, { right: (body) => {
    const job = JSON.parse(body);
    usages.push(job.usage);
    return job.status === "complete" && job.output_bytes === 7 && job.poster_url !== null;
  } });
  const mean = (unit) => usages.reduce((sum, usage) => sum + usage[unit], 0) / usages.length;
  return { us, usage: Object.fromEntries(Object.keys(usages[0]).map((unit) => [unit, mean(unit)])) };
}

/** The same for a form of the floor, which has one path. */
export async function floorTurn(driver, sizes) {
  return { us: { floor: await driver.measure(times(sizes.constants, () => encode("GET", "/")), {}) } };
}
