//! `reel export`: uploads a clip, creates a job, follows it and downloads the reel.
//!
//! The id of the job is chosen before anything is sent. A lost response can then be requested again without creating a
//! second job, and the input is stored under the job that it belongs to.

use std::time::Instant;

use reel_client::{Client, CreateJob, Error, Job, JobId, RetryPolicy, with_retries};

use super::clip;
use super::jobs;
use super::upload::{self, UploadOptions};
use crate::args::ExportArgs;
use crate::error::CliError;
use crate::interrupt::{InterruptState, Interruptible};
use crate::params;
use crate::ui::Ui;

/// `reel export`.
pub async fn run(
    client: &Client,
    args: &ExportArgs,
    ui: &Ui,
    interrupt: &InterruptState,
) -> Result<(), CliError> {
    let started_at = Instant::now();
    let params = params::build(args)?;
    jobs::create_parent(&args.out)?;
    let file = clip::open(&args.clip)?;
    let options = UploadOptions {
        parallel: args.parallel.concurrency(),
        part_size: None,
        resume: None,
        job_id: Some(random_id()?),
    };
    let video = upload::upload_file(client, &file, &options, ui, interrupt).await?;

    let request = CreateJob {
        project_id: args.project,
        job_type: args.job_type.into(),
        input_video_key: video.video_key.clone(),
        params,
        // A resumed upload has the id that the first run chose.
        job_id: video.job_id.or(options.job_id),
    };
    let job = create_job(client, request).await?;
    interrupt.set(Interruptible::Job(job.job_id));
    video.remove_resume_file();
    ui.println(&format!("job {}", job.job_id));

    let job = jobs::follow_to_end(client, job, ui).await?;
    let saved = jobs::download_output(client, &job, &args.out, ui).await?;
    jobs::print_saved(ui, &job, &saved, started_at);
    Ok(())
}

/// Creates the job. An earlier run may have created one with the same id and other params just before it was stopped;
/// this job then gets another id.
async fn create_job(client: &Client, request: CreateJob) -> Result<Job, CliError> {
    match with_retries(RetryPolicy::Interactive, || client.create_job(&request, None)).await {
        Err(Error::Api(problem)) if problem.code == "idempotency_conflict" => {
            let request = CreateJob { job_id: Some(random_id()?), ..request };
            Ok(with_retries(RetryPolicy::Interactive, || client.create_job(&request, None)).await?)
        }
        outcome => Ok(outcome?),
    }
}

fn random_id() -> Result<JobId, CliError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| CliError::Usage(format!("the system has no random bytes: {error}")))?;
    Ok(JobId::from_random(bytes))
}
