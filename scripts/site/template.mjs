// The one template of all pages. Scripts are for the reference only.
import { REFERENCE } from "./pages.mjs";

/**
 * A page. `groups` is the navigation; `current` is the address of this page; `assets` has the addresses of
 * `{ style, icon }`; `head` is more for the document's head.
 */
export function layout({ title, current, groups, assets, main, head = "", className = "guide" }) {
  const link = (url, label) => `<a href="${url}"${url === current ? ' aria-current="page"' : ""}>${label}</a>`;
  const sections = groups.map(({ title: name, pages }) => `<h2>${name}</h2>\n<ul>${pages.map(({ url, label }) => `<li>${link(url, label)}</li>`).join("\n")}</ul>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} - Reel Ballers export API</title>
<link rel="icon" href="${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.style}">
${head}</head>
<body class="${className}">
<a class="skip" href="#content">Skip to the content</a>
<header>
<a class="home" href="${REFERENCE}/quick-start">Reel Ballers export API</a>
<nav aria-label="Main">${link(`${REFERENCE}/quick-start`, "Guides")} ${link(REFERENCE, "Reference")} <a href="/openapi.json">openapi.json</a> <a href="/llms.txt">llms.txt</a></nav>
</header>
<div class="columns">
<details class="menu">
<summary>All pages</summary>
<nav aria-label="Pages">
<ul><li>${link(REFERENCE, "API reference")}</li></ul>
${sections.join("\n")}
</nav>
</details>
<main id="content" tabindex="-1">
${main}
</main>
</div>
</body>
</html>
`;
}

/** The content of a guide: its own table of contents where it is long, and the pages before and after. */
export function guide({ html, headings, before, after }) {
  const contents = headings.length < 4 ? "" : `<nav class="contents" aria-label="On this page"><p>On this page</p><ul>${headings.map(({ id, html: name }) => `<li><a href="#${id}">${name.replace(/<\/?a[^>]*>/g, "")}</a></li>`).join("\n")}</ul></nav>`;
  const step = (page, word) => (page ? `<a href="${page.url}"><small>${word}</small> ${page.label}</a>` : "<span></span>");
  return `${html.replace("<h2 ", `${contents}\n<h2 `)}<nav class="steps" aria-label="Previous and next">${step(before, "Previous")}${step(after, "Next")}</nav>`;
}
