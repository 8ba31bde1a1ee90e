//! GPU workers: their actions and their faults.

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::Timestamp;
use reel_core::job::companions::{Companions, FilmstripFile};
use reel_core::job::effect::Outcome;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, Report};
use reel_core::job::filmstrip::FilmstripLayout;
use reel_core::job::gpu_service::{RunpodJobId, WorkerStage};
use reel_core::job::output_media::OutputMedia;

use super::runpod::RunpodJobState;
use super::{Scheduled, Simulation};

/// A GPU worker with one attempt. There may be two for one RunPod job.
pub(super) struct SimulatedAttempt {
    pub(super) runpod_job_id: RunpodJobId,
    attempt: u32,
    script: Vec<WorkerAction>,
    next: usize,
    /// Its presigned URLs are valid until then.
    puts_until: Timestamp,
    pub(super) stopped: bool,
}

/// An action of a GPU worker.
#[derive(Clone, Copy)]
enum WorkerAction {
    Claim,
    Progress(u8, WorkerStage),
    Put,
    Complete,
    Fail(ErrorCode),
    Crash,
    /// Sends nothing for this time, in milliseconds.
    Hang(i64),
}

impl Simulation {
    pub(super) fn start_attempt(&mut self, runpod_job_id: &RunpodJobId, attempt: u32, starts_ms: i64) {
        let script = self.script();
        self.attempts.push(SimulatedAttempt {
            runpod_job_id: runpod_job_id.clone(),
            attempt,
            script,
            next: 0,
            puts_until: Timestamp(0),
            stopped: false,
        });
        let index = self.attempts.len() - 1;
        self.schedule(starts_ms, Scheduled::Work { index });
    }

    fn script(&mut self) -> Vec<WorkerAction> {
        let mut script = vec![WorkerAction::Claim, WorkerAction::Progress(3, WorkerStage::Downloading)];
        for percent in [20, 40, 60, 80] {
            script.push(WorkerAction::Progress(percent, WorkerStage::Rendering));
        }
        script.extend([
            WorkerAction::Progress(95, WorkerStage::Uploading),
            WorkerAction::Put,
            WorkerAction::Complete,
        ]);
        if self.rng.chance_permille(self.fault_rates.worker_fault_permille) {
            let index = self.rng.index_below(script.len());
            match self.rng.below(8) {
                0 => script.insert(index, WorkerAction::Crash),
                1 => script.insert(index, WorkerAction::Fail(ErrorCode::GpuError)),
                2 => script.insert(index, WorkerAction::Fail(ErrorCode::InvalidInput)),
                3 => script.insert(index, WorkerAction::Hang(150_000)),
                4 => script.insert(index, WorkerAction::Hang(900_000)),
                // Long after its job was given up, but within the lifetime of its URLs.
                5 => script.insert(index, WorkerAction::Hang(3_000_000)),
                6 => script.retain(|action| !matches!(action, WorkerAction::Put)),
                _ => script.retain(|action| !matches!(action, WorkerAction::Complete)),
            }
        }
        script
    }

    pub(super) fn work(&mut self, index: usize) -> Result<(), String> {
        let Some(worker) = self.attempts.get_mut(index).filter(|worker| !worker.stopped) else {
            return Ok(());
        };
        let Some(action) = worker.script.get(worker.next).copied() else {
            let id = worker.runpod_job_id.as_str().to_owned();
            self.set_runpod_status(&id, RunpodJobState::Completed);
            return Ok(());
        };
        worker.next += 1;
        let (attempt, runpod_job_id) = (worker.attempt, worker.runpod_job_id.clone());
        self.set_runpod_status(runpod_job_id.as_str(), RunpodJobState::Running);
        let mut pause = self.rng.between_ms(100, 8_000);
        match action {
            WorkerAction::Claim => {
                let report = Report::Claim { runpod_job_id: Some(runpod_job_id), conditional_put: true };
                // A worker does nothing before its claim is accepted.
                match self.handle(JobEvent::CallbackReceived { attempt, report })? {
                    Some(Outcome::Applied) => {
                        self.attempts[index].puts_until = self.now + self.timeouts.worker_url_lifetime;
                    }
                    None => self.attempts[index].next -= 1,
                    Some(_) => self.attempts[index].stopped = true,
                }
            }
            WorkerAction::Progress(percent, stage) => {
                self.send_report(
                    attempt,
                    &Report::Progress { percent, message: None, stage: Some(stage) },
                    false,
                );
            }
            // The presigned URL has expired.
            WorkerAction::Put if self.now > self.attempts[index].puts_until => {
                self.attempts[index].stopped = true;
            }
            WorkerAction::Put => {
                let id = self.stored.id;
                for key in self.stored.companions.keys(id, attempt) {
                    // Some do not arrive.
                    if !self.rng.chance_permille(self.fault_rates.worker_fault_permille / 8) {
                        self.bucket.insert(key.as_str().to_owned(), OUTPUT_BYTES);
                    }
                }
                if !self.rng.chance_permille(self.fault_rates.worker_fault_permille / 4) {
                    self.bucket.insert(ObjectKey::poster(id, attempt).as_str().to_owned(), 3);
                }
                // Sometimes only a part of the output arrives, and no report says so.
                let bytes = if self.rng.chance_permille(self.fault_rates.worker_fault_permille / 8) {
                    4
                } else {
                    OUTPUT_BYTES
                };
                self.bucket.insert(ObjectKey::output(id, attempt).as_str().to_owned(), bytes);
            }
            WorkerAction::Complete => {
                let key = ObjectKey::output(self.stored.id, attempt);
                let bytes = self.rng.chance_permille(800).then_some(OUTPUT_BYTES);
                let media = OutputMedia::new(1080, 1920, 30.0, 90, 3_000);
                let media = media.filter(|_| self.rng.chance_permille(500));
                let companions = self.reported_companions(attempt);
                let report = Report::Complete { key, poster: None, bytes, media, companions };
                self.send_report(attempt, &report, true);
            }
            WorkerAction::Fail(code) => {
                self.send_report(
                    attempt,
                    &Report::Error { code, sentence: "It broke.".into(), retryable: true },
                    true,
                );
                self.set_runpod_status(runpod_job_id.as_str(), RunpodJobState::Failed);
                self.attempts[index].stopped = true;
            }
            WorkerAction::Crash => {
                self.attempts[index].stopped = true;
                let status = if self.rng.chance_permille(500) {
                    RunpodJobState::Failed
                } else {
                    RunpodJobState::Running
                };
                self.set_runpod_status(runpod_job_id.as_str(), status);
            }
            WorkerAction::Hang(ms) => pause = ms,
        }
        if !self.attempts[index].stopped {
            self.schedule(pause, Scheduled::Work { index });
        }
        Ok(())
    }

    /// What a worker says of its companions: all, some, or nothing.
    fn reported_companions(&mut self, attempt: u32) -> Companions {
        let id = self.stored.id;
        let mut companions = self.stored.companions.expected(id, attempt);
        companions.renditions.retain(|_| self.rng.chance_permille(900));
        for rendition in &mut companions.renditions {
            rendition.bytes = Some(OUTPUT_BYTES);
        }
        let layout = FilmstripLayout::of_length((160, 90), 3_000).expect("a layout");
        let sheet = FilmstripFile { key: ObjectKey::filmstrip(id, attempt), layout, etag: None };
        companions.filmstrip = self.rng.chance_permille(800).then_some(sheet);
        companions
    }

    /// Sends a report, which may be lost, duplicated or late. A final report is repeated by the worker, so it is
    /// lost less often.
    fn send_report(&mut self, attempt: u32, report: &Report, is_final: bool) {
        let lost = self.rng.chance_permille(if is_final {
            self.fault_rates.lost_permille / 3
        } else {
            self.fault_rates.lost_permille
        });
        if lost {
            return;
        }
        let copies = if self.rng.chance_permille(self.fault_rates.duplicated_permille) { 2 } else { 1 };
        for _ in 0..copies {
            let max_delay_ms =
                if self.rng.chance_permille(self.fault_rates.duplicated_permille) { 30_000 } else { 300 };
            let wait = self.rng.between_ms(0, max_delay_ms);
            self.schedule(
                wait,
                Scheduled::Event(JobEvent::CallbackReceived { attempt, report: report.clone() }),
            );
        }
        if is_final && self.rng.chance_permille(700) {
            self.schedule(50, Scheduled::Event(JobEvent::WebhookReceived { attempt }));
        }
    }
}

/// Size of a complete output.
const OUTPUT_BYTES: u64 = 9;
