// The client beside the API's description: its types are generated of it, and each operation has a method.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";

import { ReelClient } from "../dist/index.js";
import { SCHEMA, description, operations, schemaTypes } from "../generate.mjs";

test("src/schema.ts is what the description says", async () => {
  assert.ok(fs.readFileSync(SCHEMA, "utf8") === (await schemaTypes()), "openapi.json has changed: run `npm run generate` in clients/typescript");
});

const METHODS = {
  abortUpload: (client) => client.uploads.abort,
  cancelJob: (client) => client.jobs.cancel,
  completeUpload: (client) => multipart(client).complete,
  confirmParts: (client) => multipart(client).confirm,
  createJob: (client) => client.jobs.create,
  createJobs: (client) => client.jobs.createBatch,
  createToken: (client) => client.tokens.create,
  createUpload: (client) => client.uploads.createMultipart,
  createUploadUrl: (client) => client.uploads.createUrl,
  deleteClip: (client) => client.projects.clips.delete,
  deleteJob: (client) => client.jobs.delete,
  downloadVideo: (client) => client.videos.download,
  eraseOwner: (client) => client.owners.erase,
  exportFraming: (client) => client.exports.create,
  exportOverlay: (client) => client.exports.create,
  getClip: (client) => client.projects.clips.get,
  getFilmstrip: (client) => client.jobs.filmstrip,
  getFramingExport: (client) => client.exports.get,
  getHealth: (client) => client.health,
  getJob: (client) => client.jobs.get,
  getLimits: (client) => client.limits.get,
  getOverlayExport: (client) => client.exports.get,
  getProject: (client) => client.projects.get,
  getUpload: (client) => multipart(client).state,
  listActiveExports: (client) => client.exports.active,
  listAudit: (client) => client.audit.list,
  listClips: (client) => client.projects.clips.list,
  listJobEvents: (client) => client.jobs.events,
  listJobs: (client) => client.jobs.list,
  listProjects: (client) => client.projects.list,
  putClip: (client) => client.projects.clips.put,
  putProject: (client) => client.projects.put,
  retryJob: (client) => client.jobs.retry,
  revokeLinks: (client) => client.jobs.revokeLinks,
  revokeTokens: (client) => client.owners.revokeTokens,
  signParts: (client) => multipart(client).sign,
  watchJob: (client) => client.jobs.watch,
  createWebhook: (client) => client.webhooks.create,
  deleteWebhook: (client) => client.webhooks.delete,
  getWebhook: (client) => client.webhooks.get,
  getWebhookUrlSecret: (client) => client.webhooks.urlSecret,
  listDeliveries: (client) => client.webhooks.deliveries,
  listWebhooks: (client) => client.webhooks.list,
  redeliver: (client) => client.webhooks.redeliver,
  rotateWebhookSecret: (client) => client.webhooks.rotateSecret,
  testWebhook: (client) => client.webhooks.test,
  updateWebhook: (client) => client.webhooks.update,
};
/** The same as others, under older or further paths. */
const TWINS = ["getApiHealth", "watchExport"];

const multipart = (client) => client.uploads.multipart({ video_key: "k", upload_id: "u" });

test("each operation of a client has a method", () => {
  const client = new ReelClient({ baseUrl: "https://api.example" });
  const names = operations(description()).map(([, , { operationId }]) => operationId);
  assert.deepEqual(names.filter((name) => !METHODS[name] && !TWINS.includes(name)), [], "without a method");
  assert.deepEqual(Object.keys(METHODS).filter((name) => !names.includes(name)), [], "without an operation");
  for (const [name, method] of Object.entries(METHODS)) assert.equal(typeof method(client), "function", name);
});
