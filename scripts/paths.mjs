// Where the files of the checkout are.
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the checkout. The scripts work from any folder. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** What set-up installs for this checkout only. Git ignores it, and it is safe to delete. */
export const TOOLS = path.join(ROOT, ".tools");
export const TOOLS_BIN = path.join(TOOLS, "bin");

export const NODE_MODULES = path.join(ROOT, "node_modules");
export const NODE_BIN = path.join(NODE_MODULES, ".bin");

/** The built Worker. */
export const BUILD = path.join(ROOT, "build");
