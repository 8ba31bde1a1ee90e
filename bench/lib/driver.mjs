// One form under load: what a client and a GPU worker send, with each answer checked.
import fs from "node:fs";
import path from "node:path";
import { randomUUID } from "node:crypto";

import { ROOT } from "../../scripts/paths.mjs";
import { API_KEY, putObject } from "./forms.mjs";
import { Pool, encode } from "./http.mjs";
import { cpuMeter, quiet } from "./processes.mjs";

const CONNECTIONS = 16;
export const AUTHORIZED = { authorization: `Bearer ${API_KEY}` };
export const CLIENT = { ...AUTHORIZED, "content-type": "application/json" };
export const INPUT = "input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/game.mp4";
const OVERLAY = JSON.parse(fs.readFileSync(path.join(ROOT, "samples/overlay.json"), "utf8"));

export const jobBody = (id) => JSON.stringify({ job_id: id, project_id: 7, type: "overlay", input_video_key: INPUT, params: OVERLAY });
export const uploadBody = (name) => JSON.stringify({ filename: name, content_type: "video/mp4", size_bytes: 7_340_032 });

/** A started form with its connections, and what is done to it. */
export class Driver {
  static async open(form, runpod) {
    const driver = new Driver();
    driver.form = form;
    driver.runpod = runpod;
    driver.pool = await Pool.open(form.port, CONNECTIONS);
    return driver;
  }

  close() {
    this.pool.close();
  }

  async ask(method, path, headers, body, expected = 200) {
    const answer = await this.pool.ask(method, path, headers, body);
    if (answer.status !== expected) throw new Error(`${this.form.name}: ${method} ${path} answered ${answer.status}: ${answer.body}`);
    return answer.body === "" ? null : JSON.parse(answer.body);
  }

  /**
   * Sends requests and gives the microseconds of CPU that each has cost workerd, with all that it does afterwards
   * because of them. `right(body, index)` says whether an answer is right.
   */
  async measure(requests, { status = 200, right, afterwards }) {
    await this.pool.open();
    const meter = cpuMeter(this.form.pid);
    await this.send(requests, { status, right });
    await afterwards?.();
    await quiet(this.form.pid);
    return meter() / requests.length;
  }

  send(requests, { status = 200, right = () => true }) {
    return this.pool.run(requests, (answer, index) => {
      if (answer.status === status && right(answer.body, index)) return;
      throw new Error(`${this.form.name}: a wrong answer ${answer.status} to ${requests[index].toString().split("\r\n")[0]}: ${answer.body.slice(0, 500)}`);
    });
  }

  ids = (count) => Array.from({ length: count }, () => randomUUID());

  creations = (ids) => ids.map((id) => encode("POST", "/api/jobs", CLIENT, jobBody(id)));

  /** A callback of each job's GPU worker; `report(id, index)` is its body. */
  callbacks(ids, kind, report) {
    return ids.map((id, index) => {
      const { token } = this.runpod.submitted(id);
      return encode("POST", `/api/jobs/${id}/attempt/${kind}`, { authorization: `Bearer ${token}`, "content-type": "application/json" }, JSON.stringify(report(id, index)));
    });
  }

  claims = (ids) => this.callbacks(ids, "claim", (id) => ({ runpod_job_id: this.runpod.submitted(id).id, conditional_put: true }));

  /** Creates jobs and waits until RunPod has them, without measuring. */
  async createJobs(count) {
    const ids = this.ids(count);
    await this.send(this.creations(ids), { status: 201 });
    await this.runpod.untilSubmitted(ids);
    await quiet(this.form.pid);
    return ids;
  }

  async putOutputs(ids) {
    for (let at = 0; at < ids.length; at += CONNECTIONS) {
      const some = ids.slice(at, at + CONNECTIONS);
      await Promise.all(some.flatMap((id) => [putObject(this.form, `output/${id}/1/video.mp4`), putObject(this.form, `output/${id}/1/poster.jpg`)]));
    }
    await quiet(this.form.pid);
  }
}

export { encode };
