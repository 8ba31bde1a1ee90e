import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { givenEndpoint, withoutSettings, writeSettings } from "../worker-settings.mjs";

const scratch = () => fs.mkdtempSync(path.join(os.tmpdir(), "reel-test-"));
const apiUrl = "http://127.0.0.1:1";
const write = (stateDir, env) => writeSettings({ stateDir, apiUrl, gpuEndpoint: null, env, devVars: false });

test("settings from the environment win over the defaults, and only settings are passed on", () => {
  const stateDir = scratch();
  const { files } = write(stateDir, { PUBLIC_URL: "https://tunnel.example", HOME: "/root" });
  const [defaults, given] = files.map((file) => fs.readFileSync(file, "utf8"));
  assert.match(defaults, /^PUBLIC_URL='http:\/\/127\.0\.0\.1:1'$/m);
  assert.equal(given, "PUBLIC_URL='https://tunnel.example'\n");
  fs.rmSync(stateDir, { recursive: true });
});

test("only this user can read the files with secrets", () => {
  const stateDir = scratch();
  const { files } = write(stateDir, { WORKERS_API_KEY: "k" });
  for (const file of [...files, path.join(stateDir, "keys.json")]) assert.equal(fs.statSync(file).mode & 0o077, 0, file);
  fs.rmSync(stateDir, { recursive: true });
});

test("keys are the same on every start, and differ between checkouts", () => {
  const [one, other] = [scratch(), scratch()];
  assert.equal(write(one, {}).runpodKey, write(one, {}).runpodKey);
  assert.notEqual(write(one, {}).runpodKey, write(other, {}).runpodKey);
  for (const dir of [one, other]) fs.rmSync(dir, { recursive: true });
});

test("quotation marks and dollar signs in a secret survive", () => {
  const stateDir = scratch();
  const { files } = write(stateDir, { SIGNING_KEY: "it's $HOME", RUNPOD_API_KEY: "a'b`c" });
  assert.equal(fs.readFileSync(files[1], "utf8"), "SIGNING_KEY=`it's \\$HOME`\nRUNPOD_API_KEY=\"a'b`c\"\n");
  assert.throws(() => write(stateDir, { SIGNING_KEY: "'`\"" }), /SIGNING_KEY/);
  fs.rmSync(stateDir, { recursive: true });
});

test("clients get the first key, and none where the API is open", () => {
  const stateDir = scratch();
  assert.match(write(stateDir, {}).apiKey, /^[0-9a-f]{64}$/);
  assert.equal(write(stateDir, { WORKERS_API_KEY: "web-2:new,web-1:old" }).apiKey, "new");
  assert.equal(write(stateDir, { OPEN_DEVELOPMENT: "true" }).apiKey, null);
  fs.rmSync(stateDir, { recursive: true });
});

test("an endpoint in the environment replaces the gpu-worker", () => {
  assert.equal(givenEndpoint({ RUNPOD_ENDPOINT: "https://gpu.example/v2/x" }), "https://gpu.example/v2/x");
  assert.deepEqual(withoutSettings({ RUNPOD_ENDPOINT: "x", PATH: "/bin" }), { PATH: "/bin" });
});
