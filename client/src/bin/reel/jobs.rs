//! The commands about jobs that exist: follow, show, cancel, retry, list, fetch.

use std::path::Path;
use std::time::Instant;

use futures_util::StreamExt as _;
use indicatif::HumanBytes;
use reel_client::{Client, Error, Job, JobFilter, JobId, Status};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::screen::Screen;
use crate::under_way::{Stage, UnderWay};

/// Shows `job` until it is over, and gives it back complete.
pub async fn follow(client: &Client, job: Job, screen: &Screen) -> Result<Job, Failure> {
    let mut view = screen.job();
    view.show(&job);
    let mut messages = client.watch(&job, job.seq.unwrap_or(0));
    let mut last = job;
    while let Some(message) = messages.next().await {
        last = message?.job;
        view.show(&last);
    }
    view.finish();
    match last.status {
        Status::Complete => Ok(last),
        Status::Error => Err(Failure::Job(Box::new(last))),
        Status::Pending | Status::Processing => Err(Failure::Call(Error::BadAnswer {
            call: "the socket".to_owned(),
            reason: "it ended before the job did".to_owned(),
        })),
    }
}

/// Fetches the reel of a complete job to `out`; gives its size in bytes.
pub async fn fetch(client: &Client, job: &Job, out: &Path, screen: &Screen) -> Result<u64, Failure> {
    let Some(url) = &job.output_url else {
        return Err(Failure::Call(Error::BadAnswer {
            call: "GET api/jobs/{id}".to_owned(),
            reason: "the job is complete and names no output_url".to_owned(),
        }));
    };
    let transfer = screen.transfer("download", job.output_bytes);
    let bytes = client.download(url, out, |done, total| transfer.at(done, total)).await?;
    transfer.finish();
    Ok(bytes)
}

/// The one line, or the one JSON object, that an export or a download ends with.
pub fn report(screen: &Screen, job: &Job, reel: &Reel<'_>) {
    let seconds = reel.started.elapsed().as_secs_f64();
    if screen.json() {
        let mut value = json!(job);
        if let Value::Object(members) = &mut value {
            members.insert("file".to_owned(), json!(reel.out));
            members.insert("file_bytes".to_owned(), json!(reel.bytes));
            members.insert("seconds".to_owned(), json!((seconds * 1000.0).round() / 1000.0));
        }
        println!("{value}");
        return;
    }
    let size = reel.resolution.map(|(width, height)| format!("{width}x{height}, ")).unwrap_or_default();
    println!("{}: {}, {size}in {seconds:.1} s", reel.out.display(), HumanBytes(reel.bytes));
}

/// A reel on disk.
pub struct Reel<'p> {
    /// The file.
    pub out: &'p Path,
    /// Its size.
    pub bytes: u64,
    /// Width and height, when known.
    pub resolution: Option<(u64, u64)>,
    /// When the command began.
    pub started: Instant,
}

/// `reel watch`.
pub async fn watch(client: &Client, id: JobId, screen: &Screen, under_way: &UnderWay) -> Result<(), Failure> {
    let job = client.job(id).await?;
    if !job.status.is_terminal() {
        under_way.set(Stage::Job(id));
    }
    let job = match job.status {
        Status::Complete => job,
        Status::Error => return Err(Failure::Job(Box::new(job))),
        Status::Pending | Status::Processing => follow(client, job, screen).await?,
    };
    if screen.json() {
        println!("{}", json!(job));
    } else {
        println!("complete. To fetch it: reel download {id} --out reel.mp4");
    }
    Ok(())
}

/// `reel download`.
pub async fn download(client: &Client, id: JobId, out: &Path, screen: &Screen) -> Result<(), Failure> {
    let started = Instant::now();
    prepare(out)?;
    let job = client.job(id).await?;
    match job.status {
        Status::Complete => {}
        Status::Error => return Err(Failure::Job(Box::new(job))),
        Status::Pending | Status::Processing => {
            return Err(Failure::Usage(format!(
                "the job is still {}; to wait for it: reel watch {id}",
                job.status.as_str()
            )));
        }
    }
    let bytes = fetch(client, &job, out, screen).await?;
    report(screen, &job, &Reel { out, bytes, resolution: None, started });
    Ok(())
}

/// `reel status`.
pub async fn status(client: &Client, id: JobId, screen: &Screen) -> Result<(), Failure> {
    show(&client.job(id).await?, screen);
    Ok(())
}

/// `reel cancel`.
pub async fn cancel(client: &Client, id: JobId, screen: &Screen) -> Result<(), Failure> {
    show(&client.cancel(id).await?, screen);
    Ok(())
}

/// `reel retry`.
pub async fn retry(client: &Client, id: JobId, screen: &Screen) -> Result<(), Failure> {
    show(&client.retry(id).await?, screen);
    Ok(())
}

/// `reel list`.
pub async fn list(client: &Client, filter: &JobFilter, screen: &Screen) -> Result<(), Failure> {
    let page = client.jobs(filter).await?;
    if screen.json() {
        println!("{}", json!(page));
        return Ok(());
    }
    for job in &page.jobs {
        let created_at = job.created_at.as_deref().unwrap_or("-");
        println!(
            "{}  {:8}  {:10}  {:>3} %  {created_at}",
            job.job_id,
            job.kind.as_str(),
            job.status.as_str(),
            job.progress
        );
    }
    if let Some(cursor) = &page.next_cursor {
        screen.say(&format!("more: reel list --cursor {cursor}"));
    }
    Ok(())
}

/// Makes the folder of `out`, so that a wrong path is known before anything is sent or rendered.
pub fn prepare(out: &Path) -> Result<(), Failure> {
    let usage = |reason: String| Failure::Usage(format!("{}: {reason}", out.display()));
    if out.is_dir() {
        return Err(usage("is a folder; give the name of a file".to_owned()));
    }
    match out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => std::fs::create_dir_all(folder).map_err(|error| usage(error.to_string())),
        None => Ok(()),
    }
}

fn show(job: &Job, screen: &Screen) {
    if screen.json() {
        println!("{}", json!(job));
        return;
    }
    let stage = job.stage.as_ref().map(|stage| format!(" ({})", stage.as_str())).unwrap_or_default();
    println!("{} {}: {}{stage}, {} %", job.kind.as_str(), job.job_id, job.status.as_str(), job.progress);
    let attempts = (job.attempt > 0).then(|| format!("{} of {}", job.attempt, job.max_attempts));
    let failed = job.error.as_ref().map(|error| match &job.error_code {
        Some(code) => format!("{error} ({code})"),
        None => error.clone(),
    });
    for (name, value) in [
        ("message", job.message.clone()),
        ("attempt", attempts),
        ("error", failed),
        ("created", job.created_at.clone()),
        ("started", job.started_at.clone()),
        ("ended", job.completed_at.clone()),
        ("output", job.output_bytes.map(|bytes| HumanBytes(bytes).to_string())),
    ] {
        if let Some(value) = value {
            println!("  {name:8} {value}");
        }
    }
}
