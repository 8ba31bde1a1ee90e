//! A deploy in the middle of jobs: the state of an older release is opened by this one, and everything in it
//! ends well. `record.rs` has what is in it, and how it must end.

mod deploy;
mod fixture;
mod record;
mod recorder;
mod renderer;
mod runpod;

use std::time::Duration;

use e2e::{bare_http, wait_until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::deploy::Deploy;
use crate::renderer::{ask, get};

/// Renderers and people go on with what they have, and RunPod knows its jobs.
#[tokio::test]
async fn a_deploy_two_minutes_into_the_jobs_interrupts_none_of_them() {
    let deploy = Deploy::open(Duration::from_mins(2), |status| match status {
        "rendered" => "COMPLETED",
        "rendering" | "rendering_of_several" => "IN_PROGRESS",
        _ => "IN_QUEUE",
    })
    .await;
    deploy.all_is_there().await;
    deploy.uploads_are_there().await;
    let handled = ["queued", "queued_by_hand", "queued_with_message", "rendering", "rendering_of_several"];
    deploy.rows_end(|name| !handled.contains(&name)).await;

    for name in ["queued", "queued_by_hand", "rendering"] {
        let renderer = deploy.renderer(name);
        let grant = renderer.claim().await;
        renderer.progress(60, "rendering").await;
        renderer.put(&grant, b"another reel", Some(b"another picture")).await;
        renderer.complete(&grant, b"another reel").await;
    }
    deploy.renderer("rendering_of_several").fail(true).await;
    deploy.wish("queued_with_message", "cancel").await;
    deploy.is_cancelled_at_runpod("queued_with_message").await;
    deploy.rows_end(|_| true).await;
    deploy.all_ended_as("soon").await;

    let open = deploy.upload("open");
    let etag = open.send(2, b"film".to_vec()).await;
    assert_eq!(open.confirm(&[(2, etag)]).await.0, 200);
    for (name, size) in [("open", 5 * 1024 * 1024 + 4), ("complete", 4), ("completing", 4)] {
        let upload = deploy.upload(name);
        let (status, completed) = upload.complete().await;
        assert_eq!(status, 200, "{name}: {completed}");
        assert_eq!(deploy.stored_bytes(&upload.video_key).await, Some(size), "{name}");
    }
    assert!(deploy.stored_bytes(&deploy.unused_input()).await.is_some());
    deploy.people_go_on(&["failed"]).await;
}

/// RunPod has forgotten its jobs, and every deadline has passed.
#[tokio::test]
async fn jobs_that_are_opened_a_month_later_end_by_themselves() {
    let deploy = Deploy::open(Duration::from_hours(30 * 24), |_| "forgotten").await;
    // Nobody asks for a job: the alarms that the older release has set must ring.
    deploy.rows_end(|_| true).await;
    deploy.all_is_there().await;
    deploy.all_ended_as("late").await;
    deploy.is_cancelled_at_runpod("queued").await;

    let (status, problem) = deploy.renderer("queued").post("progress", &json!({"progress": 50})).await;
    assert_eq!((status, &problem["code"]), (403, &json!("bad_token")), "its token has expired");
    for name in ["open", "completing", "complete", "aborted"] {
        let upload = deploy.upload(name);
        wait_until("the upload is forgotten", async || upload.show().await.0 == 404).await;
    }
    let unused = deploy.unused_input();
    let sweep = format!("{}/cdn-cgi/handler/scheduled", deploy.stack.api_url());
    wait_until("the sweep has found the input that nobody uses", async || {
        assert_eq!(bare_http().get(&sweep).send().await.expect("an answer").status(), 200);
        deploy.stored_bytes(&unused).await.is_none()
    })
    .await;
    // What they read is still there.
    deploy.people_go_on(&["failed", "queued", "export_of_project"]).await;
}

impl Deploy {
    /// After the deploy: a job is started over, one is made of an old video, and one is deleted.
    async fn people_go_on(&self, failed: &[&str]) {
        let before = self.rows().await.len();
        let mut awaited = Vec::new();
        for name in failed {
            self.wish(name, "retry").await;
            let attempt = self.job(name)["job"]["attempt"].as_u64().expect("a number") + 1;
            awaited.push((self.id(name).to_owned(), attempt));
        }
        let mut body = self.job("waiting_refused")["request"]["body"].clone();
        body["job_id"] = Value::Null;
        let (status, job) = ask(&self.stack, Method::POST, "/api/jobs", Some(&body)).await;
        assert_eq!(status, 201, "{job}");
        awaited.push((job["job_id"].as_str().expect("an id").to_owned(), 1));
        for (id, attempt) in awaited {
            self.ends(&id, &json!({"status": "complete", "error_code": null, "attempt": attempt})).await;
        }

        let path = format!("/api/jobs/{}", self.id("complete"));
        let url = get(&self.stack, &path).await["output_url"].as_str().expect("a URL").to_owned();
        let (status, gone) = ask(&self.stack, Method::DELETE, &path, None).await;
        assert_eq!(status, 200, "{gone}");
        assert_eq!(ask(&self.stack, Method::GET, &path, None).await.0, 404);
        assert_eq!(bare_http().get(url).send().await.expect("an answer").status(), 404);
        assert_eq!(self.rows().await.len(), before, "one more, one less");
    }
}
