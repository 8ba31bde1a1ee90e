// The tables of the local database: wrangler makes a new one without any.
import fs from "node:fs";
import path from "node:path";

import { digest } from "./digest.mjs";
import { ROOT } from "./paths.mjs";
import { run } from "./run.mjs";

/** Where `wrangler dev` keeps objects, database and bucket unless it is told otherwise. */
export const DEFAULT_STATE = path.join(ROOT, ".wrangler", "state");

/**
 * Gives a local database its tables before the first start. An existing one may be open in a running
 * `wrangler dev`, and is left alone: the API says which command a missing table needs.
 */
export async function createLocalDatabase(environment) {
  if (fs.existsSync(path.join(DEFAULT_STATE, "v3", "d1"))) return;
  await applyMigrations({ state: DEFAULT_STATE, environment, log: console.log });
}

/** Applies what is missing to the database in `state`. No Worker may have it open. */
export async function applyMigrations({ state, environment, log }) {
  // wrangler needs seconds to find out that there is nothing to apply, so a digest is kept.
  const wanted = digest([path.join(ROOT, "migrations")]);
  const record = path.join(state, "migrations.applied");
  if (fs.existsSync(record) && fs.readFileSync(record, "utf8") === wanted) return;
  const step = "applying the migrations to the local database";
  log(step);
  await run("wrangler", ["d1", "migrations", "apply", "DB", "--local", "--persist-to", state], {
    cwd: ROOT,
    env: environment,
    step,
    fix: `fix the migration, or delete ${state} to start with an empty database.`,
  });
  fs.writeFileSync(record, wanted);
}
