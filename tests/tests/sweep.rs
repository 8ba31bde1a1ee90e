//! The scheduled sweep: rows that disagree with their job are brought back to the truth.

use e2e::{PooledStack, Stack, bare_http, new_job, render, sample, spotlight_params, upload, wait_until};
use reel_client::{JobFilter, JobStatus, JobType};
use serde_json::json;

/// Rings the cron trigger, as wrangler offers it on this machine.
async fn sweep(stack: &Stack) {
    let url = format!("{}/cdn-cgi/handler/scheduled", stack.api_url());
    let answer = bare_http().get(url).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

/// A job whose row says that it runs although it has ended, and a row whose job never was.
#[tokio::test]
async fn a_row_that_disagrees_is_mended_and_a_row_without_a_job_is_removed() {
    let mut stack = PooledStack::playing(&json!({"fake_render_ms": 100})).await;
    let client = stack.client();
    let key = upload(&client, &sample()).await;
    let mut order = new_job(JobType::Overlay, key, spotlight_params());
    order.project_id = 77;
    let job = client.create_job(&order, None).await.expect("a job");
    render(&client, &job).await;
    let filter = JobFilter { project_id: Some(77), ..JobFilter::default() };
    let listed = async |stack: &Stack| stack.client().jobs(&filter).await.expect("a page").jobs;
    wait_until("the row says complete", async || listed(&stack).await[0].status == JobStatus::Complete).await;

    stack.kill_worker();
    let file = stack.folder().join("lies.sql");
    let orphan = "0f0f0f0f-0000-4000-8000-0f0f0f0f0f0f";
    let lies = format!(
        "UPDATE export_jobs SET status = 'processing', version = 1, output_video_key = NULL, \
         created_at = created_at - 3600000 WHERE id = '{}';\n\
         INSERT INTO export_jobs (id, project_id, type, status, attempt, input_video_key, created_at, version) \
         VALUES ('{orphan}', 77, 'overlay', 'pending', 1, 'input/a/b.mp4', 1000, 1);",
        job.job_id
    );
    std::fs::write(&file, lies).expect("to write the lies");
    stack.execute_sql(&file);
    stack.restart_worker().await;
    assert_eq!(listed(&stack).await.len(), 2, "the lies are told");

    sweep(&stack).await;
    wait_until("only the truth is listed", async || {
        let rows = listed(&stack).await;
        rows.len() == 1 && rows[0].job_id == job.job_id && rows[0].status == JobStatus::Complete
    })
    .await;
}
