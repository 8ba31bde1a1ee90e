// The TypeScript client in a page: uploads, follows a job, and shows an export by its React hook.
// {events: {seqs, expected_seqs, last}, hook: {status, text}, error: {name, pointers}, large: {parts}, urls}.
import fs from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { runScenario } from "./driver.mjs";

await runScenario(fileURLToPath(new URL("client-page.js", import.meta.url)), async (page, task) => {
  const urls = [];
  const parts = [];
  page.on("request", (request) => {
    urls.push(request.url());
    const part = new URL(request.url()).searchParams.get("partNumber");
    if (part && request.method() === "PUT") parts.push(Number(part));
  });
  page.on("websocket", (socket) => urls.push(socket.url()));
  await page.setInputFiles("input", { name: "clip.mp4", mimeType: "video/mp4", buffer: await fs.readFile(task.video) });
  const told = await page.evaluate((task) => window.useClient(task), task);
  return { ...told, large: { parts: parts.sort((a, b) => a - b) }, urls };
});
