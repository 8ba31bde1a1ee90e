// Puts together what the Worker serves as files, in build/site/: the reference and the guides under /docs,
// openapi.json, the schemas, llms.txt. `npm run build` starts it when one of its inputs has changed.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { BUILD, NODE_MODULES, ROOT } from "./paths.mjs";
import { headersFile } from "./site/headers.mjs";
import { llmsFullTxt, llmsTxt } from "./site/llms.mjs";
import { render } from "./site/markdown.mjs";
import { REFERENCE, readPages } from "./site/pages.mjs";
import { guide, layout } from "./site/template.mjs";

const SITE = path.join(BUILD, "site");
const read = (file) => fs.readFileSync(path.join(ROOT, file));

const files = siteFiles();
sync(files);
const bytes = [...files.values()].reduce((sum, content) => sum + content.length, 0);
console.log(`Site: ${files.size} files, ${(bytes / 1000).toFixed(0)} kB`);

/**
 * Makes the folder hold these files and no others. What is right already is left alone: `wrangler dev` watches the
 * folder, and another build may run at the same time.
 */
function sync(wanted) {
  const has = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile();
  for (const [url, content] of wanted) {
    const file = path.join(SITE, url);
    if (has(file) && fs.readFileSync(file).equals(content)) continue;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }
  for (const name of fs.readdirSync(SITE, { recursive: true })) {
    const file = path.join(SITE, name);
    if (has(file) && !wanted.has(`/${name}`)) fs.rmSync(file, { force: true });
  }
}

/** The content of every file, by its path in the site. */
function siteFiles() {
  const files = new Map();
  const write = (url, content) => {
    files.set(url, Buffer.from(content));
    return url;
  };
  // The name changes with the content, so that browsers may keep it for ever.
  const asset = (name, content) => {
    const { name: stem, ext } = path.parse(name);
    const hash = crypto.createHash("sha256").update(content).digest("hex").slice(0, 10);
    return write(`${REFERENCE}/assets/${stem}.${hash}${ext}`, content);
  };
  const groups = readPages();
  const pages = groups.flatMap((group) => group.pages);
  const urls = new Map(pages.map(({ file, url }) => [file, url]));
  const assets = { style: asset("site.css", read("site/site.css")), icon: asset("icon.svg", read("site/icon.svg")) };

  pages.forEach((page, index) => {
    const { title, html, headings } = render(page, urls);
    const main = guide({ html, headings, before: pages[index - 1], after: pages[index + 1] });
    write(`${page.url}.html`, layout({ title, current: page.url, groups, assets, main }));
    // The same as text, for whoever reads without a browser.
    write(`${page.url}.md`, page.markdown);
  });
  write(`${REFERENCE}.html`, reference(groups, assets, asset));

  const document = read("openapi.json");
  write("/openapi.json", document);
  for (const name of fs.readdirSync(path.join(ROOT, "schemas"))) write(`/schemas/${name}`, read(`schemas/${name}`));
  write("/llms.txt", llmsTxt(JSON.parse(document), groups));
  write("/llms-full.txt", llmsFullTxt(JSON.parse(document), groups));
  write("/_headers", headersFile());
  return files;
}

/** The reference: Swagger UI, which alone of the renderers tried keeps to a CSP without any `unsafe-`. */
function reference(groups, assets, asset) {
  const swagger = (name) => asset(name, fs.readFileSync(path.join(NODE_MODULES, "swagger-ui-dist", name)));
  const head = `<link rel="stylesheet" href="${swagger("swagger-ui.css")}">
<link rel="stylesheet" href="${asset("reference.css", read("site/reference.css"))}">
<script defer src="${swagger("swagger-ui-bundle.js")}"></script>
<script defer src="${asset("reference.js", read("site/reference.js"))}"></script>
`;
  const main = `<div id="reference"><h1>API reference</h1><noscript><p>The reference needs JavaScript. The same is in <a href="/openapi.json">openapi.json</a> and, as text, in <a href="/llms-full.txt">llms-full.txt</a>.</p></noscript></div>`;
  return layout({ title: "API reference", current: REFERENCE, groups, assets, main, head, className: "wide" });
}
