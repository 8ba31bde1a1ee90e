import assert from "node:assert/strict";
import test from "node:test";

import { headersFile } from "../site/headers.mjs";
import { render } from "../site/markdown.mjs";

const URLS = new Map([["docs/guides/uploads.md", "/docs/uploads"], ["docs/identity.md", "/docs/identity"]]);
const page = (markdown) => render({ file: "docs/guides/quick-start.md", markdown: `# Title\n\n${markdown}` }, URLS);

test("links between files become links between pages", () => {
  const { html } = page("[a](uploads.md#in-parts) [b](../identity.md) [c](../../schemas/overlay.json) [d](https://example.com)");
  assert.deepEqual([...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href), ["/docs/uploads#in-parts", "/docs/identity", "/schemas/overlay.json", "https://example.com"]);
});

test("a file of the repository that is no page is named without a link", () => {
  const { html } = page("[the map](../../ARCHITECTURE.md)");
  assert.match(html, /<p>the map<\/p>/);
});

test("a link to nothing and HTML stop the build", () => {
  assert.throws(() => page("[a](../no-such-page.md)"), /does not exist/);
  assert.throws(() => page("<script>alert(1)</script>"), /HTML in Markdown/);
});

test("headings have the anchors that GitHub gives them, and no two the same", () => {
  const { html, headings } = page("## The `seq` of a job\n\n## Again\n\n## Again");
  assert.deepEqual(headings.map(({ id }) => id), ["the-seq-of-a-job", "again", "again-1"]);
  assert.match(html, /<h2 id="again-1">/);
});

test("code is text, whatever it holds", () => {
  const { html } = page("```html\n<b onclick=\"x()\">&amp;</b>\n```");
  assert.match(html, /&lt;b onclick=&quot;x\(\)&quot;&gt;&amp;amp;&lt;\/b&gt;/);
});

test("no file is served with a policy that allows inline code or another host", () => {
  const policies = headersFile().split("\n").filter((line) => line.includes("Content-Security-Policy"));
  assert.ok(policies.length > 3);
  for (const policy of policies) assert.doesNotMatch(policy, /unsafe|https?:|\*/);
});
