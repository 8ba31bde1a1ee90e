// The bindings and settings of the peer: the same names as ours.
import type { ExportJob } from "./job";

export interface Env {
  EXPORT_JOB: DurableObjectNamespace<ExportJob>;
  VIDEOS: R2Bucket;
  DB: D1Database;
  ENVIRONMENT: string;
  PUBLIC_URL: string;
  WORKERS_API_KEY: string;
  SIGNING_KEY: string;
  RUNPOD_ENDPOINT: string;
  RUNPOD_API_KEY: string;
  R2_ENDPOINT: string;
  R2_BUCKET_NAME: string;
  R2_ACCESS_KEY_ID: string;
  R2_SECRET_ACCESS_KEY: string;
}
