//! `reel export`: a clip goes up, a job is made and followed, a reel comes down.
//!
//! The job's id is chosen here before anything is sent, so that a lost answer can be asked for again
//! without making a second job, and so that the input lies under the job that owns it.

use std::time::Instant;

use reel_client::{Client, Error, Job, JobId, NewJob};

use crate::args::Export;
use crate::clip;
use crate::edit;
use crate::failure::Failure;
use crate::jobs::{self, Reel};
use crate::screen::Screen;
use crate::under_way::{Stage, UnderWay};
use crate::upload::{self, Wish, insist};

/// Does the whole export.
pub async fn export(
    client: &Client,
    export: &Export,
    screen: &Screen,
    under_way: &UnderWay,
) -> Result<(), Failure> {
    let started = Instant::now();
    let params = edit::params(export)?;
    let resolution = edit::resolution(export, &params);
    jobs::prepare(&export.out)?;
    let file = clip::open(&export.clip)?;
    let wish =
        Wish { parallel: export.parallel.lanes(), part_size: None, resume: None, job_id: Some(random_id()?) };
    let uploaded = upload::send(client, &file, &wish, screen, under_way).await?;

    let new_job = NewJob {
        project_id: export.project,
        kind: export.kind.into(),
        input_video_key: uploaded.video_key.clone(),
        params,
        // One that an earlier run chose, when it was stopped.
        job_id: uploaded.job_id.or(wish.job_id),
    };
    let job = create(client, new_job).await?;
    under_way.set(Stage::Job(job.job_id));
    uploaded.forget();
    screen.say(&format!("job {}", job.job_id));

    let job = jobs::follow(client, job, screen).await?;
    let bytes = jobs::fetch(client, &job, &export.out, screen).await?;
    jobs::report(screen, &job, &Reel { out: &export.out, bytes, resolution, started });
    Ok(())
}

/// Creates the job. An earlier run may have created one with the same id and other params just before it was
/// stopped; then this is another job.
async fn create(client: &Client, new_job: NewJob) -> Result<Job, Failure> {
    match insist(|| client.create_job(&new_job, None)).await {
        Err(Error::Refused(problem)) if problem.code == "idempotency_conflict" => {
            let new_job = NewJob { job_id: Some(random_id()?), ..new_job };
            Ok(insist(|| client.create_job(&new_job, None)).await?)
        }
        outcome => Ok(outcome?),
    }
}

fn random_id() -> Result<JobId, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Usage(format!("the system gives no random bytes: {error}")))?;
    Ok(JobId::from_random(bytes))
}
