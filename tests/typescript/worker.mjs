// The TypeScript client in the Workers runtime: uploads, creates a job and follows it, in a Worker of its own. Prints
// {last, seqs, expected_seqs, sockets}, where `sockets` says whether the runtime's own sockets were used.
import fs from "node:fs/promises";
import { fileURLToPath } from "node:url";

import esbuild from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const { api, api_key, video } = JSON.parse(process.argv[2]);

const WORKER = `
import { ReelClient } from "../../clients/typescript/src/index.ts";

export default {
  async fetch(request, { API, KEY }) {
    let sockets = 0;
    class CountedSocket extends WebSocket {
      constructor(...args) {
        super(...args);
        sockets++;
      }
    }
    const client = new ReelClient({ baseUrl: API, token: KEY, WebSocket: CountedSocket });
    const { video_key } = await client.uploads.upload(await request.blob(), { filename: "clip.mp4" });
    const crop_keyframes = [{ frame: 0, x: 437, y: 0, width: 405, height: 720 }];
    const params = { crop_keyframes, output_width: 270, output_height: 480 };
    const job = await client.jobs.create({ project_id: 9, type: "framing", input_video_key: video_key, params });
    const events = [];
    for await (const event of client.jobs.watch(job.id, { after: 0 })) events.push(event);
    const { seq } = await client.jobs.events(job.id);
    return Response.json({
      last: events.at(-1).type,
      seqs: events.map(({ seq }) => seq).filter((seq) => seq !== null),
      expected_seqs: Array.from({ length: seq }, (_, index) => index + 1),
      sockets,
    });
  },
};
`;

const resolveDir = fileURLToPath(new URL(".", import.meta.url));
const built = await esbuild.build({ stdin: { contents: WORKER, resolveDir }, bundle: true, format: "esm", write: false, logLevel: "error" });
const modules = [{ type: "ESModule", path: "worker.mjs", contents: built.outputFiles[0].text }];
const runtime = new Miniflare(convertV4MiniflareOptions({ name: "worker", modules, compatibilityDate: "2026-01-01", bindings: { API: api, KEY: api_key } }));
try {
  const answer = await runtime.dispatchFetch("http://worker/", { method: "POST", body: await fs.readFile(video), headers: { "content-type": "video/mp4" } });
  console.log(await answer.text());
} finally {
  await runtime.dispose();
}
