//! Objects in the bucket that came too late to be a result.
//!
//! Invariant: the result of a complete job is never discarded, nor anything that an attempt which is still
//! under way may have put.

use crate::base::object_key::ObjectKey;
use crate::job::effect::JobEffect;
use crate::job::state::{JobEnd, JobState};
use crate::job::step::StepBuilder;

impl StepBuilder<'_> {
    /// What `attempt` has put, now that the job has ended otherwise or gone on without it. Without a named
    /// picture it is the one beside the attempt's result.
    pub(super) fn delete_orphaned_output(&mut self, attempt: u32, key: ObjectKey, poster: Option<ObjectKey>) {
        let id = self.job.id;
        let mut keys = vec![key, poster.unwrap_or_else(|| ObjectKey::poster(id, attempt))];
        match self.job.end() {
            Some(JobEnd::Complete { key, .. }) if keys.contains(key) => return,
            Some(JobEnd::Complete { poster, .. }) => keys.retain(|key| Some(key) != poster.as_ref()),
            Some(JobEnd::Failed { .. }) => {}
            // A renderer may name the same key in every attempt: then it is the next one's.
            None => keys.retain(|key| key.is_of_attempt(id, attempt)),
        }
        if !keys.is_empty() {
            self.effects.push(JobEffect::DeleteObjects { keys });
        }
    }

    /// What the current attempt may have put before a person wanted it to stop.
    pub(super) fn delete_unfinished_output(&mut self, left: JobState) {
        let (key, poster) = match left {
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
    use crate::base::time::Timestamp;
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

    fn says(attempt: u32, report: Report) -> JobEvent {
        JobEvent::CallbackReceived { attempt, report }
    }

    fn put(attempt: u32, bytes: Option<u64>) -> JobEvent {
        says(attempt, Report::Complete { key: ObjectKey::output(id(), attempt), poster: None, bytes })
    }

    fn looked(attempt: u32, found: ObjectCheck, poster: ObjectCheck) -> JobEvent {
        JobEvent::OutputChecked { key: ObjectKey::output(id(), attempt), found, poster }
    }

    fn broke(attempt: u32) -> JobEvent {
        let sentence = "It broke.".into();
        says(attempt, Report::Error { code: ErrorCode::GpuError, sentence, retryable: true })
    }

    const CLAIM: Report = Report::Claim { runpod_job_id: None };

    fn discarded(step: &Step) -> Vec<&str> {
        step.effects
            .iter()
            .flat_map(
                |effect| if let JobEffect::DeleteObjects { keys } = effect { keys.as_slice() } else { &[] },
            )
            .map(ObjectKey::as_str)
            .collect()
    }

    fn both(attempt: u32) -> Vec<String> {
        let (output, poster) = (ObjectKey::output(id(), attempt), ObjectKey::poster(id(), attempt));
        vec![output.as_str().to_owned(), poster.as_str().to_owned()]
    }

    #[test]
    fn a_result_that_comes_after_a_cancel_is_discarded_as_often_as_it_comes() {
        let step = after(Job::new(id(), NOW), [says(1, CLAIM), JobEvent::CancelRequested]);
        assert_eq!(discarded(&step), both(1), "it may have been put before the cancel");
        let mut job = step.job;
        for _ in 0..2 {
            let step = after(job, [put(1, Some(7))]);
            assert_eq!(
                (step.outcome, discarded(&step)),
                (Outcome::Ignored, both(1).iter().map(String::as_str).collect())
            );
            assert!(!step.persist && step.entries.is_empty());
            job = step.job;
        }
    }

    #[test]
    fn a_cancel_while_the_result_is_being_looked_for_discards_it_where_it_was_said_to_be() {
        let key = ObjectKey::parse_output_of(id(), &format!("output/{}/mine.mp4", id())).expect("a key");
        let report =
            Report::Complete { key: key.clone(), poster: Some(ObjectKey::poster(id(), 1)), bytes: None };
        let step = after(Job::new(id(), NOW), [says(1, CLAIM), says(1, report), JobEvent::CancelRequested]);
        assert_eq!(discarded(&step), [key.as_str(), ObjectKey::poster(id(), 1).as_str()]);
        let step = after(
            step.job,
            [JobEvent::OutputChecked { key, found: ObjectCheck::Present(7), poster: ObjectCheck::Missing }],
        );
        assert_eq!(step.outcome, Outcome::Ignored);
    }

    #[test]
    fn a_cancel_before_any_renderer_discards_nothing() {
        assert_eq!(discarded(&after(Job::new(id(), NOW), [JobEvent::CancelRequested])), Vec::<&str>::new());
    }

    #[test]
    fn the_latched_result_and_its_picture_are_never_discarded() {
        let complete =
            [says(1, CLAIM), put(1, Some(7)), looked(1, ObjectCheck::Present(7), ObjectCheck::Present(3))];
        let job = after(Job::new(id(), NOW), complete).job;
        assert_eq!(discarded(&after(job.clone(), [put(1, Some(7))])), Vec::<&str>::new());
        // Another renderer of the same attempt, with a key of its own and the same picture.
        let key = ObjectKey::parse_output_of(id(), &format!("output/{}/other.mp4", id())).expect("a key");
        let other = Report::Complete { key: key.clone(), poster: None, bytes: None };
        assert_eq!(discarded(&after(job, [says(1, other)])), [key.as_str()]);
    }

    #[test]
    fn the_result_of_a_replaced_attempt_is_discarded_only_where_no_other_attempt_writes() {
        let job = after(Job::new(id(), NOW), [says(1, CLAIM), broke(1), says(2, CLAIM)]).job;
        let step = after(job.clone(), [put(1, None)]);
        assert_eq!(
            (step.outcome, discarded(&step)),
            (Outcome::Stale, both(1).iter().map(String::as_str).collect())
        );
        let shared = ObjectKey::parse_output_of(id(), &format!("output/{}/video.mp4", id())).expect("a key");
        let report = Report::Complete { key: shared.clone(), poster: Some(shared), bytes: None };
        assert_eq!(discarded(&after(job, [says(1, report)])), Vec::<&str>::new());
    }

    #[test]
    fn a_result_of_another_size_than_was_put_is_discarded_and_done_again() {
        for (found, sentence) in [
            (ObjectCheck::Present(4), "The renderer's video did not arrive whole; try the export again."),
            (ObjectCheck::Present(8), "The renderer's video did not arrive whole; try the export again."),
            (ObjectCheck::Present(0), ErrorCode::OutputMissing.default_message()),
        ] {
            let step = after(
                Job::new(id(), NOW),
                [says(1, CLAIM), put(1, Some(7)), looked(1, found, ObjectCheck::Present(3))],
            );
            assert_eq!((step.outcome, step.job.attempt), (Outcome::Retrying, 2), "{found:?}");
            assert_eq!(step.job.snapshot().message, format!("Retrying (attempt 2/3): {sentence}"));
            assert_eq!(discarded(&step), both(1));
        }
        // Nobody said how long it should be.
        let step = after(
            Job::new(id(), NOW),
            [says(1, CLAIM), put(1, None), looked(1, ObjectCheck::Present(4), ObjectCheck::Missing)],
        );
        assert!(matches!(step.job.end(), Some(JobEnd::Complete { bytes: 4, poster: None, .. })));
    }

    #[test]
    fn a_picture_counts_when_it_is_there_and_never_otherwise() {
        for (poster, is_there) in [
            (ObjectCheck::Present(1), true),
            (ObjectCheck::Present(0), false),
            (ObjectCheck::Missing, false),
            (ObjectCheck::Unknown, false),
        ] {
            let step = after(
                Job::new(id(), NOW),
                [says(1, CLAIM), put(1, Some(7)), looked(1, ObjectCheck::Present(7), poster)],
            );
            let Some(JobEnd::Complete { poster: kept, .. }) = step.job.end() else {
                panic!("{:?}", step.job.state)
            };
            assert_eq!(*kept, is_there.then(|| ObjectKey::poster(id(), 1)), "{poster:?}");
        }
    }
}
