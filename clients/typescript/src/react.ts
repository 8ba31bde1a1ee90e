// Hooks of React: a job that is followed while its component is shown, and an export from the click to the reel.
import { useCallback, useEffect, useRef, useState } from "react";

import type { ApiClient } from "./client.js";
import type { ExportRequest } from "./projects.js";
import type { Job } from "./types.js";
import { isTerminal } from "./watch/cursor.js";

export interface JobState {
  /** The job as it is now; null until the API has answered. */
  job: Job | null;
  /** Why it cannot be followed. A job that has failed is no such error: see `job.error`. */
  error: unknown;
  /** Whether it has ended, either way. */
  ended: boolean;
}

const NOTHING: JobState = { job: null, error: null, ended: false };

/** Follows a job until it ends or the component is gone. Give null while there is none. */
export function useJob(client: Pick<ApiClient, "jobs">, jobId: string | null | undefined): JobState {
  const { jobs } = client;
  // With the job that it is about: after a change of `jobId` the first render must not show the job before.
  const [followed, setFollowed] = useState({ jobId, state: NOTHING });
  useEffect(() => {
    if (!jobId) return;
    const controller = new AbortController();
    const show = (change: Partial<JobState>) => {
      if (controller.signal.aborted) return;
      setFollowed((before) => ({ jobId, state: { ...(before.jobId === jobId ? before.state : NOTHING), ...change } }));
    };
    const follow = async () => {
      for await (const { job } of jobs.watch(jobId, { signal: controller.signal })) show({ job, ended: isTerminal(job), error: null });
    };
    follow().catch((error: unknown) => show({ error }));
    return () => controller.abort();
  }, [jobs, jobId]);
  return followed.jobId === jobId ? followed.state : NOTHING;
}

export interface ExportState extends JobState {
  /** Whether the export has been asked for and has not ended. */
  running: boolean;
  /** Creates an export and follows it, in the place of the one before. Never rejects: see `error`. */
  start: (request: ExportRequest) => Promise<void>;
  /** Stops it. */
  cancel: () => Promise<void>;
}

/** An export that a component starts: `start` creates its job, and the state follows it. */
export function useExport(client: Pick<ApiClient, "jobs" | "exports">): ExportState {
  const [created, setCreated] = useState<{ jobId: string | null; creating: boolean; error: unknown }>({ jobId: null, creating: false, error: null });
  const latest = useRef(0);
  const state = useJob(client, created.jobId);

  const start = useCallback(
    async (request: ExportRequest) => {
      const turn = ++latest.current;
      setCreated({ jobId: null, creating: true, error: null });
      try {
        const { job_id } = await client.exports.create(request);
        if (turn === latest.current) setCreated({ jobId: job_id, creating: false, error: null });
      } catch (error) {
        if (turn === latest.current) setCreated({ jobId: null, creating: false, error });
      }
    },
    [client],
  );
  const cancel = useCallback(async () => {
    if (created.jobId) await client.jobs.cancel(created.jobId);
  }, [client, created.jobId]);

  const error = created.error ?? state.error;
  const running = created.creating || (created.jobId !== null && !state.ended && error === null);
  return { ...state, error, running, start, cancel };
}
