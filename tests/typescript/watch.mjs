// Follows an export to its end, and prints the stage of each event as it is told; at last {seqs, expected_seqs, last,
// sockets}. The test ends the API in between.
import { openAsBlob } from "node:fs";

import { ReelClient } from "../../clients/typescript/dist/index.js";

const { api, api_key, video } = JSON.parse(process.argv[2]);
let sockets = 0;
class CountedSocket extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener("open", () => sockets++);
  }
}
const client = new ReelClient({ baseUrl: api, token: api_key, WebSocket: CountedSocket });

const { video_key } = await client.uploads.upload(await openAsBlob(video), { filename: "clip.mp4" });
const params = { highlight_regions: [], crop_keyframes: [{ frame: 0, x: 437, y: 0, width: 405, height: 720 }], output_width: 1080, output_height: 1920 };
const job = await client.jobs.create({ project_id: 1, type: "overlay", input_video_key: video_key, params });
const events = [];
for await (const event of client.jobs.watch(job.id, { after: 0 })) {
  events.push(event);
  console.log(event.job.stage);
}
const { seq } = await client.jobs.events(job.id);
const seqs = events.map(({ seq }) => seq).filter((seq) => seq !== null);
console.log(JSON.stringify({ seqs, expected_seqs: Array.from({ length: seq }, (_, index) => index + 1), last: events.at(-1).type, sockets }));
