//! The commands about existing jobs: watch, download, status, cancel, retry, list.

use std::path::Path;
use std::time::Instant;

use futures_util::StreamExt as _;
use indicatif::HumanBytes;
use reel_client::{Client, Error, Job, JobFilter, JobId, JobStatus};
use serde_json::{Value, json};

use crate::error::CliError;
use crate::interrupt::{InterruptState, Interruptible};
use crate::ui::Ui;

/// Shows the progress of `job` until it ends, and returns it if it is complete.
pub async fn follow_to_end(client: &Client, job: Job, ui: &Ui) -> Result<Job, CliError> {
    let mut progress = ui.job();
    progress.show(&job);
    let mut messages = client.watch(&job, job.seq.unwrap_or(0));
    let mut last = job;
    while let Some(message) = messages.next().await {
        last = message?.job;
        progress.show(&last);
    }
    progress.finish();
    match last.status {
        JobStatus::Complete => Ok(last),
        JobStatus::Error => Err(CliError::Job(Box::new(last))),
        JobStatus::Pending | JobStatus::Processing => Err(CliError::Call(Error::UnexpectedResponse {
            call: "GET api/jobs/{id}/ws".to_owned(),
            reason: "the last message came before the job had ended".to_owned(),
        })),
    }
}

/// Downloads the reel of a complete job to `out` and returns its size in bytes.
pub async fn download_output(client: &Client, job: &Job, out: &Path, ui: &Ui) -> Result<u64, CliError> {
    let Some(url) = &job.output_url else {
        return Err(CliError::Call(Error::UnexpectedResponse {
            call: "GET api/jobs/{id}".to_owned(),
            reason: "the job is complete but has no output_url".to_owned(),
        }));
    };
    let bar = ui.transfer("download", job.output_bytes);
    let bytes = client.download(url, out, |received, total| bar.set_position(received, total)).await?;
    bar.finish();
    Ok(bytes)
}

/// A reel on disk.
pub struct SavedReel<'p> {
    /// The file.
    pub out: &'p Path,
    /// Its size.
    pub bytes: u64,
    /// When the command was started.
    pub started_at: Instant,
}

/// Prints the result of an export or a download: one line, or one JSON object.
pub fn print_saved(ui: &Ui, job: &Job, reel: &SavedReel<'_>) {
    let seconds = reel.started_at.elapsed().as_secs_f64();
    if ui.json() {
        let mut value = json!(job);
        if let Value::Object(members) = &mut value {
            members.insert("file".to_owned(), json!(reel.out));
            members.insert("file_bytes".to_owned(), json!(reel.bytes));
            members.insert("seconds".to_owned(), json!((seconds * 1000.0).round() / 1000.0));
        }
        println!("{value}");
        return;
    }
    let made = job.output.map(|made| format!("{made}, ")).unwrap_or_default();
    println!("{}: {made}{}, done in {seconds:.1} s", reel.out.display(), HumanBytes(reel.bytes));
}

/// `reel watch`.
pub async fn watch(client: &Client, id: JobId, ui: &Ui, interrupt: &InterruptState) -> Result<(), CliError> {
    let job = client.job(id).await?;
    let job = match job.status {
        JobStatus::Complete => job,
        JobStatus::Error => return Err(CliError::Job(Box::new(job))),
        JobStatus::Pending | JobStatus::Processing => {
            interrupt.set(Interruptible::Job(id));
            follow_to_end(client, job, ui).await?
        }
    };
    if ui.json() {
        println!("{}", json!(job));
    } else {
        if let Some(made) = described_output(&job) {
            println!("{made}");
        }
        println!("complete; to download it: reel download {id} --out reel.mp4");
    }
    Ok(())
}

/// `reel download`.
pub async fn download(client: &Client, id: JobId, out: &Path, ui: &Ui) -> Result<(), CliError> {
    let started_at = Instant::now();
    create_parent(out)?;
    let job = client.job(id).await?;
    match job.status {
        JobStatus::Complete => {}
        JobStatus::Error => return Err(CliError::Job(Box::new(job))),
        JobStatus::Pending | JobStatus::Processing => {
            return Err(CliError::Usage(format!(
                "the job is still {}; to wait for it: reel watch {id}",
                job.status.as_str()
            )));
        }
    }
    let bytes = download_output(client, &job, out, ui).await?;
    print_saved(ui, &job, &SavedReel { out, bytes, started_at });
    Ok(())
}

/// `reel status`.
pub async fn status(client: &Client, id: JobId, ui: &Ui) -> Result<(), CliError> {
    print_job(&client.job(id).await?, ui);
    Ok(())
}

/// `reel cancel`.
pub async fn cancel(client: &Client, id: JobId, ui: &Ui) -> Result<(), CliError> {
    print_job(&client.cancel(id).await?, ui);
    Ok(())
}

/// `reel retry`.
pub async fn retry(client: &Client, id: JobId, ui: &Ui) -> Result<(), CliError> {
    print_job(&client.retry(id).await?, ui);
    Ok(())
}

/// `reel list`.
pub async fn list(client: &Client, filter: &JobFilter, ui: &Ui) -> Result<(), CliError> {
    let page = client.jobs(filter).await?;
    if ui.json() {
        println!("{}", json!(page));
        return Ok(());
    }
    for job in &page.jobs {
        let created_at = job.created_at.as_deref().unwrap_or("-");
        println!(
            "{}  {:8}  {:10}  {:>3} %  {created_at}",
            job.job_id,
            job.job_type.as_str(),
            job.status.as_str(),
            job.progress
        );
    }
    if let Some(cursor) = &page.next_cursor {
        ui.println(&format!("more: reel list --cursor {cursor}"));
    }
    Ok(())
}

/// Creates the directory of `out`, so that a wrong path is reported before anything is sent or rendered.
pub fn create_parent(out: &Path) -> Result<(), CliError> {
    let usage = |reason: String| CliError::Usage(format!("{}: {reason}", out.display()));
    if out.is_dir() {
        return Err(usage("is a directory; specify a file name".to_owned()));
    }
    match out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder).map_err(|error| usage(error.to_string())),
        None => Ok(()),
    }
}

fn print_job(job: &Job, ui: &Ui) {
    if ui.json() {
        println!("{}", json!(job));
        return;
    }
    let stage = job.stage.as_ref().map(|stage| format!(" ({})", stage.as_str())).unwrap_or_default();
    println!("{} {}: {}{stage}, {} %", job.job_type.as_str(), job.job_id, job.status.as_str(), job.progress);
    let attempt = (job.attempt > 0).then(|| format!("{} of {}", job.attempt, job.max_attempts));
    let error = job.error.as_ref().map(|error| match &job.error_code {
        Some(code) => format!("{error} ({code})"),
        None => error.clone(),
    });
    for (name, value) in [
        ("message", job.message.clone()),
        ("attempt", attempt),
        ("error", error),
        ("created", job.created_at.clone()),
        ("started", job.started_at.clone()),
        ("ended", job.completed_at.clone()),
        ("output", described_output(job)),
    ] {
        if let Some(value) = value {
            println!("  {name:8} {value}");
        }
    }
}

/// Picture and size of the reel, as far as the server says.
fn described_output(job: &Job) -> Option<String> {
    let bytes = HumanBytes(job.output_bytes?);
    Some(job.output.map_or_else(|| bytes.to_string(), |made| format!("{made}, {bytes}")))
}
