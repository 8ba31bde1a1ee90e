// The entry of the package.
export { ApiClient, type ClientOptions, ReelClient } from "./client.js";
export * from "./errors.js";
export type { BatchResult, CreateOptions, Jobs } from "./jobs.js";
export type { Clips, ExportRequest, Exports, Projects } from "./projects.js";
export type { RetryOptions } from "./retry.js";
export type { Audit, LimitsApi, Owners, Tokens } from "./service.js";
export type { RequestOptions, TokenSource } from "./transport.js";
export type * from "./types.js";
export type { UploadSession, UploadStorage } from "./uploads/memory.js";
export type { MultipartSession } from "./uploads/multipart.js";
export type { UploadOptions, UploadProgress, Uploads } from "./uploads/uploads.js";
export type { DownloadOptions, VideoLinkOptions, Videos } from "./videos.js";
export type { Webhooks } from "./webhooks.js";
export { type JobEvent, isTerminal } from "./watch/cursor.js";
export type { WebSocketClass } from "./watch/socket.js";
export type { WatchOptions } from "./watch/watch.js";
