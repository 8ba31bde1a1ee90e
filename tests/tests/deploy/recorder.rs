//! The tools of a recording: the Worker, a RunPod that refuses what it is told to, and a list of what was done.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use e2e::{Options, PartUpload, RecordedRequest, Stack, wait_until};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::fixture::RELEASE;
use crate::renderer::{Renderer, ask, get};
use crate::runpod::{Answer, RunPod};

/// A recording under way.
pub struct Recorder {
    pub stack: Stack,
    pub runpod: RunPod,
    /// What RunPod answers to the submits and cancels of a job, where that is no consent.
    refusals: Arc<Mutex<HashMap<String, Answer>>>,
    /// How many jobs were created.
    created: usize,
    /// The manifest's jobs, uploads, and all the rest of it.
    pub jobs: Map<String, Value>,
    pub uploads: Map<String, Value>,
    pub manifest: Map<String, Value>,
}

/// What RunPod was given with one submit.
pub struct Attempt {
    pub id: String,
    pub webhook: String,
    callback: String,
    gpu_job: String,
}

impl Attempt {
    /// Whoever renders it.
    pub fn renderer<'s>(&self, stack: &'s Stack) -> Renderer<'s> {
        Renderer::new(stack, &self.callback, &self.gpu_job)
    }
}

impl Recorder {
    /// Starts the Worker, with settings that the manifest tells.
    pub async fn start() -> Self {
        let refusals: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let refused = Arc::clone(&refusals);
        let runpod = RunPod::start(move |asked| {
            answer(asked, &refused.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await;
        let settings = [
            ("SIGNING_KEY", "the-signing-key-of-a-fixture-and-of-nothing-else"),
            ("RUNPOD_ENDPOINT", runpod.endpoint.as_str()),
        ];
        let manifest = json!({"release": RELEASE, "settings": Map::from_iter(
            settings.map(|(name, value)| (name.to_owned(), value.into())))});
        let vars = settings.map(|(name, value)| (name, value.to_owned())).to_vec();
        let stack = Stack::start(Options { vars, ..Options::default() }).await;
        Self {
            stack,
            runpod,
            refusals,
            created: 0,
            jobs: Map::new(),
            uploads: Map::new(),
            manifest: manifest.as_object().cloned().unwrap_or_default(),
        }
    }

    /// Creates a job with an id of our own, and waits until RunPod has it.
    pub async fn create(&mut self, name: &str, path: &str, body: Value) -> Attempt {
        let id = self.post(name, path, body).await;
        self.attempt(name, &id, 1).await
    }

    /// Creates a job, and waits until RunPod has refused it.
    pub async fn create_refused(&mut self, name: &str, status: u16, path: &str, body: Value) {
        self.refuse(&job_id(self.created + 1), Some((status, json!("no"))));
        let id = self.post(name, path, body).await;
        let path = format!("/api/jobs/{id}");
        wait_until("the job says that it was refused", async || get(&self.stack, &path).await["seq"] == 2)
            .await;
    }

    async fn post(&mut self, name: &str, path: &str, mut body: Value) -> String {
        self.created += 1;
        let id = job_id(self.created);
        body["job_id"] = id.clone().into();
        let (status, job) = ask(&self.stack, Method::POST, path, Some(&body)).await;
        assert!(matches!(status, 200 | 201), "{name}: {status} {job}");
        self.jobs.insert(name.to_owned(), json!({"id": id, "request": {"path": path, "body": body}}));
        id
    }

    /// Waits until RunPod has this attempt, and writes down what it was given.
    pub async fn attempt(&mut self, name: &str, id: &str, attempt: u32) -> Attempt {
        let path = format!("/api/jobs/{id}");
        wait_until("RunPod has the job", async || {
            let job = get(&self.stack, &path).await;
            job["attempt"] == attempt && job["runpod_job_id"].is_string()
        })
        .await;
        let submit = self.runpod.submit_of(id).expect("a submit");
        let below = |url: &Value| {
            url.as_str().and_then(|url| url.strip_prefix(self.stack.api_url())).expect("a URL").to_owned()
        };
        let (callback, webhook) = (below(&submit["input"]["callback_url"]), below(&submit["webhook"]));
        let gpu_job = gpu_job_of(&submit);
        self.jobs[name]["callback"] = callback.clone().into();
        self.jobs[name]["gpu_job"] = gpu_job.clone().into();
        Attempt { id: id.to_owned(), webhook, callback, gpu_job }
    }

    /// The last attempt of a job.
    pub fn known(&self, name: &str) -> Attempt {
        let text = |member: &str| self.jobs[name][member].as_str().expect("a text").to_owned();
        Attempt {
            id: text("id"),
            webhook: String::new(),
            callback: text("callback"),
            gpu_job: text("gpu_job"),
        }
    }

    /// From now on RunPod answers so to the submits and cancels of this job.
    pub fn refuse(&self, id: &str, answer: Answer) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), answer);
    }

    /// A person's wish: cancel or retry.
    pub async fn wish(&self, id: &str, wish: &str) {
        let (status, job) = ask(&self.stack, Method::POST, &format!("/api/jobs/{id}/{wish}"), None).await;
        assert_eq!(status, 200, "{wish}: {job}");
    }

    /// Writes down how an upload is to be found again.
    pub async fn keep_upload(&mut self, name: &str, upload: &PartUpload) {
        let (status, shown) = upload.show().await;
        let shown = if status == 200 { shown } else { Value::Null };
        let kept = json!({"video_key": upload.video_key, "upload_id": upload.upload_id, "shown": shown});
        self.uploads.insert(name.to_owned(), kept);
    }
}

/// Databases that cannot be read until they are mended.
pub struct Broken(Vec<(PathBuf, PathBuf)>);

impl Broken {
    /// Breaks the bucket and the database of a state folder; no program may have them open.
    pub fn bucket_and_database(state: &Path) -> Self {
        let folders = ["r2/miniflare-R2BucketObject", "d1/miniflare-D1DatabaseObject"];
        let moved = folders.map(|folder| {
            let folder = state.join("v3").join(folder);
            let away = folder.with_extension("away");
            fs::rename(&folder, &away).expect("to move a folder");
            fs::create_dir(&folder).expect("to make a folder");
            let names =
                fs::read_dir(&away).expect("a folder").map(|entry| entry.expect("an entry").file_name());
            // Not that of the runtime's own, without which nothing starts.
            let is_database = |name: &str| name.ends_with(".sqlite") && name != "metadata.sqlite";
            for name in names.filter(|name| is_database(&name.to_string_lossy())) {
                fs::write(folder.join(name), "no database ".repeat(1000)).expect("to write a file");
            }
            (folder, away)
        });
        Self(moved.to_vec())
    }

    /// As it was before.
    pub fn mend(self) {
        for (folder, away) in self.0 {
            fs::remove_dir_all(&folder).expect("to remove a folder");
            fs::rename(away, folder).expect("to move a folder back");
        }
    }
}

/// RunPod takes every job that nothing else is said of, and begins none.
fn answer(asked: &RecordedRequest, refusals: &HashMap<String, Answer>) -> Answer {
    let (verb, gpu_job) = asked.what.split_once('/').unwrap_or((&asked.what, ""));
    let job = match verb {
        "run" => asked.body["input"]["job_id"].as_str().unwrap_or_default(),
        _ => gpu_job.rsplit_once('-').map_or("", |(job, _)| job),
    };
    match (verb, refusals.get(job)) {
        ("run" | "cancel", Some(refusal)) => refusal.clone(),
        ("run", None) => Some((200, json!({"id": gpu_job_of(&asked.body), "status": "IN_QUEUE"}))),
        ("cancel", None) => Some((200, json!({"id": gpu_job, "status": "CANCELLED"}))),
        ("status", _) => Some((200, json!({"id": gpu_job, "status": "IN_QUEUE"}))),
        _ => {
            let workers = json!({"idle": 0, "running": 1});
            Some((200, json!({"jobs": {"inQueue": 9, "inProgress": 1}, "workers": workers})))
        }
    }
}

/// RunPod's name of a job, by the submit of it.
fn gpu_job_of(submit: &Value) -> String {
    let input = &submit["input"];
    format!("{}-{}", input["job_id"].as_str().unwrap_or_default(), input["attempt"])
}

fn job_id(number: usize) -> String {
    format!("0d000000-0000-4000-8000-{number:012}")
}
