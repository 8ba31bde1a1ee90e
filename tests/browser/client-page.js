// The page of the client test. It takes the client's sources, which esbuild compiles.
import { createElement } from "react";
import { createRoot } from "react-dom/client";

import { ReelClient } from "../../clients/typescript/src/index.ts";
import { useExport } from "../../clients/typescript/src/react.ts";

const PARAMS = { crop_keyframes: [{ frame: 0, x: 437, y: 0, width: 405, height: 720 }], output_width: 270, output_height: 480 };
const PART = 5 * 1024 * 1024;

window.useClient = async ({ api, api_key }) => {
  const client = new ReelClient({ baseUrl: api, token: () => api_key });

  const progress = [];
  await client.uploads.upload(new File([new Uint8Array(2 * PART + 1)], "match.mp4"), { partSize: PART, onProgress: ({ sent }) => progress.push(sent) });
  if (progress.at(-1) !== 2 * PART + 1 || progress.some((sent, index) => sent < progress[index - 1])) throw new Error(`progress: ${progress}`);

  const [file] = document.querySelector("input").files;
  const { video_key } = await client.uploads.upload(file);
  const job = await client.jobs.create({ project_id: 7, type: "framing", input_video_key: video_key, params: PARAMS });
  const events = [];
  for await (const event of client.jobs.watch(job.id, { after: 0 })) events.push(event);
  const { seq } = await client.jobs.events(job.id);

  const error = await client.jobs.create({ project_id: "7", type: "framing", input_video_key: video_key, params: { ...PARAMS, fit: "wide" } }).catch((error) => error);

  await client.projects.put(7, { working_video_key: video_key });
  return {
    events: {
      seqs: events.map(({ seq }) => seq).filter((seq) => seq !== null),
      expected_seqs: Array.from({ length: seq }, (_, index) => index + 1),
      last: events.at(-1).type,
    },
    error: { name: error.name, pointers: error.errors.map(({ pointer }) => pointer) },
    hook: await showExport(client),
  };
};

/** Renders a component that exports project 7, and waits until it shows the end. */
function showExport(client) {
  const element = document.body.appendChild(document.createElement("main"));
  return new Promise((resolve, reject) => {
    function Export() {
      const { job, running, ended, error, start } = useExport(client);
      if (error) reject(error);
      if (ended && !running) setTimeout(() => resolve({ status: job.status, text: element.textContent }));
      const text = job ? `${job.status} ${job.progress}%` : running ? "starting" : "export";
      return createElement("button", { onClick: () => start({ type: "overlay", project_id: 7, ...PARAMS }) }, text);
    }
    createRoot(element).render(createElement(Export));
    const click = () => {
      const button = element.querySelector("button");
      if (button) button.click();
      else requestAnimationFrame(click);
    };
    click();
  });
}

document.body.append(Object.assign(document.createElement("input"), { type: "file" }));
