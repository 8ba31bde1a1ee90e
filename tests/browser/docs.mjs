// Reads the documentation as a person does: every page, by its links alone, and one request of the reference.
// {pages: [{path, status, title, h1}], dead: [{from, to, why}], links, faults, health: {status, body}, cors}, where
// `faults` has every violation of the CSP, error of a page and message of its console.
import http from "node:http";

import { openBrowser } from "./driver.mjs";

const task = JSON.parse(process.argv[2]);
const browser = await openBrowser();
try {
  console.log(JSON.stringify(await read(task.api)));
} finally {
  await browser.close();
}

async function read(api) {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && faults.push(`${page.url()}: ${message.text()}`));
  page.on("request", (request) => !request.url().startsWith(`${api}/`) && !request.url().startsWith("data:") && faults.push(`${page.url()} asks ${request.url()}`));
  await page.exposeFunction("reportViolation", (text) => faults.push(`${page.url()}: ${text}`));
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => window.reportViolation(`${event.violatedDirective} refuses ${event.blockedURI}`)));

  const health = await tryHealth(page, api);
  const { pages, dead, links } = await crawl(page, api);
  return { pages, dead, links, faults, health, cors: await fetchedElsewhere(browser, api) };
}

/** Sends GET /health by the reference's own buttons. */
async function tryHealth(page, api) {
  await page.goto(`${api}/docs`);
  const operation = page.locator("[id$=getHealth]").first();
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Try it out" }).click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const answer = operation.locator(".live-responses-table .response");
  const [status, body] = [await answer.locator(".response-col_status").innerText(), await answer.locator("pre").first().innerText()];
  return { status: Number.parseInt(status, 10), body };
}

/** Follows every link from the reference on. A fragment must name an element of its page. */
async function crawl(page, api) {
  const pages = [];
  const fragments = new Map();
  const wanted = new Map([["/docs", "the start"]]);
  const targets = [];
  for (const [path, from] of wanted) {
    const answer = await page.goto(`${api}${path}`);
    if (path === "/docs") await page.locator(".opblock").first().waitFor();
    const isPage = answer.headers()["content-type"]?.startsWith("text/html");
    pages.push({ path, from, status: answer.status(), title: isPage ? await page.title() : null, h1: isPage ? await page.locator("h1").count() : null });
    if (!isPage) continue;
    fragments.set(path, new Set(await page.locator("[id]").evaluateAll((all) => all.map((element) => element.id))));
    const hrefs = await page.locator("a[href]").evaluateAll((all) => all.map((link) => link.href));
    for (const href of hrefs.filter((href) => href.startsWith(`${api}/`))) {
      const { pathname, hash } = new URL(href);
      targets.push({ from: path, to: pathname, fragment: decodeURIComponent(hash.slice(1)) });
      if (!wanted.has(pathname)) wanted.set(pathname, path);
    }
  }
  const statuses = new Map(pages.map(({ path, status }) => [path, status]));
  const whyDead = ({ to, fragment }) => {
    if (statuses.get(to) !== 200) return `answers ${statuses.get(to)}`;
    // In the reference, fragments are the renderer's own addresses of operations.
    return fragment && to !== "/docs" && !fragments.get(to)?.has(fragment) ? `has no #${fragment}` : null;
  };
  const dead = targets.map((target) => ({ ...target, why: whyDead(target) })).filter(({ why }) => why);
  return { pages, dead, links: targets.length };
}

/** The version that a page of another origin reads from openapi.json. */
async function fetchedElsewhere(browser, api) {
  const server = http.createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html><title>elsewhere</title>"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(async (url) => (await (await fetch(url)).json()).info.version, `${api}/openapi.json`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
