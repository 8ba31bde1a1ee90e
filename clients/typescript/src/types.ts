// What travels between client and API, as JSON, under the names that this package gives it. Names of members are those of
// the wire. Everything is made of the types that are generated of the API's description.
import type { components, operations } from "./schema.js";

type Schemas = components["schemas"];
type Query<Name extends keyof operations> = NonNullable<operations[Name]["parameters"]["query"]>;

/** One fault of a request: `pointer` is a JSON pointer (RFC 6901), such as `/params/crop_keyframes/0/width`. */
export type FieldError = Schemas["FieldError"];
/** What an error answers with (RFC 9457). */
export type Problem = Schemas["Problem"];

// Edits.

export type CropKeyframe = Schemas["CropAtFrame"] | Schemas["CropAtTime"];
/** A region that stays where it is. */
export type FixedRegion = Schemas["FixedRegion"];
/** A region that follows its player. */
export type MovingRegion = Schemas["MovingRegion"];
/** An output beside the main one. */
export type OutputRequest = Schemas["FurtherOutput"];
export type Segment = Schemas["Segment"];
export type Transition = Schemas["Transition"];
export type OverlayParams = Schemas["OverlayParams"];
export type FramingParams = Schemas["FramingParams"];
export type FramingClip = Schemas["ReelClip"];
export type AnnotateParams = Schemas["AnnotateParams"];

// Jobs.

export type JobType = Schemas["JobType"];
export type JobStatus = Schemas["JobStatus"];
export type JobStage = Schemas["JobStage"];
/** Why a job failed, for programs. */
export type JobErrorCode = Schemas["ErrorCode"];
export type JobRequest = Schemas["CreateJob"];
export type BatchAnswer = Schemas["BatchAnswer"];
/** What was made, as read from the file. */
export type OutputMedia = Schemas["OutputMedia"];
/** One of a job's `outputs`. */
export type JobOutput = Schemas["JobOutput"];
export type Filmstrip = Schemas["Filmstrip"];
/** A job. The members that may be missing are not told to the holder of a link, or only once there is one. */
export type Job = Omit<Schemas["Job"], "job_type" | "projectId">;
/** A job in a list: what the index knows, a moment behind. */
export type JobSummary = Schemas["JobSummary"];
/** A message of a job's socket, and an event of its log: the job, with the kind of message as `type`. */
export type JobMessage = Schemas["JobMessage"] & { job_type: JobType };
export type MessageType = JobMessage["type"];
/** What a job would make, where nothing has opened its video yet. */
export type JobCheck = Schemas["DryRun"];
export type JobEventPage = Omit<Schemas["JobEvents"], "events"> & { events: JobMessage[] };
export type JobPage = Schemas["JobPage"];

/** Which page of a list. */
export type PageQuery = Query<"listProjects">;
export type JobQuery = Query<"listJobs">;

// Uploads.

export type UploadUrlRequest = Schemas["CreateUploadUrl"];
export type UploadTarget = Schemas["UploadUrl"];
export type MultipartRequest = Schemas["CreateUpload"];
/** Whoever has the `upload_id` may write to the upload. */
export type MultipartUpload = Omit<Schemas["UploadJson"], "status" | "parts">;
export type MultipartState = MultipartUpload & { status: Schemas["UploadStatus"]; parts: Schemas["ConfirmedPartJson"][] };
export type UploadedPart = Schemas["SentPart"];
export type SignedParts = Schemas["SignedParts"];
export type UploadedVideo = Schemas["CompletedUpload"];

// Projects, clips, exports.

export type ProjectRequest = Schemas["PutProject"];
export type Project = Schemas["Project"];
export type ProjectPage = Schemas["ProjectPage"];
export type ClipRequest = Schemas["PutClip"];
export type Clip = Schemas["Clip"];
/** An overlay of a project's working video. */
export type OverlayExportRequest = Schemas["ExportOverlay"];
/** A framing of one of a project's clips. */
export type FramingExportRequest = Schemas["ExportFraming"];
export type OverlayExport = Schemas["ExportStarted"];
export type ActiveExport = Schemas["ActiveExport"];

// Webhooks.

export type WebhookRequest = Schemas["CreateWebhook"];
export type WebhookChange = Schemas["UpdateWebhook"];
export type Webhook = Schemas["Webhook"];
export type WebhookTest = Schemas["WebhookTest"];
/** An event of a job on its way to a webhook. */
export type Delivery = Schemas["Delivery"];

// The service.

export type Limits = Schemas["Limits"];
export type TokenRequest = Schemas["CreateToken"];
export type Token = Schemas["Token"];
export type AuditQuery = Query<"listAudit">;
export type AuditEntry = Schemas["AuditEntry"];
export type AuditPage = Schemas["AuditPage"];
export type RevokedTokens = Schemas["RevokedTokens"];
export type ErasedOwner = Schemas["ErasedOwner"];
export type Health = Schemas["Health"] | Schemas["NotConfigured"];
