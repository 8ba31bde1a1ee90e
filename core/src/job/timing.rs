//! Every deadline of a job and of an upload, in one place (design.md 4).

use crate::time::Span;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Silence of a working renderer before RunPod is asked about it.
    pub silence: Span,
    /// A dispatch without any sign before RunPod is asked about it.
    pub first_sign: Span,
    /// Pause before the second question about the same job; doubles up to `ask_again_max`.
    pub ask_again: Span,
    /// Longest pause between two questions.
    pub ask_again_max: Span,
    /// Longest wait for one answer about a job.
    pub status_answer: Span,
    /// Longest wait for the answer to a submit.
    pub submit_answer: Span,
    /// A submit without a known outcome is taken as unanswered after this: the object died on the way.
    pub submit_lost: Span,
    /// Pause before a refused submit is tried again; doubles up to `submit_again_max`.
    pub submit_again: Span,
    /// Longest pause between two submits.
    pub submit_again_max: Span,
    /// Pause between submits while RunPod refuses our key: an operator must act.
    pub unauthorized_again: Span,
    /// How long a job waits for that operator.
    pub unauthorized_limit: Span,
    /// From the first submit to the first sign of a worker.
    pub queue: Span,
    /// From the first sign of a worker to its end; sent to RunPod as well.
    pub execution: Span,
    /// A 404 this soon after the submit means nothing: RunPod's stores lag behind.
    pub gone_grace: Span,
    /// Pause before the second attempt; four times as long before the third.
    pub attempt_again: Span,
    /// State is kept at least this often while only the percentage moves.
    pub keep_every: Span,
    /// Pause before a result is looked for again when the bucket did not answer.
    pub look_again: Span,
    /// How long the bucket may fail to answer.
    pub look_limit: Span,
    /// Pause before an errand (a cancel, an index row) is tried again; doubles up to `ask_again_max`.
    pub errand_again: Span,
    /// How long an upload in parts may take; R2 itself gives up after a week.
    pub upload: Span,
    /// How long a watcher may wait for a job that does not exist yet: the app opens its socket first.
    pub unborn: Span,
}

impl Timing {
    /// Production.
    pub const STANDARD: Self = Self {
        silence: Span::seconds(60),
        first_sign: Span::seconds(30),
        ask_again: Span::seconds(10),
        ask_again_max: Span::seconds(60),
        status_answer: Span::seconds(3),
        submit_answer: Span::seconds(10),
        submit_lost: Span::seconds(20),
        submit_again: Span::seconds(5),
        submit_again_max: Span::seconds(60),
        unauthorized_again: Span::seconds(60),
        unauthorized_limit: Span::minutes(24 * 60),
        queue: Span::minutes(15),
        execution: Span::minutes(10),
        gone_grace: Span::seconds(150),
        attempt_again: Span::seconds(2),
        keep_every: Span::seconds(10),
        look_again: Span::seconds(2),
        look_limit: Span::minutes(5),
        errand_again: Span::seconds(5),
        upload: Span::minutes(3 * 24 * 60),
        unborn: Span::seconds(30),
    };

    /// The same, so many times as fast: for tests against the real thing. Waits for answers stay as
    /// they are, since the network does not speed up.
    #[must_use]
    pub fn faster(self, times: i64) -> Self {
        let faster = |span: Span| Span((span.0 / times.max(1)).max(1));
        Self {
            silence: faster(self.silence),
            first_sign: faster(self.first_sign),
            ask_again: faster(self.ask_again),
            ask_again_max: faster(self.ask_again_max),
            status_answer: self.status_answer,
            submit_answer: self.submit_answer,
            submit_lost: self.submit_lost,
            submit_again: faster(self.submit_again),
            submit_again_max: faster(self.submit_again_max),
            unauthorized_again: faster(self.unauthorized_again),
            unauthorized_limit: faster(self.unauthorized_limit),
            queue: faster(self.queue),
            execution: faster(self.execution),
            gone_grace: faster(self.gone_grace),
            attempt_again: faster(self.attempt_again),
            keep_every: faster(self.keep_every),
            look_again: faster(self.look_again),
            look_limit: faster(self.look_limit),
            errand_again: faster(self.errand_again),
            upload: faster(self.upload),
            unborn: faster(self.unborn),
        }
    }
}

/// Attempts in all before a job fails; a retry by hand grants as many again.
pub const MAX_ATTEMPTS: u32 = 3;

/// `first`, doubled for every earlier try, at most `max`.
pub fn doubled(first: Span, tries: u32, max: Span) -> Span {
    Span(first.0.saturating_mul(1_i64 << tries.min(20)).min(max.0))
}

/// Between 75 % and 125 % of `span`; `chance` is any random number.
pub fn jittered(span: Span, chance: u32) -> Span {
    Span(span.0 * (75 + i64::from(chance % 51)) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit() {
        let pause = |tries| doubled(Span::seconds(5), tries, Span::seconds(60)).0;
        assert_eq!([0, 1, 2, 3, 4, 99].map(pause), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        for chance in 0..200 {
            assert!((750..=1250).contains(&jittered(Span(1000), chance).0));
        }
    }
}
