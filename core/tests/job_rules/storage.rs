//! The stored form of a job.

use reel_core::job::snapshot::Snapshot;
use reel_core::job::state::Job;
use serde_json::json;

use crate::fixture::{ENDPOINT, JobFixture};

#[test]
fn a_stored_job_reads_back_unchanged() {
    for fixture in [JobFixture::new(), JobFixture::queued("a-u1"), JobFixture::rendering()] {
        let text = serde_json::to_string(&fixture.job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), fixture.job);
    }
}

#[test]
fn jobs_stored_without_posters_and_sizes_can_be_read() {
    let key = "output/09090909-0909-4909-8909-090909090909/1/video.mp4";
    for state in [
        json!({"verifying": {"gpu_job": null, "key": key, "otherwise": "output_missing", "since": 1, "look_at": 2}}),
        json!({"ended": {"complete": {"key": key, "bytes": 7, "at": 3, "gpu_job": "a-u1"}}}),
    ] {
        let mut stored = serde_json::to_value(&JobFixture::rendering().job).unwrap();
        stored["state"] = state.clone();
        let job: Job = serde_json::from_value(stored).unwrap();
        assert_eq!(serde_json::to_value(&job.state).unwrap(), state, "and are written unchanged");
    }
    let snapshot = json!({"status": "complete", "stage": "done", "progress": 100, "message": "", "attempt": 1,
        "max_attempts": 3, "started_at": 1, "completed_at": 2, "failure": null,
        "output": {"key": key, "bytes": 7}, "gpu_job": null});
    assert_eq!(serde_json::from_value::<Snapshot>(snapshot).unwrap().output.unwrap().poster, None);
}

#[test]
fn the_stored_form_does_not_change() {
    let text = serde_json::to_value(&JobFixture::rendering().job).unwrap();
    assert_eq!(
        text,
        serde_json::json!({
            "id": "09090909-0909-4909-8909-090909090909", "attempt": 1, "budget_from": 1,
            "state": {"rendering": {"gpu_job": "a-u1", "since": 1_000_000_000, "heard_at": 1_000_000_000,
                "stage": "starting", "progress": 0, "message": "Starting the renderer",
                "check": {"next_at": 1_000_060_025, "tries": 0, "hinted": false}}},
            "started_at": 1_000_000_000, "seq": 3, "endpoint": ENDPOINT, "errands": [], "sweep_at": 1_005_400_000,
            "index": {"wanted": 2, "written": 0, "due_at": 1_000_000_000, "tries": 0},
            "kept_at": 1_000_000_000,
            "usage": {"object_rows": 5, "d1_rows": 0, "requests": 0, "alarms": 0},
            "webhooks": ["announced 3 job.started"]
        })
    );
}
