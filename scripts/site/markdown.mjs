// Markdown to HTML: headings with anchors, links between pages, and nothing that the strict CSP would refuse.
import fs from "node:fs";
import path from "node:path";

import { Marked } from "marked";

import { ROOT } from "../paths.mjs";

const escape = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

/**
 * Renders a page. `urls` has the address of each file that is a page. Returns `{ title, html, headings }`, where
 * `headings` are those of the second level, for the page's own table of contents.
 */
export function render({ file, markdown }, urls) {
  const headings = [];
  const ids = new Map();
  let title = "";
  const renderer = {
    heading({ tokens, depth, text }) {
      const html = this.parser.parseInline(tokens);
      if (depth === 1) title = plain(text);
      const id = uniqueId(plain(text), ids);
      if (depth === 2) headings.push({ id, html });
      const anchor = depth === 1 ? "" : ` <a class="anchor" href="#${id}" aria-label="Link to this section">#</a>`;
      return `<h${depth} id="${id}">${html}${anchor}</h${depth}>\n`;
    },
    link({ href, tokens }) {
      const html = this.parser.parseInline(tokens);
      const url = address(href, file, urls);
      return url === null ? html : `<a href="${escape(url)}">${html}</a>`;
    },
    image({ text }) {
      throw new Error(`${file}: a picture (${text}) in a page of the documentation is not supported`);
    },
    code({ text, lang }) {
      const language = /^[\w-]+/.exec(lang ?? "")?.[0];
      // It scrolls sideways on a phone, so that the keyboard must reach it.
      return `<pre tabindex="0"${language ? ` data-language="${language}"` : ""}><code>${escape(text)}\n</code></pre>\n`;
    },
    table(token) {
      const row = (cells, tag) => `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("")}</tr>`;
      const head = row(token.header, "th").replaceAll("<th>", '<th scope="col">');
      return `<div class="table" tabindex="0" role="region" aria-label="Table"><table><thead>${head}</thead><tbody>${token.rows.map((cells) => row(cells, "td")).join("\n")}</tbody></table></div>\n`;
    },
    html({ text }) {
      // Comments are for those who write. Anything else would be markup that nobody has checked.
      if (/^\s*(<!--[\s\S]*?-->\s*)*$/.test(text)) return "";
      throw new Error(`${file}: HTML in Markdown: ${text.trim().slice(0, 60)}`);
    },
  };
  const html = new Marked({ gfm: true, renderer }).parse(markdown);
  if (!title) throw new Error(`${file} has no heading of the first level`);
  return { title, html, headings };
}

/** A link as it is on the site: null when its file is in the repository and on no page. */
function address(href, file, urls) {
  if (/^(https?:|mailto:|#|\/)/.test(href)) return href;
  const [target, fragment] = href.split("#");
  const linked = path.posix.normalize(path.posix.join(path.posix.dirname(file), target));
  const url = urls.get(linked);
  if (url) return fragment ? `${url}#${fragment}` : url;
  if (linked === "openapi.json" || /^schemas\/\w+\.json$/.test(linked)) return `/${linked}`;
  // Guides that are still being written are named by others already.
  if (!fs.existsSync(path.join(ROOT, linked)) && !linked.startsWith("docs/guides/")) throw new Error(`${file} links to ${href}, which does not exist`);
  return null;
}

const plain = (text) => text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, "");

/** The anchor that GitHub gives the same heading, so that links work in both places. */
function uniqueId(text, ids) {
  const id = text.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-");
  const seen = ids.get(id) ?? 0;
  ids.set(id, seen + 1);
  return seen === 0 ? id : `${id}-${seen}`;
}
