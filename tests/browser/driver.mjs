// What the browser tests share: a page on the loopback address, a real Chromium that shows it, and one
// line of JSON on stdout for the Rust test that started the script.
//
// playwright-core drives the Chromium of the system. It has no browser and no dependencies of its own.
import http from "node:http";

import esbuild from "esbuild";
import { chromium } from "playwright-core";

import { chromiumPath } from "../../scripts/setup/system.mjs";

/**
 * Runs `scenario(page, task)` with the task that the Rust test passes, on a page with the script `entry`
 * or, for null, without one. Prints what the scenario returns.
 */
export async function runScenario(entry, scenario) {
  const task = JSON.parse(process.argv[2]);
  const server = await serve(task.page_port, entry && await bundle(entry));
  const browser = await openBrowser();
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(`in the page: ${error}`));
    page.on("console", (message) => message.type() === "error" && console.error(`in the page: ${message.text()}`));
    // Only a test that fails takes this long.
    page.setDefaultTimeout(240_000);
    await page.goto(`http://127.0.0.1:${task.page_port}/`);
    console.log(JSON.stringify(await scenario(page, task)));
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

/** The system's Chromium. */
export function openBrowser() {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error("There is no Chromium. `npm test` installs it, or says how to.");
  // In many containers the tests run as root, where the sandbox of Chromium does not start.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
}

async function bundle(entry) {
  const built = await esbuild.build({ entryPoints: [entry], bundle: true, format: "esm", write: false, logLevel: "error" });
  return built.outputFiles[0].text;
}

function serve(port, script = "") {
  const html = `<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="/page.js"></script>`;
  const server = http.createServer((request, response) => {
    const [type, body] = request.url === "/page.js" ? ["text/javascript", script] : request.url === "/" ? ["text/html", html] : [null, ""];
    response.writeHead(type ? 200 : 404, { "content-type": type ?? "text/plain" }).end(body);
  });
  return new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server)));
}
