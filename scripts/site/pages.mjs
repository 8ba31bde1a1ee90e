// The pages of the documentation: which Markdown file has which address, and where it stands in the navigation.
import fs from "node:fs";
import path from "node:path";

import { ROOT } from "../paths.mjs";

// [name in the address, file, title in the navigation]. A guide that is not written yet is left out.
const GROUPS = [
  ["Guides", [
    ["quick-start", "docs/guides/quick-start.md", "Quick start"],
    ["uploads", "docs/guides/uploads.md", "Uploads"],
    ["editing", "docs/guides/editing.md", "Editing"],
    ["watching", "docs/guides/watching.md", "Watching a job"],
    ["webhooks", "docs/guides/webhooks.md", "Webhooks"],
    ["errors", "docs/guides/errors.md", "Errors"],
    ["limits", "docs/guides/limits.md", "Limits"],
    ["webhooks", "docs/guides/webhooks.md", "Webhooks"],
    ["migration", "docs/guides/migration.md", "Moving from FastAPI"],
  ]],
  ["Clients", [
    ["typescript", "docs/guides/typescript.md", "TypeScript"],
    ["python", "docs/guides/python.md", "Python"],
    ["fastapi", "docs/guides/fastapi.md", "FastAPI"],
  ]],
  ["Background", [
    ["identity", "docs/identity.md", "Users and tokens"],
    ["formats", "docs/formats.md", "Film formats"],
    ["security", "SECURITY.md", "Security"],
  ]],
  ["Running it", [
    ["settings", "docs/settings.md", "Settings"],
    ["operations", "docs/operations.md", "Operations"],
    ["development", "docs/development.md", "Development"],
    ["performance", "docs/performance.md", "Performance"],
    ["glossary", "docs/glossary.md", "Glossary"],
  ]],
];

/** The address of the reference, which is a page of its own. */
export const REFERENCE = "/docs";

/** Groups of pages `{ name, file, label, url, markdown }`, in the order of the navigation. */
export function readPages() {
  const groups = GROUPS.map(([title, rows]) => ({ title, pages: rows.map(page).filter(Boolean) })).filter(({ pages }) => pages.length > 0);
  const known = new Set(groups.flatMap(({ pages }) => pages.map(({ file }) => file)));
  // A guide without a row would be on no page, and nobody would notice.
  const guides = fs.readdirSync(path.join(ROOT, "docs", "guides")).map((name) => `docs/guides/${name}`);
  const lost = guides.filter((file) => file.endsWith(".md") && !known.has(file));
  if (lost.length > 0) throw new Error(`scripts/site/pages.mjs lacks ${lost.join(", ")}`);
  return groups;
}

function page([name, file, label]) {
  const place = path.join(ROOT, file);
  if (!fs.existsSync(place)) return null;
  return { name, file, label, url: `${REFERENCE}/${name}`, markdown: fs.readFileSync(place, "utf8") };
}
