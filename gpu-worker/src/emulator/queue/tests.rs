use serde_json::json;

use super::*;
use crate::emulator::PolicyMinimums;

fn request(policy: &str) -> RunRequest {
    let body = format!(r#"{{"input":{{"a":1}},"policy":{policy}}}"#);
    RunRequest::parse(body.as_bytes(), PolicyMinimums::default()).unwrap()
}

fn queue_of(ids: &[&str], now: Instant) -> Queue {
    let mut queue = Queue::default();
    for id in ids {
        queue.submit((*id).to_owned(), request("{}"), Arc::default(), now);
    }
    queue
}

fn take(queue: &mut Queue, now: Instant) -> Option<AssignedRun> {
    queue.assign_next("worker-0", now, CancellationToken::new())
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn jobs_run_in_the_order_of_their_submission_and_low_priority_last() {
    let now = Instant::now();
    let mut queue = Queue::default();
    queue.submit("low".to_owned(), request(r#"{"lowPriority":true}"#), Arc::default(), now);
    queue.submit("first".to_owned(), request("{}"), Arc::default(), now);
    queue.submit("second".to_owned(), request("{}"), Arc::default(), now);
    let order: Vec<String> = std::iter::from_fn(|| take(&mut queue, now)).map(|taken| taken.id).collect();
    assert_eq!(order, ["first", "second", "low"]);
}

#[test]
fn a_completed_job_has_its_wait_and_its_run() {
    let now = Instant::now();
    let mut queue = queue_of(&["a"], now);
    let taken = take(&mut queue, now + seconds(3)).unwrap();
    let end = RunResult::Returned(json!({"status": "success", "output_video_key": "k"}));
    assert_eq!(queue.record_result("a", taken.run, end, now + seconds(10)), RunOutcome::JobEnded);
    queue.release();
    let job = queue.job("a", now + seconds(11)).unwrap();
    assert_eq!(job.status, RunpodStatus::Completed);
    assert_eq!((job.delay, job.execution), (Some(seconds(3)), Some(seconds(7))));
    assert_eq!(job.output, Some(json!({"status": "success", "output_video_key": "k"})));
    let counts = queue.counts(now + seconds(11));
    assert_eq!(counts, HealthCounts { completed: 1, ..HealthCounts::default() });
}

#[test]
fn a_returned_error_fails_the_job_and_the_rest_stays_as_output() {
    let now = Instant::now();
    let mut queue = queue_of(&["a"], now);
    let run = take(&mut queue, now).unwrap().run;
    let end = RunResult::Returned(json!({"status": "error", "error": "no video stream"}));
    queue.record_result("a", run, end, now);
    let job = queue.job("a", now).unwrap();
    assert_eq!(job.status, RunpodStatus::Failed);
    assert_eq!(job.error.as_deref(), Some("no video stream"));
    assert_eq!(job.output, Some(json!({"status": "error"})));
}

#[test]
fn a_lost_worker_is_replaced_once_and_then_the_job_fails() {
    let now = Instant::now();
    let mut queue = queue_of(&["a", "b"], now);
    let first = take(&mut queue, now).unwrap();
    assert_eq!(queue.record_result("a", first.run, RunResult::Lost, now), RunOutcome::Requeued);
    assert_eq!(queue.job("a", now).unwrap().retries, 1);
    let second = take(&mut queue, now + seconds(2)).unwrap();
    assert_eq!((second.id.as_str(), second.run), ("a", 2));
    assert_eq!(queue.job("a", now).unwrap().delay, Some(seconds(2)));
    let late = RunResult::Returned(json!({"status": "success"}));
    assert_eq!(queue.record_result("a", first.run, late, now), RunOutcome::Ignored);
    assert_eq!(queue.record_result("a", second.run, RunResult::Lost, now), RunOutcome::JobEnded);
    assert_eq!(queue.job("a", now).unwrap().error.as_deref(), Some("job timed out after 1 retries"));
    assert_eq!(queue.counts(now).retried, 1);
}

#[test]
fn cancelling_stops_a_run_and_its_late_result_changes_nothing() {
    let now = Instant::now();
    let mut queue = queue_of(&["a", "b"], now);
    let taken = take(&mut queue, now).unwrap();
    assert_eq!(queue.cancel("a", now), Some(RunpodStatus::Cancelled));
    assert!(taken.stop.is_cancelled());
    assert_eq!(
        queue.record_result("a", taken.run, RunResult::Returned(json!({"x": 1})), now),
        RunOutcome::Ignored
    );
    assert_eq!(queue.job("a", now).unwrap().status, RunpodStatus::Cancelled);
    assert_eq!(queue.cancel("b", now), Some(RunpodStatus::Cancelled));
    assert!(take(&mut queue, now).is_none());
    assert_eq!(queue.cancel("c", now), None);
}

#[test]
fn cancelling_an_ended_job_leaves_it_as_it_is() {
    let now = Instant::now();
    let mut queue = queue_of(&["a"], now);
    let run = take(&mut queue, now).unwrap().run;
    queue.record_result("a", run, RunResult::Returned(json!({"ok": true})), now);
    assert_eq!(queue.cancel("a", now), Some(RunpodStatus::Completed));
}

#[test]
fn only_failed_jobs_are_retried_with_their_old_result_dropped() {
    let now = Instant::now();
    let mut queue = queue_of(&["a"], now);
    assert_eq!(queue.retry("a", now), Some(Err(RunpodStatus::InQueue)));
    let run = take(&mut queue, now).unwrap().run;
    queue.record_result("a", run, RunResult::TimedOut, now);
    assert_eq!(queue.job("a", now).unwrap().error.as_deref(), Some("executionTimeout exceeded"));
    assert_eq!(queue.retry("a", now), Some(Ok(())));
    let job = queue.job("a", now).unwrap();
    assert_eq!((job.status, job.error.as_deref()), (RunpodStatus::InQueue, None));
    assert_eq!(take(&mut queue, now).unwrap().run, 2);
    assert_eq!(queue.retry("b", now), None);
}

#[test]
fn purging_removes_what_waits_and_lets_runs_go_on() {
    let now = Instant::now();
    let mut queue = queue_of(&["a", "b", "c"], now);
    let taken = take(&mut queue, now).unwrap();
    assert_eq!(queue.purge(now), 2);
    assert!(!taken.stop.is_cancelled());
    assert_eq!(queue.job("b", now).unwrap().status, RunpodStatus::Cancelled);
    assert_eq!(queue.counts(now).in_queue, 0);
}

#[test]
fn a_job_is_deleted_at_the_end_of_its_ttl_in_any_state() {
    let now = Instant::now();
    let mut queue = Queue::default();
    for id in ["runs", "waits"] {
        queue.submit(id.to_owned(), request(r#"{"ttl":10000}"#), Arc::default(), now);
    }
    let taken = take(&mut queue, now).unwrap();
    assert!(queue.job("runs", now + seconds(9)).is_some());
    assert!(queue.job("runs", now + seconds(10)).is_none());
    assert!(queue.job("waits", now + seconds(10)).is_none());
    assert!(taken.stop.is_cancelled());
    assert!(take(&mut queue, now + seconds(10)).is_none());
}

#[test]
fn results_are_kept_for_thirty_minutes() {
    let now = Instant::now();
    let mut queue = queue_of(&["a"], now);
    let run = take(&mut queue, now).unwrap().run;
    queue.record_result("a", run, RunResult::Returned(json!({"ok": true})), now + seconds(60));
    assert!(queue.job("a", now + seconds(60 + 30 * 60 - 1)).is_some());
    assert!(queue.job("a", now + seconds(60 + 30 * 60)).is_none());
    assert_eq!(queue.counts(now + seconds(7200)).completed, 1);
}
