// Growth: what a list costs when the index has many rows, and what a job costs that has many events.
import { AUTHORIZED, encode } from "./driver.mjs";

/** The lists that are asked for. The last two match 25 rows, however many there are. */
export const LISTS = {
  newest: "/api/jobs?limit=20",
  status: "/api/jobs?status=error&limit=20",
  type: "/api/jobs?type=framing&limit=20",
};

const MATCHING = 25;
const BATCH = 50_000;
const FIRST_MS = 1_600_000_000_000;
const SLICE_MS = 600;

const INSERT = `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
  INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, created_at, version)
  SELECT printf('%08x-0000-4000-8000-%012x', i, i), i % 1000 + 1, CASE WHEN i < ${MATCHING} THEN 'framing' ELSE 'overlay' END,
    CASE WHEN i < ${MATCHING} THEN 'error' ELSE 'complete' END, 1, printf('input/%08x-0000-4000-8000-%012x/game.mp4', i, i), ${FIRST_MS} + i, 1 FROM n`;

/** Adds old rows to the index until there are so many. */
export async function fillIndex(driver, from, to) {
  const database = await driver.form.miniflare.getD1Database("DB");
  for (let at = from; at < to; at += BATCH) await database.prepare(INSERT).bind(at, Math.min(at + BATCH, to)).run();
}

/** Microseconds of CPU for each of the lists. A list that takes long is asked for less often. */
export async function listCosts(driver, requests) {
  const us = {};
  for (const [name, path] of Object.entries(LISTS)) {
    const one = encode("GET", path, AUTHORIZED);
    const began = performance.now();
    await driver.send([one, one], {});
    const each = (performance.now() - began) / 2;
    const count = Math.max(5, Math.min(requests, Math.round(SLICE_MS / each)));
    us[name] = await driver.measure(Array.from({ length: count }, () => one), { right: (body) => body.startsWith('{"jobs":[') });
  }
  return us;
}

/** Microseconds of a stage report and a read for a job that has so many events. */
export async function eventCosts(driver, events, requests) {
  const [id] = await driver.createJobs(1);
  await driver.send(driver.claims([id]), {});
  const report = (n) => driver.callbacks([id], "progress", () => ({ progress: 1, stage: n % 2 ? "rendering" : "downloading" }))[0];
  // One after the other: each must find the other stage.
  const change = async (count) => {
    for (let n = 0; n < count; n++) await driver.send([report(n)], {});
  };
  await change(events - 3 - (events - 3) % 2);
  const stage = await driver.measure(Array.from({ length: requests }, (_, n) => report(n)), {});
  const read = await driver.measure(Array.from({ length: requests }, () => encode("GET", `/api/jobs/${id}`, AUTHORIZED)), { right: (body) => body.includes(id) });
  return { stage, read };
}
