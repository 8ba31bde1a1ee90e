// Uploads a file in parts, reloads the page in the middle, and adds the file again. Then uploads a small one.
// {body, small, sent: [[part numbers before the reload], [after]], asked: [{life, method, path, parts}], kept}, where
// `asked` has the requests to the API, with their paths and queries, `life` is 0 before the reload and 1 after, and
// `kept` has the keys that were left in localStorage.
import { fileURLToPath } from "node:url";

import { runScenario } from "./driver.mjs";

await runScenario(fileURLToPath(new URL("upload-page.js", import.meta.url)), async (page, task) => {
  const { file, small_file, last_part_before } = task;
  const sent = [[], []];
  const asked = [];
  const confirmed = new Set();
  let life = 0;
  page.on("request", (request) => {
    const { pathname, search, searchParams } = new URL(request.url());
    const part = searchParams.get("partNumber");
    if (part && request.method() === "PUT") sent[life].push(Number(part));
    if (pathname.startsWith("/api/")) asked.push({ life, method: request.method(), path: pathname + search, parts: request.postDataJSON()?.part_numbers ?? null });
  });
  page.on("response", async (response) => {
    if (response.ok() && response.request().method() === "PUT" && response.url().endsWith("/api/videos/multipart/-/parts")) {
      for (const { part_number } of response.request().postDataJSON().parts) confirmed.add(part_number);
    }
  });
  // Later parts than this one do not arrive before the reload.
  await page.route(/[?&]partNumber=\d+/, (route) => {
    const part = Number(new URL(route.request().url()).searchParams.get("partNumber"));
    return life === 0 && part > last_part_before ? undefined : route.continue();
  });

  await page.setInputFiles("input", file);
  await page.evaluate((task) => void window.startUpload(task).catch(() => {}), task);
  const deadline = Date.now() + 240_000;
  while (confirmed.size < last_part_before) {
    if (Date.now() > deadline) throw new Error(`only parts ${[...confirmed]} were confirmed`);
    await page.waitForTimeout(50);
  }
  life = 1;
  await page.reload();
  await page.setInputFiles("input", file);
  const body = await page.evaluate((task) => window.startUpload(task), task);
  const kept = await page.evaluate(() => Object.keys(localStorage));

  await page.setInputFiles("input", small_file);
  const small = await page.evaluate((task) => window.startUpload(task), task);
  sent[0] = sent[0].filter((part) => part <= last_part_before);
  return { body, small, sent, asked, kept };
});
