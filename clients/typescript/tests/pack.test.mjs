// What `npm pack` makes, in a fresh project: it installs without a registry, runs, and its types are strict.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const TSC = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));
const NODE_MODULES = fileURLToPath(new URL("../../../node_modules", import.meta.url));

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "reel-client-"));
after(() => fs.rmSync(folder, { recursive: true }));
const run = (program, ...args) => execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

const USER = `
import { type Job, ReelClient, ValidationError } from "reel-client";
import { useExport, useJob } from "reel-client/react";
import { reelUploads } from "reel-client/uppy";

const client = new ReelClient({ baseUrl: "https://api.example", token: async ({ refresh }) => (refresh ? "a" : null) });

export async function use(file: File): Promise<string | null> {
  const { video_key } = await client.uploads.upload(file, { onProgress: ({ sent, total }) => console.log(sent / total) });
  const params = { effect_type: "blur" as const };
  const job: Job = await client.jobs.create({ project_id: 1, type: "overlay", input_video_key: video_key, params });
  // @ts-expect-error: params of another type of job
  await client.jobs.create({ project_id: 1, type: "annotate", input_video_key: video_key, params }).catch((error: unknown) => {
    if (error instanceof ValidationError) return error.errors.map(({ pointer }) => pointer);
  });
  for await (const { seq, job: now } of client.jobs.watch(job.id)) console.log(seq?.toFixed(), now.progress);
  for await (const { status } of client.jobs.list({ status: "error" })) console.log(status);
  return (await client.jobs.wait(job.id)).output_url;
}

export function useBoth(id: string) {
  const { job } = useJob(client, id);
  const { start } = useExport(client);
  return { progress: job?.progress, start: () => start({ type: "overlay", project_id: 1 }) };
}

export const uploads = (uppy: { getFile(id: string): unknown }) => reelUploads({ client, uppy });
`;

test("the package installs in a fresh project, holds what it should, and runs", () => {
  const [{ filename, files }] = JSON.parse(run("npm", "pack", PACKAGE, "--json", "--ignore-scripts", "--loglevel=error"));
  const names = files.map((file) => file.path).sort();
  assert.ok(["README.md", "package.json", "dist/index.js", "dist/index.d.ts", "dist/react.js", "dist/uppy.d.ts"].every((name) => names.includes(name)), String(names));
  assert.ok(names.every((name) => /^(README\.md|package\.json|LICENSE[\w-]*|dist\/[\w./]+\.(js|d\.ts))$/.test(name)), String(names));

  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "fresh", version: "1.0.0", type: "module" }));
  run("npm", "install", `./${filename}`, "--offline", "--no-audit", "--no-fund", "--loglevel=error");
  assert.deepEqual(fs.readdirSync(path.join(folder, "node_modules")).filter((name) => !name.startsWith(".")), ["reel-client"], "it brings nothing else");
  const code = "import * as all from 'reel-client'; import * as uppy from 'reel-client/uppy'; new all.ReelClient({ baseUrl: 'https://api.example' }); console.log(typeof uppy.reelUploads)";
  assert.equal(run(process.execPath, "--input-type=module", "--eval", code), "function\n");
});

test("its types hold in a strict project", () => {
  // What a project with React and Uppy would have.
  for (const name of ["react", "@types", "@uppy", "csstype"]) fs.symlinkSync(path.join(NODE_MODULES, name), path.join(folder, "node_modules", name));
  fs.writeFileSync(path.join(folder, "use.ts"), USER);
  const options = { strict: true, module: "nodenext", target: "es2022", lib: ["es2022", "dom", "dom.iterable"], types: [], noEmit: true };
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["use.ts"] }));
  try {
    run(process.execPath, TSC, "-p", ".");
  } catch (error) {
    assert.fail(error.stdout);
  }
});
