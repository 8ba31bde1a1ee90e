//! Many jobs at once: how many questions RunPod gets in a second.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use reel_core::base::id::JobId;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::job::breaker::{Breaker, BreakerLog, Permit, RunpodCall};
use reel_core::job::deadline::next_deadline;
use reel_core::job::effect::JobEffect;
use reel_core::job::event::JobEvent;
use reel_core::job::gpu_service::StatusReply;
use reel_core::job::state::Job;
use reel_core::job::step::apply;

use crate::fixture::{TIMEOUTS, accepted};

const JOBS: u32 = 2_000;
const CREATED_WITHIN_MS: i64 = 15_000;

/// Jobs of one isolate with a clock, and RunPod, which is silent for a while.
struct Storm {
    jobs: Vec<Job>,
    queue: BinaryHeap<Reverse<(Timestamp, usize, Happening)>>,
    random: u32,
    breaker: Breaker,
    silent_until: Timestamp,
    /// Questions that were sent, by the second.
    questions: BTreeMap<i64, u32>,
    /// Jobs that have had an answer.
    answered: BTreeSet<usize>,
    lines: Vec<BreakerLog>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Alarm,
    /// The question with this permit was in vain, after its time-out.
    Silence {
        was_probe: bool,
    },
}

impl Storm {
    fn new(silent_until: Timestamp) -> Self {
        let mut storm = Self {
            jobs: Vec::new(),
            queue: BinaryHeap::new(),
            random: 1,
            breaker: Breaker::default(),
            silent_until,
            questions: BTreeMap::new(),
            answered: BTreeSet::new(),
            lines: Vec::new(),
        };
        for number in 0..JOBS {
            let at = Timestamp(i64::from(number) * CREATED_WITHIN_MS / i64::from(JOBS));
            storm.queue.push(Reverse((at, storm.jobs.len(), Happening::Alarm)));
            storm.jobs.push(Job::new(JobId::from_random(u128::from(number).to_le_bytes()), at));
        }
        storm
    }

    /// Numerical Recipes' linear congruential generator; its upper bits are random enough.
    fn random(&mut self) -> u32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.random >> 8
    }

    fn run_until(&mut self, end: Timestamp) {
        while let Some(&Reverse((now, index, happening))) = self.queue.peek()
            && now <= end
        {
            self.queue.pop();
            match happening {
                Happening::Alarm => {
                    self.apply(index, JobEvent::AlarmFired, now);
                    let next = next_deadline(&self.jobs[index], &TIMEOUTS).expect("a deadline");
                    self.queue.push(Reverse((next, index, Happening::Alarm)));
                }
                Happening::Silence { was_probe } => {
                    let permit = if was_probe { Permit::Probe } else { Permit::Send };
                    self.lines.extend(self.breaker.unanswered(permit, self.jobs[index].id, now));
                    let attempt = self.jobs[index].attempt;
                    self.apply(index, JobEvent::StatusPolled { attempt, reply: StatusReply::Unknown }, now);
                }
            }
        }
    }

    fn apply(&mut self, index: usize, event: JobEvent, now: Timestamp) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            let seed = self.random();
            let step = apply(self.jobs[index].clone(), event, now, seed, &TIMEOUTS);
            self.jobs[index] = step.job;
            events.extend(step.effects.into_iter().filter_map(|effect| self.perform(index, &effect, now)));
        }
    }

    fn perform(&mut self, index: usize, effect: &JobEffect, now: Timestamp) -> Option<JobEvent> {
        match *effect {
            JobEffect::Submit { attempt } => Some(accepted(attempt, "a-u1")),
            JobEffect::WriteIndex { version, .. } => {
                Some(JobEvent::IndexWritten { version, written: Some(1), endpoints: None })
            }
            JobEffect::PollStatus { attempt, .. } => {
                let reply = self.ask(index, now)?;
                Some(JobEvent::StatusPolled { attempt, reply })
            }
            _ => None,
        }
    }

    fn ask(&mut self, index: usize, now: Timestamp) -> Option<StatusReply> {
        let permit = self.breaker.permit(RunpodCall::Question, self.jobs[index].id, now);
        if let Permit::Wait(pause) = permit {
            return Some(StatusReply::NotAsked(pause));
        }
        *self.questions.entry(now.0 / 1000).or_default() += 1;
        if now < self.silent_until {
            let was_probe = permit == Permit::Probe;
            let at = now + TIMEOUTS.status_request_timeout;
            self.queue.push(Reverse((at, index, Happening::Silence { was_probe })));
            return None;
        }
        self.lines.extend(self.breaker.answered());
        self.answered.insert(index);
        Some(StatusReply::Queued)
    }

    fn most_in_a_second(&self) -> u32 {
        self.questions.values().copied().max().expect("questions")
    }
}

#[test]
fn jobs_that_were_created_together_do_not_ask_together() {
    let mut storm = Storm::new(Timestamp(0));
    storm.run_until(Timestamp(0) + DurationMs::minutes(10));
    let most = storm.most_in_a_second();
    println!("at most {most} questions a second");
    assert!(most <= 100, "{most} questions in one second");
    assert_eq!(storm.answered.len(), storm.jobs.len());
    assert!(storm.lines.is_empty());
}

#[test]
fn a_silent_service_is_asked_by_few_jobs_and_by_all_of_them_once_it_answers() {
    let silent_until = Timestamp(0) + DurationMs::minutes(5);
    let mut storm = Storm::new(silent_until);
    storm.run_until(silent_until);
    let in_vain: u32 = storm.questions.values().sum();
    println!("{in_vain} questions in vain");
    assert!(in_vain <= 100, "{in_vain} questions in vain");
    assert!(storm.lines.len() <= 5, "a line a minute: {:?}", storm.lines);
    let waiting = storm.jobs.iter().filter(|job| job.snapshot().message.contains("does not answer")).count();
    assert_eq!(waiting, storm.jobs.len(), "each job's own log says why");
    storm.run_until(silent_until + DurationMs::minutes(3));
    assert_eq!(storm.answered.len(), storm.jobs.len(), "no job is forgotten");
    println!("then at most {} questions a second", storm.most_in_a_second());
    assert!(storm.most_in_a_second() <= 100);
    assert!(matches!(storm.lines.last(), Some(BreakerLog::Resumed(calls)) if calls.not_sent > 2_000));
    assert!(storm.jobs.iter().all(|job| job.attempt == 1 && job.end().is_none()));
}
