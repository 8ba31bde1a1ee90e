//! Orphans: objects in the bucket that came too late to be the output of a job.
//!
//! Invariant: the output of a complete job is never deleted, nor anything that the current attempt may have
//! uploaded.

use crate::base::object_key::ObjectKey;
use crate::job::effect::{JobEffect, Outcome};
use crate::job::state::{JobEnd, JobState};
use crate::job::step::StepBuilder;

impl StepBuilder<'_> {
    /// Deletes what `attempt` has uploaded after the job ended or went on without it. Without a reported
    /// poster, the attempt's own poster key is used.
    pub(super) fn delete_orphaned_output(&mut self, attempt: u32, key: ObjectKey, poster: Option<ObjectKey>) {
        let id = self.job.id;
        let mut keys = vec![key, poster.unwrap_or_else(|| ObjectKey::poster(id, attempt))];
        keys.extend(self.job.companions.keys(id, attempt));
        match self.job.end() {
            Some(JobEnd::Complete { key, .. }) if keys.contains(key) => return,
            Some(JobEnd::Complete { poster, companions, .. }) => {
                let kept = companions.keys();
                keys.retain(|key| Some(key) != poster.as_ref() && !kept.contains(key));
            }
            Some(JobEnd::Failed { .. }) => {}
            // A GPU worker may use one key for all attempts: then the object may be the next attempt's.
            None => keys.retain(|key| key.is_of_attempt(id, attempt)),
        }
        if !keys.is_empty() {
            self.effects.push(JobEffect::DeleteObjects { keys });
        }
    }

    /// Deletes what was put and never reported, now that no presigned PUT is valid.
    pub(super) fn sweep_outputs(&mut self) {
        self.job.sweep_at = Some(self.now + self.timeouts.late_put_grace);
        let keep = match self.job.end() {
            Some(JobEnd::Complete { key, poster, companions, .. }) => {
                [key].into_iter().chain(poster).cloned().chain(companions.keys()).collect()
            }
            Some(JobEnd::Failed { .. }) | None => Vec::new(),
        };
        self.effects.push(JobEffect::SweepOutputs { keep });
    }

    pub(super) fn outputs_swept(&mut self, done: bool) -> Outcome {
        // A retry in the meantime has a claim of its own, and so a sweep.
        if !done || !self.job.needs_sweep() || self.job.sweep_at.is_none() {
            return Outcome::Ignored;
        }
        self.job.sweep_at = None;
        self.persist = true;
        Outcome::Applied
    }

    /// Deletes what the current attempt may have uploaded before the cancel.
    pub(super) fn delete_unfinished_output(&mut self, state: JobState) {
        let (key, poster) = match state {
            JobState::Rendering(_) => (self.expected_output(), None),
            JobState::Verifying { key, poster, .. } => (key, poster),
            JobState::PendingSubmit(_)
            | JobState::Submitting { .. }
            | JobState::Queued { .. }
            | JobState::Ended(_) => return,
        };
        self.delete_orphaned_output(self.job.attempt, key, poster);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::JobId;
    use crate::base::object_version::ObjectVersion;
    use crate::base::time::Timestamp;
    use crate::job::companions::Companions;
    use crate::job::effect::{Outcome, Step};
    use crate::job::error_code::ErrorCode;
    use crate::job::event::{JobEvent, ObjectCheck, Report};
    use crate::job::state::Job;
    use crate::job::step::apply;
    use crate::job::timeouts::Timeouts;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn id() -> JobId {
        JobId::from_random([9; 16])
    }

    fn after(mut job: Job, events: impl IntoIterator<Item = JobEvent>) -> Step {
        let mut last = None;
        for event in events {
            let step = apply(job, event, NOW, 25, &Timeouts::STANDARD);
            job = step.job.clone();
            last = Some(step);
        }
        last.expect("an event")
    }

    fn callback(attempt: u32, report: Report) -> JobEvent {
        JobEvent::CallbackReceived { attempt, report }
    }

    fn complete(attempt: u32, bytes: Option<u64>) -> JobEvent {
        callback(
            attempt,
            Report::Complete {
                key: ObjectKey::output(id(), attempt),
                poster: None,
                bytes,
                media: None,
                companions: Companions::default(),
            },
        )
    }

    fn output_checked(attempt: u32, found: ObjectCheck, poster: ObjectCheck) -> JobEvent {
        JobEvent::OutputChecked {
            key: ObjectKey::output(id(), attempt),
            output: found,
            poster,
            companions: Vec::new(),
        }
    }

    fn failed(attempt: u32) -> JobEvent {
        let sentence = "It broke.".into();
        callback(attempt, Report::Error { code: ErrorCode::GpuError, sentence, retryable: true })
    }

    fn present(bytes: u64) -> ObjectCheck {
        ObjectCheck::Present(ObjectVersion { etag: format!("\"{bytes}\""), bytes })
    }

    const CLAIM: Report = Report::Claim { runpod_job_id: None, conditional_put: false };

    fn deleted(step: &Step) -> Vec<&str> {
        step.effects
            .iter()
            .flat_map(
                |effect| if let JobEffect::DeleteObjects { keys } = effect { keys.as_slice() } else { &[] },
            )
            .map(ObjectKey::as_str)
            .collect()
    }

    fn output_and_poster(attempt: u32) -> Vec<String> {
        let (output, poster) = (ObjectKey::output(id(), attempt), ObjectKey::poster(id(), attempt));
        vec![output.as_str().to_owned(), poster.as_str().to_owned()]
    }

    #[test]
    fn an_output_after_a_cancel_is_deleted_each_time() {
        let step = after(Job::new(id(), NOW), [callback(1, CLAIM), JobEvent::CancelRequested]);
        assert_eq!(deleted(&step), output_and_poster(1), "it may have been uploaded before the cancel");
        let mut job = step.job;
        for _ in 0..2 {
            let step = after(job, [complete(1, Some(7))]);
            assert_eq!(
                (step.outcome, deleted(&step)),
                (Outcome::Ignored, output_and_poster(1).iter().map(String::as_str).collect())
            );
            assert!(!step.persist && step.entries.is_empty());
            job = step.job;
        }
    }

    #[test]
    fn a_cancel_during_the_output_check_deletes_the_reported_output() {
        let key = ObjectKey::parse_output_of(id(), &format!("output/{}/mine.mp4", id())).expect("a key");
        let report = Report::Complete {
            key: key.clone(),
            poster: Some(ObjectKey::poster(id(), 1)),
            bytes: None,
            media: None,
            companions: Companions::default(),
        };
        let step =
            after(Job::new(id(), NOW), [callback(1, CLAIM), callback(1, report), JobEvent::CancelRequested]);
        assert_eq!(deleted(&step), [key.as_str(), ObjectKey::poster(id(), 1).as_str()]);
        let step = after(
            step.job,
            [JobEvent::OutputChecked {
                key,
                output: present(7),
                poster: ObjectCheck::Missing,
                companions: Vec::new(),
            }],
        );
        assert_eq!(step.outcome, Outcome::Ignored);
    }

    #[test]
    fn a_cancel_before_the_first_claim_deletes_nothing() {
        assert_eq!(deleted(&after(Job::new(id(), NOW), [JobEvent::CancelRequested])), Vec::<&str>::new());
    }

    #[test]
    fn the_output_and_the_poster_of_a_complete_job_are_never_deleted() {
        let events = [callback(1, CLAIM), complete(1, Some(7)), output_checked(1, present(7), present(3))];
        let job = after(Job::new(id(), NOW), events).job;
        assert_eq!(deleted(&after(job.clone(), [complete(1, Some(7))])), Vec::<&str>::new());
        // Another worker of the same attempt, with its own output key and the same poster key.
        let key = ObjectKey::parse_output_of(id(), &format!("output/{}/other.mp4", id())).expect("a key");
        let other = Report::Complete {
            key: key.clone(),
            poster: None,
            bytes: None,
            media: None,
            companions: Companions::default(),
        };
        assert_eq!(deleted(&after(job, [callback(1, other)])), [key.as_str()]);
    }

    #[test]
    fn an_output_of_a_replaced_attempt_is_deleted_only_in_its_own_folder() {
        let job = after(Job::new(id(), NOW), [callback(1, CLAIM), failed(1), callback(2, CLAIM)]).job;
        let step = after(job.clone(), [complete(1, None)]);
        assert_eq!(
            (step.outcome, deleted(&step)),
            (Outcome::Stale, output_and_poster(1).iter().map(String::as_str).collect())
        );
        let shared = ObjectKey::parse_output_of(id(), &format!("output/{}/video.mp4", id())).expect("a key");
        let report = Report::Complete {
            key: shared.clone(),
            poster: Some(shared),
            bytes: None,
            media: None,
            companions: Companions::default(),
        };
        assert_eq!(deleted(&after(job, [callback(1, report)])), Vec::<&str>::new());
    }

    #[test]
    fn an_output_of_another_size_than_reported_is_deleted_and_rendered_again() {
        for (found, message) in [
            (present(4), "The rendered video was not uploaded completely. Try the export again."),
            (present(8), "The rendered video was not uploaded completely. Try the export again."),
            (present(0), ErrorCode::OutputMissing.default_message()),
        ] {
            let step = after(
                Job::new(id(), NOW),
                [callback(1, CLAIM), complete(1, Some(7)), output_checked(1, found.clone(), present(3))],
            );
            assert_eq!((step.outcome, step.job.attempt), (Outcome::Retrying, 2), "{found:?}");
            assert_eq!(step.job.snapshot().message, format!("Retrying (attempt 2/3): {message}"));
            assert_eq!(deleted(&step), output_and_poster(1));
        }
        // No size was reported.
        let step = after(
            Job::new(id(), NOW),
            [callback(1, CLAIM), complete(1, None), output_checked(1, present(4), ObjectCheck::Missing)],
        );
        assert!(matches!(step.job.end(), Some(JobEnd::Complete { bytes: 4, poster: None, .. })));
    }

    #[test]
    fn a_poster_counts_only_if_it_has_bytes() {
        for (poster, is_present) in [
            (present(1), true),
            (present(0), false),
            (ObjectCheck::Missing, false),
            (ObjectCheck::Unknown, false),
        ] {
            let step = after(
                Job::new(id(), NOW),
                [callback(1, CLAIM), complete(1, Some(7)), output_checked(1, present(7), poster.clone())],
            );
            let Some(JobEnd::Complete { poster: stored, .. }) = step.job.end() else {
                panic!("{:?}", step.job.state)
            };
            assert_eq!(*stored, is_present.then(|| ObjectKey::poster(id(), 1)), "{poster:?}");
        }
    }
}
