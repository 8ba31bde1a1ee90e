//! The one transition function. Total: every event in every state has an answer, and late news is one.
//!
//! Invariants: the first end wins; progress never goes down within an attempt; `seq` grows by one with
//! every stored event; an attempt number is never used twice.

use crate::job::code::ErrorCode;
use crate::job::deadline::{Due, first_due};
use crate::job::effect::{Effect, Kind, Noted, Outcome, Step};
use crate::job::event::{Event, Found, Report};
use crate::job::state::{Check, End, Errand, Job, Rendering, State, Waiting};
use crate::job::timing::{Timing, doubled, jittered};
use crate::object_key::ObjectKey;
use crate::runpod::{GpuJobId, StatusReply, SubmitReply};
use crate::time::Millis;
use crate::wire::gpu::WorkStage;

/// What follows when `event` happens to `job` at `now`. `chance` is any random number, for jitter.
pub fn apply(job: Job, event: Event, now: Millis, chance: u32, timing: &Timing) -> Step {
    let mut turn =
        Turn { job, keep: false, log: Vec::new(), tick: false, effects: Vec::new(), now, chance, timing };
    let outcome = turn.happen(event);
    if turn.keep {
        turn.job.kept_at = now;
        // One row for the job, one for each event.
        turn.job.usage.object_rows += 1 + u64::try_from(turn.log.len()).unwrap_or(0);
    }
    Step { job: turn.job, keep: turn.keep, log: turn.log, tick: turn.tick, effects: turn.effects, outcome }
}

/// A step in the making.
struct Turn<'t> {
    job: Job,
    keep: bool,
    log: Vec<Noted>,
    tick: bool,
    effects: Vec<Effect>,
    now: Millis,
    chance: u32,
    timing: &'t Timing,
}

impl Turn<'_> {
    fn happen(&mut self, event: Event) -> Outcome {
        match event {
            Event::Woke => self.wake(),
            Event::SubmitAnswered { attempt, reply } => self.submit_answered(attempt, reply),
            Event::Reported { attempt, report } => self.reported(attempt, report),
            Event::Hinted { attempt } => self.hinted(attempt),
            Event::StatusRead { attempt, reply } => self.status_read(attempt, reply),
            Event::OutputLooked { key, found } => self.output_looked(&key, found),
            Event::CancelAnswered { gpu_job, settled } => self.cancel_answered(&gpu_job, settled),
            Event::IndexAnswered { version, written } => self.index_answered(version, written),
            Event::Compared { version } => self.compared(version),
            Event::CancelAsked => self.cancel_asked(),
            Event::RetryAsked => self.retry_asked(),
        }
    }

    // === Timers ===

    fn wake(&mut self) -> Outcome {
        let mut outcome = Outcome::Ignored;
        // Each timer that is handled moves on, so a handful of turns is enough; what is left rings again.
        for _ in 0..TIMERS_PER_WAKE {
            let Some(due) = first_due(&self.job, self.timing, self.now) else { break };
            self.ring(due);
            outcome = Outcome::Applied;
        }
        outcome
    }

    fn ring(&mut self, due: Due) {
        match due {
            Due::Submit => {
                if let State::Waiting(waiting) = &self.job.state {
                    // Kept before it is sent: a crash must not submit twice without knowing.
                    self.job.state = State::Submitting { waiting: waiting.clone(), sent_at: self.now };
                    self.keep = true;
                    self.effects.push(Effect::Submit { attempt: self.job.attempt });
                }
            }
            Due::SubmitLost => self.submit_refused(None, false),
            Due::WaitOver => {
                let unauthorized = matches!(&self.job.state, State::Waiting(waiting) if waiting.unauthorized);
                let code = if unauthorized { ErrorCode::GpuUnauthorized } else { ErrorCode::GpuUnreachable };
                self.fail(code, None);
            }
            Due::QueueOver => {
                self.owe_cancel(self.gpu_job());
                self.fail(ErrorCode::QueueTimeout, None);
            }
            Due::ExecutionOver => {
                self.owe_cancel(self.gpu_job());
                self.look_for(self.own_output(), ErrorCode::ExecutionTimeout);
            }
            Due::Ask => self.ask(),
            Due::Look => {
                if let State::Verifying { key, look_at, .. } = &mut self.job.state {
                    *look_at = self.now + self.timing.look_again;
                    self.effects.push(Effect::LookForOutput { key: key.clone() });
                }
            }
            Due::LookOver => self.attempt_failed(ErrorCode::Internal, None, true),
            Due::Errand(place) => self.run_errand(place),
            Due::Index => {
                let pause =
                    doubled(self.timing.errand_again, self.job.index.tries, self.timing.ask_again_max);
                self.job.index.due_at = self.now + jittered(pause, self.chance);
                self.effects.push(Effect::WriteIndex { version: self.job.index.wanted });
            }
        }
    }

    /// Asks RunPod, and sets the time of the next question in case there is no answer.
    fn ask(&mut self) {
        let (now, chance, timing) = (self.now, self.chance, *self.timing);
        let attempt = self.job.attempt;
        let (gpu_job, check) = match &mut self.job.state {
            State::Queued { gpu_job, check, .. }
            | State::Rendering(Rendering { gpu_job: Some(gpu_job), check, .. }) => (gpu_job.clone(), check),
            _ => return,
        };
        let pause = doubled(timing.ask_again, check.tries, timing.ask_again_max);
        *check = Check { next_at: now + jittered(pause, chance), tries: check.tries + 1, hinted: false };
        self.effects.push(Effect::AskStatus { attempt, gpu_job });
    }

    fn run_errand(&mut self, place: usize) {
        let (now, chance, timing) = (self.now, self.chance, *self.timing);
        let Some(errand) = self.job.errands.get_mut(place) else { return };
        if errand.tries >= CANCEL_TRIES {
            // RunPod's own `executionTimeout` and `ttl` stop the bill from here.
            self.job.errands.remove(place);
            self.keep = true;
            return;
        }
        let pause = doubled(timing.errand_again, errand.tries, timing.ask_again_max);
        errand.due_at = now + jittered(pause, chance);
        errand.tries += 1;
        let gpu_job = errand.gpu_job.clone();
        self.effects.push(Effect::CancelGpu { gpu_job });
    }

    // === RunPod ===

    fn submit_answered(&mut self, attempt: u32, reply: SubmitReply) -> Outcome {
        match reply {
            SubmitReply::Accepted(gpu_job) => self.submit_accepted(attempt, gpu_job),
            SubmitReply::Busy(pause) => self.submit_not_taken(attempt, pause, false),
            SubmitReply::Unauthorized => {
                self.submit_not_taken(attempt, Some(self.timing.unauthorized_again), true)
            }
            SubmitReply::Unknown => self.submit_not_taken(attempt, None, false),
        }
    }

    fn submit_accepted(&mut self, attempt: u32, accepted: GpuJobId) -> Outcome {
        if attempt != self.job.attempt {
            self.owe_cancel(Some(accepted));
            return Outcome::Stale;
        }
        let now = self.now;
        match &mut self.job.state {
            State::Submitting { .. } | State::Waiting(_) => {
                let check = Check { next_at: now + self.timing.first_sign, tries: 0, hinted: false };
                self.job.state = State::Queued { gpu_job: accepted, submitted_at: now, check };
                self.note(Kind::Status);
                Outcome::Applied
            }
            // The renderer was quicker than the answer: now its RunPod job has a name.
            State::Rendering(Rendering { gpu_job: known @ None, .. })
            | State::Verifying { gpu_job: known @ None, .. } => {
                *known = Some(accepted);
                self.keep = true;
                Outcome::Applied
            }
            State::Queued { gpu_job, .. }
            | State::Rendering(Rendering { gpu_job: Some(gpu_job), .. })
            | State::Verifying { gpu_job: Some(gpu_job), .. } => {
                if *gpu_job != accepted {
                    self.owe_cancel(Some(accepted));
                }
                Outcome::Ignored
            }
            // It ran and ended before we heard that it was taken: nothing is left to cancel.
            State::Ended(End::Complete { .. }) => Outcome::Ignored,
            State::Ended(End::Failed { .. }) => {
                self.owe_cancel(Some(accepted));
                Outcome::Ignored
            }
        }
    }

    fn submit_not_taken(
        &mut self,
        attempt: u32,
        pause: Option<crate::time::Span>,
        unauthorized: bool,
    ) -> Outcome {
        if attempt != self.job.attempt || !matches!(self.job.state, State::Submitting { .. }) {
            return Outcome::Ignored;
        }
        self.submit_refused(pause, unauthorized);
        Outcome::Applied
    }

    /// Back to waiting with the same attempt: nothing is known to have run. When a submit did arrive
    /// after all, its renderer claims the attempt, and a second one is refused.
    fn submit_refused(&mut self, pause: Option<crate::time::Span>, unauthorized: bool) {
        let State::Submitting { waiting, .. } = &self.job.state else { return };
        let pause = pause.unwrap_or_else(|| {
            doubled(self.timing.submit_again, waiting.tries, self.timing.submit_again_max)
        });
        let message = if unauthorized {
            "The render service refuses our key; an operator has to renew it. The export waits."
        } else {
            "The render service is not taking jobs; trying again"
        };
        let news = waiting.message != message;
        self.job.state = State::Waiting(Waiting {
            since: waiting.since,
            due_at: self.now + jittered(pause, self.chance),
            tries: waiting.tries + 1,
            unauthorized,
            message: message.to_owned(),
        });
        self.keep = true;
        if news {
            self.note(Kind::Status);
        }
    }

    /// RunPod repeats a webhook that is not answered 200, so a hint is never refused.
    fn hinted(&mut self, attempt: u32) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Ignored;
        }
        match &mut self.job.state {
            State::Queued { check, .. } | State::Rendering(Rendering { check, gpu_job: Some(_), .. }) => {
                *check = Check { next_at: self.now, tries: check.tries, hinted: true };
                Outcome::Applied
            }
            State::Waiting(_)
            | State::Submitting { .. }
            | State::Rendering(_)
            | State::Verifying { .. }
            | State::Ended(_) => Outcome::Ignored,
        }
    }

    fn status_read(&mut self, attempt: u32, reply: StatusReply) -> Outcome {
        if attempt != self.job.attempt {
            return Outcome::Stale;
        }
        let (queued_since, working) = match &self.job.state {
            State::Queued { submitted_at, .. } => (Some(*submitted_at), false),
            State::Rendering(_) => (None, true),
            State::Waiting(_) | State::Submitting { .. } | State::Verifying { .. } | State::Ended(_) => {
                return Outcome::Ignored;
            }
        };
        match reply {
            StatusReply::Running if !working => self.begin(self.gpu_job(), WorkStage::Starting),
            // "Cannot tell" is its own answer: the next question is already set, deadlines go on.
            StatusReply::Queued
            | StatusReply::Running
            | StatusReply::Unauthorized
            | StatusReply::CannotTell => return Outcome::Ignored,
            StatusReply::Busy(pause) => {
                self.ask_not_before(pause);
                return Outcome::Ignored;
            }
            StatusReply::Gone => {
                // RunPod's stores lag: until a renderer has spoken, an early 404 proves nothing.
                if queued_since.is_some_and(|at| self.now.since(at) < self.timing.gone_grace) {
                    return Outcome::Ignored;
                }
                self.look_for(self.own_output(), ErrorCode::WorkerLost);
            }
            StatusReply::Completed(key) => {
                let key = key.and_then(|text| ObjectKey::parse_output_of(self.job.id, &text).ok());
                self.look_for(key.unwrap_or_else(|| self.own_output()), ErrorCode::OutputMissing);
            }
            StatusReply::Failed(code) => self.look_for(self.own_output(), code),
            StatusReply::Cancelled => self.look_for(self.own_output(), ErrorCode::WorkerLost),
            StatusReply::TimedOut => {
                let code = if working { ErrorCode::ExecutionTimeout } else { ErrorCode::QueueTimeout };
                self.look_for(self.own_output(), code);
            }
        }
        Outcome::Applied
    }

    fn ask_not_before(&mut self, pause: Option<crate::time::Span>) {
        let Some(pause) = pause else { return };
        let not_before = self.now + jittered(pause, self.chance);
        match &mut self.job.state {
            State::Queued { check, .. } | State::Rendering(Rendering { check, .. }) => {
                check.next_at = check.next_at.max(not_before);
            }
            State::Waiting(_) | State::Submitting { .. } | State::Verifying { .. } | State::Ended(_) => {}
        }
    }

    // === The GPU worker ===

    fn reported(&mut self, attempt: u32, report: Report) -> Outcome {
        if self.job.end().is_some() {
            return Outcome::Ignored;
        }
        if attempt != self.job.attempt {
            return Outcome::Stale;
        }
        match report {
            Report::Claim { gpu_job } => self.claimed(gpu_job),
            Report::Progress { percent, message, stage } => self.progressed(percent, message, stage),
            Report::Complete { key } => {
                if matches!(&self.job.state, State::Verifying { key: looked, .. } if *looked == key) {
                    return Outcome::Ignored;
                }
                self.look_for(key, ErrorCode::OutputMissing);
                Outcome::Applied
            }
            Report::Error { code, sentence, may_retry } => {
                self.attempt_failed(code, Some(sentence), may_retry);
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
        }
    }

    fn claimed(&mut self, claimant: Option<GpuJobId>) -> Outcome {
        match &self.job.state {
            State::Verifying { .. } => return Outcome::AlreadyClaimed,
            State::Rendering(work) => {
                let other = matches!((&work.gpu_job, &claimant), (Some(known), Some(new)) if known != new);
                if other && self.now.since(work.heard_at) < self.timing.silence {
                    self.owe_cancel(claimant);
                    return Outcome::AlreadyClaimed;
                }
            }
            State::Queued { gpu_job, .. } => {
                // A submit whose answer was lost ran after all, and the later one is not needed.
                if claimant.as_ref().is_some_and(|new| new != gpu_job) {
                    let spare = gpu_job.clone();
                    self.owe_cancel(Some(spare));
                }
            }
            State::Waiting(_) | State::Submitting { .. } | State::Ended(_) => {}
        }
        let gpu_job = claimant.or_else(|| self.gpu_job());
        self.begin(gpu_job, WorkStage::Starting);
        Outcome::Applied
    }

    fn progressed(&mut self, percent: u8, message: Option<String>, stage: Option<WorkStage>) -> Outcome {
        if matches!(self.job.state, State::Verifying { .. }) {
            return Outcome::Ignored;
        }
        if !matches!(self.job.state, State::Rendering(_)) {
            self.begin(self.gpu_job(), stage.unwrap_or(WorkStage::Starting));
        }
        let State::Rendering(work) = &mut self.job.state else { return Outcome::Ignored };
        let before = (work.progress, work.stage, work.message.clone());
        work.heard_at = self.now;
        work.check = Check { next_at: self.now, tries: 0, hinted: false };
        work.progress = work.progress.max(percent.min(99));
        work.stage = stage.unwrap_or(work.stage);
        if let Some(message) = message {
            work.message = message;
        }
        let stage_changed = before.1 != work.stage;
        let shown = before != (work.progress, work.stage, work.message.clone());
        if stage_changed {
            self.note(Kind::Progress);
        } else {
            self.tick = shown && self.log.is_empty();
            // A clock that jumped back keeps once and goes on from there.
            let kept_for = self.now.0.abs_diff(self.job.kept_at.0);
            self.keep |= kept_for >= self.timing.keep_every.0.unsigned_abs();
        }
        Outcome::Applied
    }

    /// A renderer has the attempt: its first sign, or one that took over from another.
    fn begin(&mut self, gpu_job: Option<GpuJobId>, stage: WorkStage) {
        let now = self.now;
        let (since, progress) = match &self.job.state {
            State::Rendering(work) => (work.since, work.progress),
            _ => (now, 0),
        };
        let first_start = self.job.started_at.is_none();
        self.job.started_at.get_or_insert(now);
        self.job.state = State::Rendering(Rendering {
            gpu_job,
            since,
            heard_at: now,
            stage,
            progress,
            message: "A renderer has taken the export".to_owned(),
            check: Check { next_at: now, tries: 0, hinted: false },
        });
        if first_start || self.job.attempt > self.job.budget_from {
            self.owe_index();
        }
        self.note(Kind::Progress);
    }

    // === The result ===

    fn look_for(&mut self, key: ObjectKey, otherwise: ErrorCode) {
        let gpu_job = self.gpu_job();
        self.effects.push(Effect::LookForOutput { key: key.clone() });
        self.job.state = State::Verifying {
            gpu_job,
            key,
            otherwise,
            since: self.now,
            look_at: self.now + self.timing.look_again,
        };
        self.note(Kind::Progress);
    }

    fn output_looked(&mut self, looked: &ObjectKey, found: Found) -> Outcome {
        let State::Verifying { gpu_job, key, otherwise, .. } = &self.job.state else {
            return Outcome::Ignored;
        };
        if key != looked {
            return Outcome::Ignored;
        }
        match found {
            Found::Bytes(bytes) if bytes > 0 => {
                self.job.state = State::Ended(End::Complete {
                    key: key.clone(),
                    bytes,
                    at: self.now,
                    gpu_job: gpu_job.clone(),
                });
                self.job.started_at.get_or_insert(self.now);
                self.owe_index();
                self.note(Kind::Complete);
                Outcome::Applied
            }
            // An empty object is not a reel.
            Found::Bytes(_) | Found::Missing => {
                let code = *otherwise;
                self.attempt_failed(code, None, true);
                if self.job.end().is_some() { Outcome::Applied } else { Outcome::Retrying }
            }
            Found::CannotTell => Outcome::Ignored,
        }
    }

    // === Ends and beginnings ===

    /// This attempt is over without a result: another follows while the code and the budget allow.
    fn attempt_failed(&mut self, code: ErrorCode, sentence: Option<String>, may_retry: bool) {
        let sentence = sentence.unwrap_or_else(|| code.sentence().to_owned());
        let next = self.job.attempt + 1;
        if !may_retry || !code.tried_again() || next > self.job.max_attempts() {
            return self.fail(code, Some(sentence));
        }
        let tries = self.job.attempt - self.job.budget_from;
        let pause = doubled(self.timing.attempt_again, tries * 2, self.timing.ask_again_max);
        self.job.attempt = next;
        let (ordinal, of) =
            (next - self.job.budget_from + 1, self.job.max_attempts() - self.job.budget_from + 1);
        self.job.state = State::Waiting(Waiting {
            since: self.now,
            due_at: self.now + jittered(pause, self.chance),
            tries: 0,
            unauthorized: false,
            message: format!("Retrying (attempt {ordinal}/{of}): {sentence}"),
        });
        self.owe_index();
        self.note(Kind::Progress);
    }

    fn fail(&mut self, code: ErrorCode, sentence: Option<String>) {
        let progress = match &self.job.state {
            State::Rendering(work) => work.progress,
            State::Verifying { .. } => 99,
            State::Waiting(_) | State::Submitting { .. } | State::Queued { .. } | State::Ended(_) => 0,
        };
        self.job.state = State::Ended(End::Failed {
            code,
            sentence: sentence.unwrap_or_else(|| code.sentence().to_owned()),
            at: self.now,
            progress,
        });
        self.owe_index();
        self.note(Kind::Error);
    }

    fn cancel_asked(&mut self) -> Outcome {
        match self.job.end() {
            Some(End::Complete { .. }) => Outcome::WrongStatus(crate::job::state::Status::Complete),
            Some(End::Failed { .. }) => Outcome::Ignored,
            None => {
                self.owe_cancel(self.gpu_job());
                self.fail(ErrorCode::Cancelled, None);
                Outcome::Applied
            }
        }
    }

    fn retry_asked(&mut self) -> Outcome {
        match self.job.end() {
            Some(End::Failed { .. }) => {
                self.job.attempt += 1;
                self.job.budget_from = self.job.attempt;
                self.job.started_at = None;
                self.job.state = State::Waiting(Waiting {
                    since: self.now,
                    due_at: self.now,
                    tries: 0,
                    unauthorized: false,
                    message: "Starting over".to_owned(),
                });
                self.owe_index();
                self.note(Kind::Status);
                Outcome::Applied
            }
            Some(End::Complete { .. }) | None => Outcome::WrongStatus(self.job.face().status),
        }
    }

    // === Debts ===

    fn cancel_answered(&mut self, gpu_job: &GpuJobId, settled: bool) -> Outcome {
        let before = self.job.errands.len();
        if settled {
            self.job.errands.retain(|errand| errand.gpu_job != *gpu_job);
        }
        self.keep |= self.job.errands.len() != before;
        Outcome::Applied
    }

    fn index_answered(&mut self, version: u64, written: Option<u64>) -> Outcome {
        let index = &mut self.job.index;
        if let Some(rows) = written {
            self.job.usage.d1_rows += rows;
            index.written = index.written.max(version);
            index.tries = 0;
            // A version that came meanwhile need not wait for the pause of this one.
            index.due_at = self.now;
            self.keep = true;
        } else {
            index.tries += 1;
        }
        Outcome::Applied
    }

    /// The sweep brings the index back to the truth, whichever of the two was lost.
    fn compared(&mut self, version: Option<u64>) -> Outcome {
        let index = &self.job.index;
        if index.wanted == index.written && version == Some(index.written) {
            return Outcome::Ignored;
        }
        self.job.index.wanted = self.job.index.wanted.max(version.unwrap_or(0));
        self.owe_index();
        self.keep = true;
        Outcome::Applied
    }

    fn owe_cancel(&mut self, gpu_job: Option<GpuJobId>) {
        let Some(gpu_job) = gpu_job else { return };
        if self.job.errands.iter().all(|errand| errand.gpu_job != gpu_job) {
            self.job.errands.push(Errand { gpu_job, due_at: self.now, tries: 0 });
            self.keep = true;
        }
    }

    fn owe_index(&mut self) {
        self.job.index.wanted += 1;
        self.job.index.due_at = self.now;
        self.job.index.tries = 0;
    }

    fn note(&mut self, kind: Kind) {
        self.job.seq += 1;
        self.keep = true;
        self.log.push(Noted { seq: self.job.seq, at: self.now, kind, face: self.job.face() });
    }

    // === Questions ===

    fn gpu_job(&self) -> Option<GpuJobId> {
        match &self.job.state {
            State::Queued { gpu_job, .. } => Some(gpu_job.clone()),
            State::Rendering(Rendering { gpu_job, .. }) | State::Verifying { gpu_job, .. } => gpu_job.clone(),
            State::Waiting(_) | State::Submitting { .. } | State::Ended(_) => None,
        }
    }

    fn own_output(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }
}

/// More timers than a job can have due at once.
const TIMERS_PER_WAKE: usize = 16;

/// Cancels of one RunPod job before its own limits are left to end it.
const CANCEL_TRIES: u32 = 8;
