//! How a job is deleted: files first, the index row next, the job last. A deletion that breaks off on the
//! way is asked for again, and finds what is left.
//!
//! A GPU worker may put its output after the job was deleted, as long as its presigned URL is valid. So what is
//! left of a job then is a tombstone, which sweeps once more.
//!
//! Invariant: nothing that a project, a clip or another job names is deleted.

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::time::Timestamp;
use crate::http::problem::{Problem, ProblemCode};
use crate::job::spec::JobSpec;
use crate::job::state::Job;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeletionStep {
    /// Write the index row of this version. A project may still have to learn of the result, and nobody
    /// would tell it afterwards.
    WriteIndex {
        /// The version.
        version: u64,
    },
    /// List the keys under this prefix.
    ListOutputs {
        /// The prefix.
        prefix: String,
    },
    /// Find those of the keys that must stay, whoever names them but this job.
    FindReferences {
        /// The keys.
        keys: Vec<String>,
    },
    /// Delete these objects.
    DeleteObjects {
        /// The keys.
        keys: Vec<String>,
    },
    /// Remove the index row.
    RemoveRow,
    /// Delete all that the object stores.
    DeleteStorage,
    /// Delete all that the object stores, and store instead when the last presigned PUT is over: what was put
    /// by then is deleted, too.
    LeaveTombstone {
        /// When to sweep.
        sweep_at: Timestamp,
    },
    /// Nothing is left to do.
    Done,
}

/// What came of a step. A step that failed ends the deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepDone {
    /// It was done.
    Done,
    /// The keys that were listed, or found to be in use.
    Keys(Vec<String>),
}

/// A deletion on its way: of a job, or only of what was put too late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    outputs: String,
    inputs: Vec<String>,
    keep: Vec<String>,
    keys: Vec<String>,
    step: DeletionStep,
    last: Vec<DeletionStep>,
}

impl Deletion {
    /// Begins to delete a job at `now`.
    ///
    /// # Errors
    /// 409 while it has not ended.
    pub fn begin(spec: &JobSpec, job: &Job, now: Timestamp) -> Result<Self, Problem> {
        if job.end().is_none() {
            return Err(Problem::new(ProblemCode::JobState, "Cannot delete job in progress"));
        }
        // An input that lies elsewhere is another upload's; retention takes it when its time comes.
        let inputs = spec.inputs().filter(|input| input.is_input_of(spec.id));
        let inputs = inputs.map(|key| key.as_str().to_owned()).collect();
        let storage = match job.sweep_at.filter(|at| *at > now) {
            Some(sweep_at) => DeletionStep::LeaveTombstone { sweep_at },
            None => DeletionStep::DeleteStorage,
        };
        let mut deletion = Self::of_outputs(spec.id, vec![storage, DeletionStep::RemoveRow]);
        deletion.inputs = inputs;
        if spec.export.is_some() && job.index.wanted != job.index.written {
            deletion.step = DeletionStep::WriteIndex { version: job.index.wanted };
        }
        Ok(deletion)
    }

    /// Begins to delete what lies beside the result of a job that has ended.
    pub fn sweep(id: JobId, keep: &[ObjectKey]) -> Self {
        let keep = keep.iter().map(|key| key.as_str().to_owned()).collect();
        Self { keep, ..Self::of_outputs(id, Vec::new()) }
    }

    /// Begins to delete what was put after the job was deleted, and what is left of the job.
    pub fn of_tombstone(id: JobId) -> Self {
        Self::of_outputs(id, vec![DeletionStep::DeleteStorage])
    }

    fn of_outputs(id: JobId, last: Vec<DeletionStep>) -> Self {
        let outputs = format!("output/{id}/");
        let step = DeletionStep::ListOutputs { prefix: outputs.clone() };
        Self { outputs, inputs: Vec::new(), keep: Vec::new(), keys: Vec::new(), step, last }
    }

    /// What to do now.
    pub fn step(&self) -> &DeletionStep {
        &self.step
    }

    /// Goes on, now that the step was done.
    pub fn advance(&mut self, done: StepDone) {
        let listed = match done {
            StepDone::Done => Vec::new(),
            StepDone::Keys(keys) => keys,
        };
        let next = match std::mem::replace(&mut self.step, DeletionStep::Done) {
            DeletionStep::WriteIndex { .. } => {
                Some(DeletionStep::ListOutputs { prefix: self.outputs.clone() })
            }
            DeletionStep::ListOutputs { .. } => {
                self.keys = listed;
                self.keys.append(&mut self.inputs);
                self.keys.retain(|key| !self.keep.contains(key));
                (!self.keys.is_empty()).then(|| DeletionStep::FindReferences { keys: self.keys.clone() })
            }
            DeletionStep::FindReferences { .. } => {
                self.keys.retain(|key| !listed.contains(key));
                let keys = std::mem::take(&mut self.keys);
                (!keys.is_empty()).then_some(DeletionStep::DeleteObjects { keys })
            }
            DeletionStep::DeleteObjects { .. }
            | DeletionStep::RemoveRow
            | DeletionStep::DeleteStorage
            | DeletionStep::LeaveTombstone { .. }
            | DeletionStep::Done => None,
        };
        self.step = next.or_else(|| self.last.pop()).unwrap_or(DeletionStep::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::DurationMs;
    use crate::edit::JobType;
    use crate::job::companions::WantedCompanions;
    use crate::job::error_code::ErrorCode;
    use crate::job::spec::ProjectExport;
    use crate::job::state::{JobEnd, JobState};
    use serde_json::value::RawValue;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);

    fn id() -> JobId {
        JobId::from_random([9; 16])
    }

    fn spec(inputs: &[&str]) -> JobSpec {
        let mut inputs = inputs.iter().map(|key| ObjectKey::parse_input(key).unwrap());
        JobSpec {
            id: id(),
            owner: None,
            project_id: 7,
            job_type: JobType::Framing,
            input_key: inputs.next().unwrap(),
            extra_inputs: inputs.collect(),
            input_versions: Vec::new(),
            params: RawValue::from_string("{}".into()).unwrap(),
            execution_timeout: DurationMs::minutes(10),
            companions: WantedCompanions::default(),
            labels: None,
            created_at: Timestamp(1),
            export: None,
        }
    }

    fn ended() -> Job {
        let mut job = Job::new(id(), Timestamp(1));
        let (code, message) = (ErrorCode::GpuError, String::new());
        job.state = JobState::Ended(JobEnd::Failed { code, message, at: Timestamp(2), progress: 0 });
        job
    }

    fn keys(keys: &[&str]) -> Vec<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn a_running_job_is_not_deleted() {
        let problem =
            Deletion::begin(&spec(&["input/a/b.mp4"]), &Job::new(id(), Timestamp(1)), NOW).unwrap_err();
        assert_eq!(problem.detail, "Cannot delete job in progress", "clients match on it");
    }

    #[test]
    fn files_go_first_then_the_row_then_the_job() {
        let own = format!("input/{}/clip.mp4", id());
        let mut deletion = Deletion::begin(&spec(&[&own, "input/other/b.mp4"]), &ended(), NOW).unwrap();
        let prefix = format!("output/{}/", id());
        assert_eq!(*deletion.step(), DeletionStep::ListOutputs { prefix });
        deletion.advance(StepDone::Keys(keys(&["output/x/1/video.mp4", "output/x/1/poster.jpg"])));
        let asked = keys(&["output/x/1/video.mp4", "output/x/1/poster.jpg", &own]);
        assert_eq!(*deletion.step(), DeletionStep::FindReferences { keys: asked }, "another upload's stays");
        deletion.advance(StepDone::Keys(keys(&["output/x/1/video.mp4"])));
        let left = keys(&["output/x/1/poster.jpg", &own]);
        assert_eq!(*deletion.step(), DeletionStep::DeleteObjects { keys: left }, "a working video stays");
        for expected in [DeletionStep::RemoveRow, DeletionStep::DeleteStorage, DeletionStep::Done] {
            deletion.advance(StepDone::Done);
            assert_eq!(*deletion.step(), expected);
        }
        deletion.advance(StepDone::Done);
        assert_eq!(*deletion.step(), DeletionStep::Done);
    }

    #[test]
    fn what_does_not_exist_is_not_deleted() {
        let mut deletion = Deletion::begin(&spec(&["input/other/b.mp4"]), &ended(), NOW).unwrap();
        deletion.advance(StepDone::Keys(Vec::new()));
        assert_eq!(*deletion.step(), DeletionStep::RemoveRow);
        let own = format!("input/{}/clip.mp4", id());
        let mut deletion = Deletion::begin(&spec(&[&own]), &ended(), NOW).unwrap();
        deletion.advance(StepDone::Keys(Vec::new()));
        deletion.advance(StepDone::Keys(vec![own]));
        assert_eq!(*deletion.step(), DeletionStep::RemoveRow, "all of it is in use");
    }

    #[test]
    fn a_job_whose_worker_may_still_put_leaves_a_tombstone_that_sweeps() {
        let mut job = ended();
        for (sweep_at, left) in [
            (None, DeletionStep::DeleteStorage),
            (Some(NOW), DeletionStep::DeleteStorage),
            (Some(Timestamp(NOW.0 + 1)), DeletionStep::LeaveTombstone { sweep_at: Timestamp(NOW.0 + 1) }),
        ] {
            job.sweep_at = sweep_at;
            let mut deletion = Deletion::begin(&spec(&["input/other/b.mp4"]), &job, NOW).unwrap();
            for expected in [DeletionStep::RemoveRow, left, DeletionStep::Done] {
                deletion.advance(StepDone::Keys(Vec::new()));
                assert_eq!(*deletion.step(), expected);
            }
        }
        let mut sweep = Deletion::of_tombstone(id());
        let late = keys(&["output/x/1/video.mp4"]);
        sweep.advance(StepDone::Keys(late.clone()));
        sweep.advance(StepDone::Keys(Vec::new()));
        assert_eq!(*sweep.step(), DeletionStep::DeleteObjects { keys: late });
        for expected in [DeletionStep::DeleteStorage, DeletionStep::Done] {
            sweep.advance(StepDone::Done);
            assert_eq!(*sweep.step(), expected);
        }
    }

    #[test]
    fn a_sweep_spares_the_result_and_deletes_nothing_of_the_job() {
        let keep = [ObjectKey::output(id(), 2), ObjectKey::poster(id(), 2)];
        let kept = keep.iter().map(|key| key.as_str().to_owned());
        let late = ObjectKey::output(id(), 1).as_str().to_owned();
        let mut sweep = Deletion::sweep(id(), &keep);
        sweep.advance(StepDone::Keys(kept.clone().chain([late.clone()]).collect()));
        assert_eq!(*sweep.step(), DeletionStep::FindReferences { keys: vec![late.clone()] });
        sweep.advance(StepDone::Keys(Vec::new()));
        assert_eq!(*sweep.step(), DeletionStep::DeleteObjects { keys: vec![late] });
        sweep.advance(StepDone::Done);
        assert_eq!(*sweep.step(), DeletionStep::Done);
        let mut sweep = Deletion::sweep(id(), &keep);
        sweep.advance(StepDone::Keys(kept.collect()));
        assert_eq!(*sweep.step(), DeletionStep::Done);
    }

    #[test]
    fn a_project_learns_of_its_result_before_the_job_goes() {
        let mut spec = spec(&["input/other/b.mp4"]);
        let mut job = ended();
        job.index.wanted = 4;
        assert!(matches!(
            Deletion::begin(&spec, &job, NOW).unwrap().step(),
            DeletionStep::ListOutputs { .. }
        ));
        spec.export = Some(ProjectExport { request_fingerprint: "x".into(), set_working_video: true });
        let mut deletion = Deletion::begin(&spec, &job, NOW).unwrap();
        assert_eq!(*deletion.step(), DeletionStep::WriteIndex { version: 4 });
        deletion.advance(StepDone::Done);
        assert!(matches!(deletion.step(), DeletionStep::ListOutputs { .. }));
    }
}
