// What a Worker costs before it has done anything: the first request of a fresh process, and the memory of its objects.
import { CLIENT, Driver, INPUT, encode, uploadBody } from "./driver.mjs";
import { putObject, startForm } from "./forms.mjs";
import { Pool } from "./http.mjs";
import { residentBytes } from "./processes.mjs";

const HEALTH = encode("GET", "/health");
const UPLOAD = encode("POST", "/api/videos/upload-url", CLIENT, uploadBody("game.mp4"));

/** Milliseconds of the first and the second request of a fresh process. */
export async function coldStart(name, { modules, runpod, first }) {
  const form = await startForm(name, { modules, runpod });
  const pool = await Pool.open(form.port, 1);
  const request = first === "upload_url" ? UPLOAD : HEALTH;
  const ms = [];
  try {
    for (let n = 0; n < 2; n++) {
      const began = performance.now();
      await pool.run([request], ({ status, body }) => {
        if (status !== 200) throw new Error(`${name}: the first request was answered with ${status}: ${body}`);
      });
      ms.push(performance.now() - began);
    }
  } finally {
    pool.close();
    await form.stop();
  }
  return { first: ms[0], second: ms[1] };
}

/** Resident megabytes of a fresh process, and kilobytes that each live job adds. */
export async function memory(name, { modules, runpod, jobs }) {
  const form = await startForm(name, { modules, runpod });
  const driver = await Driver.open(form, runpod);
  try {
    await driver.send([HEALTH], {});
    const fresh = residentBytes(form.pid);
    await putObject(form, INPUT);
    await driver.createJobs(Math.ceil(jobs / 4));
    const warm = residentBytes(form.pid);
    await driver.createJobs(jobs);
    return { fresh_mb: fresh / 1e6, after_mb: residentBytes(form.pid) / 1e6, job_kb: (residentBytes(form.pid) - warm) / jobs / 1e3 };
  } finally {
    driver.close();
    await form.stop();
  }
}
