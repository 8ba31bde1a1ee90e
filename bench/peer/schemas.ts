// What clients and GPU workers may send.
import { z } from "zod";

const ID_FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const isJobId = (text: string) => ID_FORM.test(text);

const between = (min: number, max: number) => z.number().min(min, `must be between ${min} and ${max}`).max(max, `must be between ${min} and ${max}`);
const whole = (min: number, max: number) => between(min, max).int("must be a whole number");
const coordinate = between(-16384, 16384);
const length = between(1, 16384);
const seconds = between(0, 86400);
const frame = whole(0, 10_000_000);
const color = z.string().regex(/^#[0-9a-fA-F]{6}$/, "must be a colour such as #FFFF00");
const jobId = z.string().regex(ID_FORM, "must be a UUID such as 3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50").toLowerCase();
const inputKey = z.string().max(300).regex(/^input(\/(?!\.{1,2}(\/|$))[\w.-]+){2,}$/, "must be a video_key returned by POST /api/videos/upload-url, such as input/{id}/{name}.mp4");
const evenSide = whole(16, 4096).multipleOf(2, "must be even");
const interpolation = z.enum(["linear", "catmull_rom"]).nullish();

const inOrder = <T>(items: T[], of: (item: T) => number) => items.every((item, at) => at === 0 || of(items[at - 1]) <= of(item));

const fixedRegion = z
  .strictObject({ start_frame: frame, end_frame: frame, x: coordinate, y: coordinate, radius_x: length, radius_y: length, opacity: between(0, 1).nullish(), color: color.nullish() })
  .refine((region) => region.start_frame <= region.end_frame, { path: ["end_frame"], error: "must not be less than start_frame" });

const movingRegion = z
  .strictObject({
    start_time: seconds,
    end_time: seconds,
    keyframes: z
      .array(z.strictObject({ time: seconds, x: coordinate, y: coordinate, radiusX: length, radiusY: length, opacity: between(0, 1).nullish(), color: color.nullish(), origin: z.unknown().optional() }))
      .min(1, "must have at least one keyframe")
      .max(10_000)
      .refine((keyframes) => inOrder(keyframes, (keyframe) => keyframe.time), "must be in the order of time"),
  })
  .refine((region) => region.start_time < region.end_time, { path: ["end_time"], error: "must be after start_time" });

const cropKeyframe = z
  .strictObject({ frame: frame.optional(), time: seconds.optional(), x: coordinate, y: coordinate, width: length, height: length, origin: z.string().max(32).nullish() })
  .refine((keyframe) => (keyframe.frame === undefined) !== (keyframe.time === undefined), "must have either `frame` or `time`");
const cropKeyframes = z
  .array(cropKeyframe)
  .max(10_000)
  .refine((keyframes) => keyframes.every((keyframe) => (keyframe.frame === undefined) === (keyframes[0].frame === undefined)), "must all have `frame` or all `time`")
  .refine((keyframes) => inOrder(keyframes, (keyframe) => keyframe.frame ?? keyframe.time ?? 0), "must be in the order of time");

const overlay = z.strictObject({
  highlight_regions: z.union([z.array(movingRegion).max(10_000), z.array(fixedRegion).max(10_000)]).nullish(),
  effect_type: z.enum(["blur", "spotlight", "original", "brightness_boost", "dark_overlay"]).nullish(),
  crop_keyframes: cropKeyframes.nullish(),
  output_width: evenSide.nullish(),
  output_height: evenSide.nullish(),
  interpolation,
});

const segment = z
  .strictObject({ start: seconds, end: seconds, speed: between(0.25, 4).nullish() })
  .refine((part) => part.start < part.end, { path: ["end"], error: "must be after start" });

const framing = z
  .strictObject({
    clip_index: whole(0, 100_000).nullish(),
    crop_keyframes: cropKeyframes.refine((keyframes) => keyframes.length > 0, "must have at least one keyframe"),
    start_time: seconds.nullish(),
    end_time: seconds.nullish(),
    segments: z.array(segment).max(100).nullish(),
    output_width: evenSide.nullish(),
    output_height: evenSide.nullish(),
    target_fps: between(1, 120).nullish(),
    include_audio: z.boolean().nullish(),
    interpolation,
  })
  .refine((params) => params.end_time == null || (params.start_time ?? 0) < params.end_time, { path: ["end_time"], error: "must be after start_time" });

const common = { project_id: whole(1, Number.MAX_SAFE_INTEGER), input_video_key: inputKey, job_id: jobId.nullish() };

export const createJob = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("overlay"), params: overlay, ...common }),
  z.strictObject({ type: z.literal("framing"), params: framing, ...common }),
]);
export type CreateJob = z.infer<typeof createJob>;

export const uploadUrl = z.strictObject({
  filename: z.string().trim().min(1, "must not be empty").max(255),
  content_type: z.string().trim().toLowerCase().regex(/^video\/[a-z0-9.+-]{1,60}$/, "must be a video type such as video/mp4 or video/quicktime"),
  size_bytes: whole(1, 5115 * 1024 * 1024).nullish(),
  job_id: jobId.nullish(),
});

// GPU workers may be newer: unknown members are ignored, and what cannot be read is left out.
const line = z.string().transform((text) => text.replace(/\p{Cc}/gu, " ").slice(0, 500).trim());
export const STAGES = ["starting", "downloading", "rendering", "uploading"] as const;

export const reports = {
  claim: z.object({ runpod_job_id: z.string().regex(/^[\w-]{1,100}$/).nullish().catch(null), conditional_put: z.boolean().nullish().catch(null) }),
  progress: z.object({ progress: z.number(), message: line.nullish().catch(null), stage: z.enum(STAGES).nullish().catch(null) }),
  complete: z.object({ output_video_key: z.string(), output_bytes: z.number().int().nonnegative().nullish().catch(null), poster_key: z.string().nullish().catch(null) }),
  error: z.object({ error: line.nullish().catch(null), error_code: z.string().nullish().catch(null), should_retry: z.boolean().nullish().catch(null) }),
};
export type Claim = z.infer<typeof reports.claim>;
export type Progress = z.infer<typeof reports.progress>;
export type Complete = z.infer<typeof reports.complete>;
export type Failure = z.infer<typeof reports.error>;

export const listQuery = z.strictObject({
  project_id: z.coerce.number().int().optional(),
  status: z.enum(["pending", "processing", "complete", "error"]).optional(),
  type: z.enum(["framing", "overlay", "annotate"]).optional(),
  limit: z.coerce.number().int().min(1, "must be a whole number from 1 to 100").max(100, "must be a whole number from 1 to 100").default(20),
  cursor: z.string().regex(/^\d{1,15}_[0-9a-f-]{36}$/, "must be the next_cursor of an earlier page").optional(),
});
export type ListQuery = z.infer<typeof listQuery>;
