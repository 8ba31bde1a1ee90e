//! How a job is deleted: files first, the index row next, the job last. A deletion that breaks off on the
//! way is asked for again, and finds what is left.
//!
//! Invariant: nothing that a project, a clip or another job names is deleted.

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

/// A deletion on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    outputs: String,
    inputs: Vec<String>,
    keys: Vec<String>,
    step: DeletionStep,
}

impl Deletion {
    /// Begins to delete a job.
    ///
    /// # Errors
    /// 409 while it has not ended.
    pub fn begin(spec: &JobSpec, job: &Job) -> Result<Self, Problem> {
        if job.end().is_none() {
            return Err(Problem::new(ProblemCode::JobState, "Cannot delete job in progress"));
        }
        let outputs = format!("output/{}/", spec.id);
        // An input that lies elsewhere is another upload's; retention takes it when its time comes.
        let inputs = spec.inputs().filter(|input| input.is_input_of(spec.id));
        let unsynced = spec.export.is_some() && job.index.wanted != job.index.written;
        let step = if unsynced {
            DeletionStep::WriteIndex { version: job.index.wanted }
        } else {
            DeletionStep::ListOutputs { prefix: outputs.clone() }
        };
        Ok(Self {
            inputs: inputs.map(|key| key.as_str().to_owned()).collect(),
            outputs,
            keys: Vec::new(),
            step,
        })
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
        self.step = match std::mem::replace(&mut self.step, DeletionStep::Done) {
            DeletionStep::WriteIndex { .. } => DeletionStep::ListOutputs { prefix: self.outputs.clone() },
            DeletionStep::ListOutputs { .. } => {
                self.keys = listed;
                self.keys.append(&mut self.inputs);
                if self.keys.is_empty() {
                    DeletionStep::RemoveRow
                } else {
                    DeletionStep::FindReferences { keys: self.keys.clone() }
                }
            }
            DeletionStep::FindReferences { .. } => {
                self.keys.retain(|key| !listed.contains(key));
                if self.keys.is_empty() {
                    DeletionStep::RemoveRow
                } else {
                    DeletionStep::DeleteObjects { keys: std::mem::take(&mut self.keys) }
                }
            }
            DeletionStep::DeleteObjects { .. } => DeletionStep::RemoveRow,
            DeletionStep::RemoveRow => DeletionStep::DeleteStorage,
            DeletionStep::DeleteStorage | DeletionStep::Done => DeletionStep::Done,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::JobId;
    use crate::base::object_key::ObjectKey;
    use crate::base::time::Timestamp;
    use crate::edit::JobType;
    use crate::job::error_code::ErrorCode;
    use crate::job::spec::ProjectExport;
    use crate::job::state::{JobEnd, JobState};
    use serde_json::value::RawValue;

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
            params: RawValue::from_string("{}".into()).unwrap(),
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
        let problem = Deletion::begin(&spec(&["input/a/b.mp4"]), &Job::new(id(), Timestamp(1))).unwrap_err();
        assert_eq!(problem.detail, "Cannot delete job in progress", "clients match on it");
    }

    #[test]
    fn files_go_first_then_the_row_then_the_job() {
        let own = format!("input/{}/clip.mp4", id());
        let mut deletion = Deletion::begin(&spec(&[&own, "input/other/b.mp4"]), &ended()).unwrap();
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
        let mut deletion = Deletion::begin(&spec(&["input/other/b.mp4"]), &ended()).unwrap();
        deletion.advance(StepDone::Keys(Vec::new()));
        assert_eq!(*deletion.step(), DeletionStep::RemoveRow);
        let own = format!("input/{}/clip.mp4", id());
        let mut deletion = Deletion::begin(&spec(&[&own]), &ended()).unwrap();
        deletion.advance(StepDone::Keys(Vec::new()));
        deletion.advance(StepDone::Keys(vec![own]));
        assert_eq!(*deletion.step(), DeletionStep::RemoveRow, "all of it is in use");
    }

    #[test]
    fn a_project_learns_of_its_result_before_the_job_goes() {
        let mut spec = spec(&["input/other/b.mp4"]);
        let mut job = ended();
        job.index.wanted = 4;
        assert!(matches!(Deletion::begin(&spec, &job).unwrap().step(), DeletionStep::ListOutputs { .. }));
        spec.export = Some(ProjectExport { request_fingerprint: "x".into(), set_working_video: true });
        let mut deletion = Deletion::begin(&spec, &job).unwrap();
        assert_eq!(*deletion.step(), DeletionStep::WriteIndex { version: 4 });
        deletion.advance(StepDone::Done);
        assert!(matches!(deletion.step(), DeletionStep::ListOutputs { .. }));
    }
}
