//! The commands about existing jobs: watch, download, status, cancel, retry, list.

use std::path::{Path, PathBuf};
use std::time::Instant;

use futures_util::StreamExt as _;
use indicatif::HumanBytes;
use reel_client::{Client, Error, Job, JobFilter, JobId, JobStatus, MadeReel};
use reel_core::base::rendition_name::RenditionName;
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

/// Downloads a complete job's reel to `out`, and its further outputs beside it; returns all files.
pub async fn download_output(
    client: &Client,
    job: &Job,
    out: &Path,
    ui: &Ui,
) -> Result<Vec<SavedFile>, CliError> {
    let main = (out.to_owned(), &job.output_url, job.output_bytes, job.output);
    let mut files = vec![main];
    for one in &job.outputs {
        files.push((beside(out, &one.name)?, &one.output_url, one.output_bytes, one.output));
    }
    let mut saved = Vec::with_capacity(files.len());
    for (file, url, bytes, made) in files {
        let Some(url) = url else {
            return Err(CliError::Call(Error::UnexpectedResponse {
                call: "GET api/jobs/{id}".to_owned(),
                reason: "the job is complete but an output has no output_url".to_owned(),
            }));
        };
        let bar = ui.transfer("download", bytes);
        let bytes = client.download(url, &file, |received, total| bar.set_position(received, total)).await?;
        bar.finish();
        saved.push(SavedFile { file, bytes, made });
    }
    Ok(saved)
}

/// `reel.mp4` and `story` make `reel-story.mp4`. A name from the server that is no name of an output is refused: it
/// might lead to another folder.
fn beside(out: &Path, name: &str) -> Result<PathBuf, CliError> {
    let name = RenditionName::try_from(name.to_owned()).map_err(|error| {
        CliError::Call(Error::UnexpectedResponse {
            call: "GET api/jobs/{id}".to_owned(),
            reason: format!("the name of an output {error}"),
        })
    })?;
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    Ok(out.with_file_name(format!("{stem}-{name}{}", extension.unwrap_or_default())))
}

/// A video on disk.
pub struct SavedFile {
    /// The file.
    file: PathBuf,
    /// Its size.
    bytes: u64,
    /// What the server says of it.
    made: Option<MadeReel>,
}

/// Prints the result of an export or a download, the main output first: a line each, or one JSON object.
pub fn print_saved(ui: &Ui, job: &Job, saved: &[SavedFile], started_at: Instant) {
    let seconds = started_at.elapsed().as_secs_f64();
    if ui.json() {
        let mut value = json!(job);
        if let (Value::Object(members), Some((main, others))) = (&mut value, saved.split_first()) {
            members.insert("file".to_owned(), json!(main.file));
            members.insert("file_bytes".to_owned(), json!(main.bytes));
            if !others.is_empty() {
                let files: Vec<_> = others.iter().map(|other| &other.file).collect();
                members.insert("other_files".to_owned(), json!(files));
            }
            members.insert("seconds".to_owned(), json!((seconds * 1000.0).round() / 1000.0));
        }
        println!("{value}");
        return;
    }
    for SavedFile { file, bytes, made } in saved {
        let made = made.map(|made| format!("{made}, ")).unwrap_or_default();
        println!("{}: {made}{}, done in {seconds:.1} s", file.display(), HumanBytes(*bytes));
    }
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
    let saved = download_output(client, &job, out, ui).await?;
    print_saved(ui, &job, &saved, started_at);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_output_lies_beside_the_first() {
        for (out, expected) in [
            ("reel.mp4", "reel-story.mp4"),
            ("out/my.reel.mp4", "out/my.reel-story.mp4"),
            ("/tmp/reel", "/tmp/reel-story"),
        ] {
            let file = beside(Path::new(out), "story").ok();
            assert_eq!(file.as_deref(), Some(Path::new(expected)), "{out}");
        }
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["/../../etc/cron", "..", "a/b", "", "Story"] {
            assert!(matches!(beside(Path::new("reel.mp4"), name), Err(CliError::Call(_))), "{name}");
        }
    }
}
