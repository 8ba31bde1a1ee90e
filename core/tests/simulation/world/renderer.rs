//! Renderers: what each does next, and what goes wrong with it.

use reel_core::base::object_key::ObjectKey;
use reel_core::job::effect::Outcome;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, Report};
use reel_core::job::gpu_service::{RunpodJobId, WorkerStage};

use super::runpod::RunpodJobState;
use super::{Scheduled, Simulation};

/// One renderer working on one attempt, possibly the second for the same RunPod job.
pub(super) struct SimulatedAttempt {
    pub(super) runpod_job_id: RunpodJobId,
    attempt: u32,
    script: Vec<RendererAction>,
    at: usize,
    pub(super) stopped: bool,
}

/// What a renderer does next.
#[derive(Clone, Copy)]
enum RendererAction {
    Claim,
    Progress(u8, WorkerStage),
    Put,
    Complete,
    Fail(ErrorCode),
    Crash,
    /// Says nothing for so long.
    Hang(i64),
}

impl Simulation {
    pub(super) fn start_run(&mut self, runpod_job_id: &RunpodJobId, attempt: u32, starts_ms: i64) {
        let script = self.script();
        self.runs.push(SimulatedAttempt {
            runpod_job_id: runpod_job_id.clone(),
            attempt,
            script,
            at: 0,
            stopped: false,
        });
        let run = self.runs.len() - 1;
        self.post(starts_ms, Scheduled::Work { run });
    }

    fn script(&mut self) -> Vec<RendererAction> {
        let mut script = vec![RendererAction::Claim, RendererAction::Progress(3, WorkerStage::Downloading)];
        for percent in [20, 40, 60, 80] {
            script.push(RendererAction::Progress(percent, WorkerStage::Rendering));
        }
        script.extend([
            RendererAction::Progress(95, WorkerStage::Uploading),
            RendererAction::Put,
            RendererAction::Complete,
        ]);
        if self.chance.chance_permille(self.weather.renderer_faults) {
            let place = self.chance.place(script.len());
            match self.chance.below(7) {
                0 => script.insert(place, RendererAction::Crash),
                1 => script.insert(place, RendererAction::Fail(ErrorCode::GpuError)),
                2 => script.insert(place, RendererAction::Fail(ErrorCode::InvalidInput)),
                3 => script.insert(place, RendererAction::Hang(150_000)),
                4 => script.insert(place, RendererAction::Hang(900_000)),
                5 => script.retain(|act| !matches!(act, RendererAction::Put)),
                _ => script.retain(|act| !matches!(act, RendererAction::Complete)),
            }
        }
        script
    }

    pub(super) fn work(&mut self, index: usize) -> Result<(), String> {
        let Some(run) = self.runs.get_mut(index).filter(|run| !run.stopped) else { return Ok(()) };
        let Some(act) = run.script.get(run.at).copied() else {
            let id = run.runpod_job_id.as_str().to_owned();
            self.note_at_runpod(&id, RunpodJobState::Completed);
            return Ok(());
        };
        run.at += 1;
        let (attempt, runpod_job_id) = (run.attempt, run.runpod_job_id.clone());
        self.note_at_runpod(runpod_job_id.as_str(), RunpodJobState::Running);
        let mut pause = self.chance.span_ms(100, 8_000);
        match act {
            RendererAction::Claim => {
                let report = Report::Claim { runpod_job_id: Some(runpod_job_id) };
                // A renderer does nothing before its claim is granted.
                match self.happen(JobEvent::CallbackReceived { attempt, report })? {
                    Some(Outcome::Applied) => {}
                    None => self.runs[index].at -= 1,
                    Some(_) => self.runs[index].stopped = true,
                }
            }
            RendererAction::Progress(percent, stage) => {
                self.tell(attempt, &Report::Progress { percent, message: None, stage: Some(stage) }, false);
            }
            RendererAction::Put => {
                let id = self.stored.id;
                if !self.chance.chance_permille(self.weather.renderer_faults / 4) {
                    self.bucket.insert(ObjectKey::poster(id, attempt).as_str().to_owned(), 3);
                }
                // Now and then only a part arrives, and nobody says so.
                let bytes = if self.chance.chance_permille(self.weather.renderer_faults / 8) {
                    4
                } else {
                    REEL_BYTES
                };
                self.bucket.insert(ObjectKey::output(id, attempt).as_str().to_owned(), bytes);
            }
            RendererAction::Complete => {
                let key = ObjectKey::output(self.stored.id, attempt);
                let bytes = self.chance.chance_permille(800).then_some(REEL_BYTES);
                self.tell(attempt, &Report::Complete { key, poster: None, bytes }, true);
            }
            RendererAction::Fail(code) => {
                self.tell(
                    attempt,
                    &Report::Error { code, sentence: "It broke.".into(), retryable: true },
                    true,
                );
                self.note_at_runpod(runpod_job_id.as_str(), RunpodJobState::Failed);
                self.runs[index].stopped = true;
            }
            RendererAction::Crash => {
                self.runs[index].stopped = true;
                let fate = if self.chance.chance_permille(500) {
                    RunpodJobState::Failed
                } else {
                    RunpodJobState::Running
                };
                self.note_at_runpod(runpod_job_id.as_str(), fate);
            }
            RendererAction::Hang(ms) => pause = ms,
        }
        if !self.runs[index].stopped {
            self.post(pause, Scheduled::Work { run: index });
        }
        Ok(())
    }

    /// A report on its way: lost, exponential_backoff or late. Ends are sent until they arrive, unless luck is bad.
    fn tell(&mut self, attempt: u32, report: &Report, insists: bool) {
        let lost =
            self.chance.chance_permille(if insists { self.weather.loses / 3 } else { self.weather.loses });
        if lost {
            return;
        }
        let copies = if self.chance.chance_permille(self.weather.doubles) { 2 } else { 1 };
        for _ in 0..copies {
            let late = if self.chance.chance_permille(self.weather.doubles) { 30_000 } else { 300 };
            let wait = self.chance.span_ms(0, late);
            self.post(wait, Scheduled::Event(JobEvent::CallbackReceived { attempt, report: report.clone() }));
        }
        if insists && self.chance.chance_permille(700) {
            self.post(50, Scheduled::Event(JobEvent::WebhookReceived { attempt }));
        }
    }
}

/// What every renderer means to put.
const REEL_BYTES: u64 = 9;
