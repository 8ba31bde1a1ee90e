//! Many jobs at once: how many questions RunPod gets in a second.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use reel_core::base::id::JobId;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::JobEffect;
use reel_core::job::event::JobEvent;
use reel_core::job::gpu_service::StatusReply;
use reel_core::job::state::Job;
use reel_core::job::step::apply;

use crate::fixture::{TIMEOUTS, accepted};

const JOBS: u32 = 2_000;
const CREATED_WITHIN_MS: i64 = 15_000;

/// Jobs of one isolate, with a clock.
struct Storm {
    jobs: Vec<Job>,
    /// What happens when: an alarm, or an answer that comes later.
    queue: BinaryHeap<Reverse<(Timestamp, usize, u64)>>,
    random: u32,
    /// Questions by the second in which they were asked.
    questions: BTreeMap<i64, u32>,
}

impl Storm {
    fn new() -> Self {
        let mut storm =
            Self { jobs: Vec::new(), queue: BinaryHeap::new(), random: 1, questions: BTreeMap::new() };
        for number in 0..JOBS {
            let at = Timestamp(i64::from(number) * CREATED_WITHIN_MS / i64::from(JOBS));
            let index = storm.jobs.len();
            storm.jobs.push(Job::new(JobId::from_random(u128::from(number).to_le_bytes()), at));
            storm.queue.push(Reverse((at, index, 0)));
        }
        storm
    }

    /// Numerical Recipes' linear congruential generator; its upper bits are random enough.
    fn random(&mut self) -> u32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.random >> 8
    }

    fn run_until(&mut self, end: Timestamp) {
        while let Some(Reverse((now, index, _))) = self.queue.pop() {
            if now > end {
                return;
            }
            let mut events = vec![JobEvent::AlarmFired];
            while let Some(event) = events.pop() {
                let seed = self.random();
                let step = apply(self.jobs[index].clone(), event, now, seed, &TIMEOUTS);
                self.jobs[index] = step.job;
                events.extend(step.effects.into_iter().filter_map(|effect| self.perform(effect, now)));
            }
            let next = next_deadline(&self.jobs[index], &TIMEOUTS).expect("a deadline");
            self.queue.push(Reverse((next, index, 0)));
        }
    }

    fn perform(&mut self, effect: JobEffect, now: Timestamp) -> Option<JobEvent> {
        match effect {
            JobEffect::Submit { attempt } => Some(accepted(attempt, "a-u1")),
            JobEffect::WriteIndex { version } => Some(JobEvent::IndexWritten { version, written: Some(1) }),
            JobEffect::PollStatus { attempt, .. } => {
                *self.questions.entry(now.0 / 1000).or_default() += 1;
                Some(JobEvent::StatusPolled { attempt, reply: StatusReply::Queued })
            }
            _ => None,
        }
    }
}

#[test]
fn jobs_that_were_created_together_do_not_ask_together() {
    let mut storm = Storm::new();
    storm.run_until(Timestamp(0) + DurationMs::minutes(4));
    let most = storm.questions.values().copied().max().expect("questions");
    println!("{:?}", storm.questions);
    println!("at most {most} questions a second");
    assert!(most <= 120, "{most} questions in one second");
}
