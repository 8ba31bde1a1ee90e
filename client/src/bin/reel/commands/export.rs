//! `reel export`: a clip goes up, a job is made and followed, a reel comes down.
//!
//! The job's id is chosen here before anything is sent, so that a lost answer can be asked for again
//! without making a second job, and so that the input lies under the job that owns it.

use std::time::Instant;

use reel_client::{Client, CreateJob, Error, Job, JobId};

use super::clip;
use super::jobs::{self, SavedReel};
use super::upload::{self, UploadOptions, insist};
use crate::args::ExportArgs;
use crate::error::CliError;
use crate::interrupt::{InterruptState, Interruptible};
use crate::params;
use crate::ui::Ui;

/// Does the whole export.
pub async fn export(
    client: &Client,
    export: &ExportArgs,
    screen: &Ui,
    under_way: &InterruptState,
) -> Result<(), CliError> {
    let started = Instant::now();
    let params = params::params(export)?;
    let resolution = params::resolution(export, &params);
    jobs::create_parent(&export.out)?;
    let file = clip::open(&export.clip)?;
    let wish = UploadOptions {
        parallel: export.parallel.concurrency(),
        part_size: None,
        resume: None,
        job_id: Some(random_id()?),
    };
    let uploaded = upload::upload_file(client, &file, &wish, screen, under_way).await?;

    let new_job = CreateJob {
        project_id: export.project,
        job_type: export.job_type.into(),
        input_video_key: uploaded.video_key.clone(),
        params,
        // One that an earlier run chose, when it was stopped.
        job_id: uploaded.job_id.or(wish.job_id),
    };
    let job = create(client, new_job).await?;
    under_way.set(Interruptible::Job(job.job_id));
    uploaded.remove_resume_file();
    screen.println(&format!("job {}", job.job_id));

    let job = jobs::follow_to_end(client, job, screen).await?;
    let bytes = jobs::download_output(client, &job, &export.out, screen).await?;
    jobs::print_saved(screen, &job, &SavedReel { out: &export.out, bytes, resolution, started });
    Ok(())
}

/// Creates the job. An earlier run may have created one with the same id and other params just before it was
/// stopped; then this is another job.
async fn create(client: &Client, new_job: CreateJob) -> Result<Job, CliError> {
    match insist(|| client.create_job(&new_job, None)).await {
        Err(Error::Api(problem)) if problem.code == "idempotency_conflict" => {
            let new_job = CreateJob { job_id: Some(random_id()?), ..new_job };
            Ok(insist(|| client.create_job(&new_job, None)).await?)
        }
        outcome => Ok(outcome?),
    }
}

fn random_id() -> Result<JobId, CliError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| CliError::Usage(format!("the system gives no random bytes: {error}")))?;
    Ok(JobId::from_random(bytes))
}
