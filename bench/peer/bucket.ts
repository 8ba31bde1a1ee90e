// Presigned URLs for the bucket. One aws4fetch client an isolate: it keeps its derived signing keys.
import { AwsClient } from "aws4fetch";
import type { Env } from "./env";

const LIFETIME_S = 3600;
let client: AwsClient | undefined;

const clientOf = (env: Env) =>
  (client ??= new AwsClient({ accessKeyId: env.R2_ACCESS_KEY_ID, secretAccessKey: env.R2_SECRET_ACCESS_KEY, service: "s3", region: "auto" }));

async function presign(env: Env, method: "GET" | "PUT", key: string, query: string, headers: Record<string, string>): Promise<string> {
  const url = `${env.R2_ENDPOINT}/${env.R2_BUCKET_NAME}/${key}?${query}X-Amz-Expires=${LIFETIME_S}`;
  return (await clientOf(env).sign(url, { method, headers, aws: { signQuery: true, allHeaders: true } })).url;
}

export const presignGet = (env: Env, key: string, downloadName?: string) =>
  presign(env, "GET", key, downloadName ? `response-content-disposition=${encodeURIComponent(`attachment; filename="${downloadName}"`)}&` : "", {});

export const presignPut = (env: Env, key: string, contentType: string, { size, once = false }: { size?: number; once?: boolean } = {}) =>
  presign(env, "PUT", key, "", {
    "content-type": contentType,
    ...(size === undefined ? {} : { "content-length": String(size) }),
    ...(once ? { "if-none-match": "*" } : {}),
  });

export const urlsExpireAt = () => new Date(Date.now() + LIFETIME_S * 1000).toISOString();
export const outputKey = (job: string, attempt: number) => `output/${job}/${attempt}/video.mp4`;
export const posterKey = (job: string, attempt: number) => `output/${job}/${attempt}/poster.jpg`;
export const isOutputOf = (job: string, key: string) => key.startsWith(`output/${job}/`) && /^[\w./-]{1,300}$/.test(key) && !/\/\.{0,2}(\/|$)/.test(key);

/** A file name that is safe in keys, URLs and headers. */
export function safeName(filename: string): string {
  const base = (filename.split(/[/\\]/).pop() ?? "").replace(/[^\w.-]/g, "_");
  const dot = base.lastIndexOf(".");
  const trim = (text: string) => text.replace(/^[._-]+|[._-]+$/g, "");
  const stem = trim(dot < 0 ? base : base.slice(0, dot)).slice(0, 88) || "video";
  const extension = dot < 0 ? "" : trim(base.slice(dot + 1)).slice(0, 11);
  return extension ? `${stem}.${extension}` : stem;
}
