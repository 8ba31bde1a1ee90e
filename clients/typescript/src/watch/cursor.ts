// Where a watcher of a job is in the job's events: which message is told, which was told before, and which shows
// that one is missing. Pure: it takes messages and gives decisions.
//
// Invariant: stored events are told in order, once and without a gap; progress never falls within an attempt.
import type { Job, JobMessage, MessageType } from "../types.js";

/** What happened to a job. */
export interface JobEvent {
  type: MessageType;
  /** The number of the stored event; null for a snapshot and for progress in between, which are not stored. */
  seq: number | null;
  /** The job as it was then. */
  job: Job;
}

/** `tell` it; `skip` it; `end` after telling it; or `reconnect`, since an event is missing. */
export type Decision = { action: "tell" | "end"; event: JobEvent } | { action: "skip" } | { action: "reconnect" };

const SKIP: Decision = { action: "skip" };

export class Cursor {
  /** Number of the last stored event that was told; null before any. */
  #seq: number | null;
  /** Number of the last event that the API is known to have. */
  #newest = 0;
  /** The number after which an event was missing, and was asked for again. */
  #askedAgainAfter: number | null = null;
  /** The last job that was told. Later messages leave out what never changes. */
  #job: Job | null = null;
  #progress = { attempt: 0, percent: 0 };

  constructor(after: number | null = null) {
    this.#seq = after;
  }

  /** What a socket is opened with. */
  get after(): number | null {
    return this.#seq;
  }

  /** Whether the API has stored events that were not told. */
  get isBehind(): boolean {
    return this.#seq !== null && this.#newest > this.#seq;
  }

  /** The first message of a socket, or a job that was polled: the present state. */
  snapshot(job: Job): Decision {
    const seq = job.seq ?? 0;
    this.#newest = Math.max(this.#newest, seq);
    // The stored events lead to this state, and follow.
    if (this.isBehind) {
      this.#job ??= job;
      return SKIP;
    }
    this.#seq ??= seq;
    const ended = isTerminal(job);
    if (!ended && this.#job && !differs(this.#job, job)) return SKIP;
    return this.#told(ended ? (job.status as MessageType) : "status", null, job);
  }

  /** Any other message. */
  message(message: JobMessage): Decision {
    const { type, seq = null } = message;
    const job = jobOf(message);
    if (seq === null) return this.isBehind ? SKIP : this.#told(type, null, job);
    this.#newest = Math.max(this.#newest, seq);
    if (this.#seq !== null && seq <= this.#seq) return SKIP;
    if (this.#seq !== null && seq > this.#seq + 1 && this.#askedAgainAfter !== this.#seq) {
      // Asked for once more; if it is missing again, the API no longer has it.
      this.#askedAgainAfter = this.#seq;
      return { action: "reconnect" };
    }
    this.#seq = seq;
    return this.#told(type, seq, job);
  }

  #told(type: MessageType, seq: number | null, job: Job): Decision {
    const whole = this.#complete(job);
    this.#job = whole;
    // A failed job that was started over has events after its error.
    const ended = isTerminal(whole) && !this.isBehind;
    return { action: ended ? "end" : "tell", event: { type, seq, job: whole } };
  }

  #complete(job: Job): Job {
    const { params, input_video_key } = this.#job ?? {};
    const whole: Job = { ...(params && { params }), ...(input_video_key !== undefined && { input_video_key }), ...job };
    // After a crash of the platform a snapshot may be some seconds old.
    if (whole.attempt === this.#progress.attempt) whole.progress = Math.max(whole.progress, this.#progress.percent);
    if (whole.attempt >= this.#progress.attempt) this.#progress = { attempt: whole.attempt, percent: whole.progress };
    return whole;
  }
}

/** The job of a message: its `type` is the job's kind again. */
export function jobOf({ type: _, job_type, ...job }: JobMessage): Job {
  return { ...job, type: job_type };
}

/** Whether nothing more happens to it by itself. */
export function isTerminal({ status }: Pick<Job, "status">): boolean {
  return status === "complete" || status === "error";
}

/** Whether a person would see a difference. */
function differs(a: Job, b: Job): boolean {
  return a.status !== b.status || a.stage !== b.stage || a.progress < b.progress || a.message !== b.message || a.attempt !== b.attempt;
}
