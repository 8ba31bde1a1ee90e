// Where things are. Nothing here touches the disk.
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout; every script may be called from anywhere. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** What set-up installs for this checkout alone. Ignored by git, safe to delete. */
export const TOOLS = path.join(ROOT, ".tools");
export const TOOLS_BIN = path.join(TOOLS, "bin");

export const NODE_MODULES = path.join(ROOT, "node_modules");
export const NODE_BIN = path.join(NODE_MODULES, ".bin");

/** What `npm run build` makes, and wrangler serves. */
export const BUILD = path.join(ROOT, "build");
