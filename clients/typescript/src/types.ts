// What travels between client and API, as JSON. Names are those of the wire.
//
// The only module that says what answers look like, so that it can be replaced by types that are generated from
// the API's description.

/** One fault of a request. */
export interface FieldError {
  /** Where it is: a JSON pointer (RFC 6901), such as `/params/crop_keyframes/0/width`. */
  pointer: string;
  detail: string;
}

/** What an error answers with (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** The same sentence as `detail`. */
  error: string;
  code: string;
  errors?: FieldError[];
  request_id: string;
}

// Edits.

/** Where a keyframe is: a frame, or seconds. */
export type Position = { frame: number; time?: never } | { time: number; frame?: never };

export type CropKeyframe = Position & { x: number; y: number; width: number; height: number; origin?: string | null };

/** A region that stays where it is. */
export interface FixedRegion {
  start_frame: number;
  end_frame: number;
  x: number;
  y: number;
  radius_x: number;
  radius_y: number;
  opacity?: number | null;
  color?: string | null;
}

/** A region that follows its player. */
export interface MovingRegion {
  start_time: number;
  end_time: number;
  keyframes: { time: number; x: number; y: number; radiusX: number; radiusY: number; opacity?: number | null; color?: string | null }[];
}

export type Fit = "contain" | "cover" | "fill";
export type Interpolation = "linear" | "catmull_rom";
export type SizePreset = "portrait_1080" | "portrait_720" | "square_1080" | "landscape_1080" | "draft_360";

/** An output beside the main one. */
export interface OutputRequest {
  name: string;
  preset?: SizePreset | null;
  width?: number | null;
  height?: number | null;
  fit?: Fit | null;
  crop_keyframes?: CropKeyframe[] | null;
}

interface CommonParams {
  output_width?: number | null;
  output_height?: number | null;
  fit?: Fit | null;
  interpolation?: Interpolation | null;
  /** From 1. */
  audio_track?: number | null;
  outputs?: OutputRequest[] | null;
  filmstrip?: boolean | null;
}

export interface OverlayParams extends CommonParams {
  highlight_regions?: (FixedRegion | MovingRegion)[] | null;
  effect_type?: "blur" | "spotlight" | "original" | "brightness_boost" | "dark_overlay" | null;
  crop_keyframes?: CropKeyframe[] | null;
}

export interface Segment {
  start: number;
  end: number;
  speed?: number | null;
}

/** What is shown of one video, and when. */
export interface Trim {
  start_time?: number | null;
  end_time?: number | null;
  segments?: Segment[] | null;
}

export interface FramingClip extends Trim {
  crop_keyframes: CropKeyframe[];
  video_key?: string | null;
  name?: string | null;
}

export interface FramingParams extends CommonParams, Trim {
  crop_keyframes?: CropKeyframe[] | null;
  clips?: FramingClip[] | null;
  clip_index?: number | null;
  transition?: { type: "cut" | "fade" | "dissolve"; duration?: number | null } | null;
  target_fps?: number | null;
  include_audio?: boolean | null;
}

export interface AnnotateParams {
  clips: { start_time: number; end_time: number; name: string; rating: 1 | 2 | 3 | 4 | 5; notes?: string | null; tags?: string[] | null }[];
  audio_track?: number | null;
  filmstrip?: boolean | null;
}

// Jobs.

export type JobType = "overlay" | "framing" | "annotate";
export type JobStatus = "pending" | "processing" | "complete" | "error";
export type JobStage = "queued" | "starting" | "downloading" | "rendering" | "uploading" | "verifying" | "done";

export type JobRequest = { project_id: number; input_video_key: string; job_id?: string } & (
  | { type: "overlay"; params: OverlayParams }
  | { type: "framing"; params: FramingParams }
  | { type: "annotate"; params: AnnotateParams }
);

/** What was made, as read from the file. */
export interface OutputMedia {
  width: number;
  height: number;
  fps: number;
  frames: number;
  duration_ms: number;
  bytes: number;
}

export interface Rendition {
  name: string;
  output_video_key?: string;
  output_bytes: number | null;
  output: OutputMedia | null;
  output_url: string | null;
  poster_url: string | null;
}

export interface Filmstrip {
  url: string;
  vtt_url: string;
  tile_width: number;
  tile_height: number;
  columns: number;
  tiles: number;
  interval_ms: number;
}

/** A job. The members that may be missing are not told to the holder of a link, or only once there is one. */
export interface Job {
  id: string;
  job_id: string;
  project_id: number;
  type: JobType;
  /** Number of the last stored event. */
  seq?: number;
  status: JobStatus;
  stage: JobStage;
  /** Percent. */
  progress: number;
  message: string;
  attempt: number;
  max_attempts: number;
  retry_count: number;
  execution_timeout_ms: number;
  input_video_key?: string;
  output_video_key?: string | null;
  output_bytes: number | null;
  output: OutputMedia | null;
  /** Where the reel is, for an hour. */
  output_url: string | null;
  poster_url: string | null;
  outputs?: Rendition[];
  filmstrip?: Filmstrip;
  params?: OverlayParams | FramingParams | AnnotateParams;
  error: string | null;
  error_code: string | null;
  retryable: boolean | null;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
  runpod_job_id?: string | null;
  websocket_url: string;
  usage?: { object_rows: number; d1_rows: number; requests: number; alarms: number };
}

/** A job in a list: what the index knows, a moment behind. */
export type JobSummary = Pick<
  Job,
  | "id"
  | "job_id"
  | "project_id"
  | "type"
  | "status"
  | "attempt"
  | "retry_count"
  | "output_bytes"
  | "poster_url"
  | "error"
  | "error_code"
  | "retryable"
  | "created_at"
  | "started_at"
  | "completed_at"
> & { input_video_key: string; output_video_key: string | null };

export type MessageType = "status" | "progress" | "complete" | "error";

/** A message of a job's socket, and an event of its log: the job, with the kind of message as `type`. */
export type JobMessage = Omit<Job, "type"> & { type: MessageType; job_type: JobType };

export interface JobEventPage {
  events: JobMessage[];
  /** Number of the job's last event. */
  seq: number;
}

export interface PageQuery {
  /** At most so many in a page, 1 to 100. */
  limit?: number;
  /** The `next_cursor` of an earlier page. */
  cursor?: string;
}

export interface JobQuery extends PageQuery {
  project_id?: number;
  status?: JobStatus;
  type?: JobType;
}

export interface JobPage {
  jobs: JobSummary[];
  next_cursor: string | null;
}

// Uploads.

export interface UploadUrlRequest {
  filename: string;
  content_type?: string;
  size_bytes?: number;
  job_id?: string;
}

export interface UploadTarget {
  upload_url: string;
  video_key: string;
  method: "PUT";
  headers: Record<string, string>;
  expires_at: string;
}

export interface MultipartRequest extends UploadUrlRequest {
  size_bytes: number;
  part_size?: number;
}

export interface MultipartUpload {
  video_key: string;
  /** Whoever has it may write to the upload. */
  upload_id: string;
  size_bytes: number;
  part_size: number;
  part_count: number;
  expires_at: string;
}

export interface UploadedPart {
  part_number: number;
  etag: string;
}

export interface MultipartState extends MultipartUpload {
  status: "open" | "complete";
  parts: (UploadedPart & { size_bytes: number })[];
}

export interface SignedParts {
  parts: { part_number: number; url: string; size_bytes: number }[];
  expires_at: string;
}

export interface UploadedVideo {
  video_key: string;
  size_bytes: number;
  etag: string;
}

// Projects, clips, exports.

export interface ProjectRequest {
  name?: string | null;
  working_video_key?: string | null;
}

export interface Project {
  id: number;
  name: string | null;
  working_video_key: string | null;
  created_at: string;
  updated_at: string;
}

export interface ProjectPage {
  projects: Project[];
  next_cursor: string | null;
}

export interface ClipRequest {
  video_key: string;
  start_time?: number | null;
  end_time?: number | null;
  name?: string | null;
}

export interface Clip {
  project_id: number;
  clip_index: number;
  video_key: string;
  start_time: number | null;
  end_time: number | null;
  name: string | null;
}

/** An overlay of a project's working video. */
export type OverlayExportRequest = OverlayParams & { project_id: number; job_id?: string };

/** A framing of one of a project's clips. */
export type FramingExportRequest = FramingParams & {
  project_id: number;
  clip_index: number;
  job_id?: string;
  set_working_video?: boolean | null;
};

export interface OverlayExport {
  job_id: string;
  status: JobStatus;
  websocket_url: string;
}

export interface ActiveExport {
  job_id: string;
  project_id: number;
  project_name: string | null;
  type: JobType;
  status: "pending" | "processing";
  error: string | null;
  output_video_id: null;
  output_filename: null;
  created_at: string;
  started_at: string | null;
  completed_at: string | null;
}

// The service.

export interface Limits {
  requests: { limit: number | null; window_s: number; used: number };
  sockets_per_job: { limit: number };
  retries_by_hand: { limit: number };
  jobs_in_flight?: { limit: number; used: number };
  sockets?: { limit: number; limit_per_job: number };
  upload_bytes?: { limit: number; window_s: number; used: number; resets_at: string };
}

export type Scope = "read" | "write";

export interface TokenRequest {
  subject: string;
  scopes?: Scope[];
  /** 60 to 86400; an hour when left out. */
  expires_in_s?: number;
}

export interface Token {
  token: string;
  token_type: "Bearer";
  expires_at: string;
  expires_in_s: number;
  subject: string;
  scopes: Scope[];
}

export interface AuditQuery extends PageQuery {
  subject?: string;
}

export interface AuditEntry {
  at: string;
  request_id: string;
  caller: string;
  owner: string | null;
  route: string;
  target: string | null;
  status: number;
}

export interface AuditPage {
  entries: AuditEntry[];
  next_cursor: string | null;
}

export interface RevokedTokens {
  revoked_at: string;
  open_jobs: number;
}

export interface ErasedOwner {
  /** Whether all is gone; if not, the same request goes on. */
  done: boolean;
  removed: { jobs: number; videos: number; projects: number; clips: number };
}

export interface Health {
  status: string;
  version: string;
  env?: string;
  runpod?: boolean;
  api_key?: boolean;
  warning?: string;
  /** What is not configured. */
  detail?: string;
}
