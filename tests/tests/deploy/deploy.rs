//! This release over the state of an older one, and what must be true of it.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use e2e::{Options, PartUpload, RawSocket, Stack, bare_http, wait_until};
use reqwest::Method;
use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::renderer::{Renderer, ask, get, rows, without_links};
use crate::runpod::RunPod;

/// A Worker that was started with the state of an older release.
pub struct Deploy {
    pub stack: Stack,
    fixture: Fixture,
    runpod: RunPod,
}

impl Deploy {
    /// Opens a state that was recorded so long ago. At the endpoint that took its jobs, RunPod answers with
    /// this status to each, by its name in the manifest; it knows none that is `forgotten`. What is submitted
    /// now goes to a gpu-worker.
    pub async fn open(age: Duration, status: fn(&str) -> &'static str) -> Self {
        let fixture = Fixture::unpack();
        let known: HashMap<String, &str> =
            fixture.jobs().filter_map(|(name, job)| Some((text(&job["gpu_job"])?, status(name)))).collect();
        let runpod = RunPod::start(move |asked| {
            let Some((_, gpu_job)) = asked.what.split_once('/') else {
                let workers = json!({"idle": 0, "running": 1});
                return Some((200, json!({"jobs": {"inQueue": 9, "inProgress": 1}, "workers": workers})));
            };
            Some(match known.get(gpu_job) {
                Some(&"forgotten") | None => (404, json!({"error": "job not found"})),
                Some(status) => (200, json!({"id": gpu_job, "status": status})),
            })
        })
        .await;
        let fixture = fixture.moved(age, &runpod.endpoint);
        let signing_key = text(&fixture.manifest["settings"]["SIGNING_KEY"]).expect("a key");
        let options = Options {
            vars: vec![("SIGNING_KEY", signing_key)],
            slots: Some(2),
            state: Some(fixture.state()),
            ..Options::default()
        };
        Self { stack: Stack::start(options).await, fixture, runpod }
    }

    /// What the manifest says of a job.
    pub fn job(&self, name: &str) -> &Value {
        let job = &self.fixture.manifest["jobs"][name];
        assert!(job.is_object(), "the manifest has no job {name}");
        job
    }

    /// The id of a job of the manifest.
    pub fn id(&self, name: &str) -> &str {
        self.job(name)["id"].as_str().expect("an id")
    }

    /// Whoever was given the last attempt of a job.
    pub fn renderer(&self, name: &str) -> Renderer<'_> {
        let job = self.job(name);
        let told = |member: &str| job[member].as_str().expect("a text");
        Renderer::new(&self.stack, told("callback"), told("gpu_job"))
    }

    /// An upload of the manifest.
    pub fn upload(&self, name: &str) -> PartUpload {
        let upload = &self.fixture.manifest["uploads"][name];
        let told = |member: &str| upload[member].as_str().expect("a text");
        PartUpload::known(&self.stack, told("video_key"), told("upload_id"))
    }

    /// An input that neither a job nor a project has.
    pub fn unused_input(&self) -> String {
        text(&self.fixture.manifest["unused_input"]).expect("a key")
    }

    /// The length of an object in the bucket.
    pub async fn stored_bytes(&self, key: &str) -> Option<usize> {
        let object = self.stack.stored(key).await?;
        Some(object.bytes().await.expect("its bytes").len())
    }

    /// What the list shows.
    pub async fn rows(&self) -> Vec<Value> {
        rows(&self.stack).await
    }

    /// A person's wish: cancel or retry.
    pub async fn wish(&self, name: &str, wish: &str) {
        let path = format!("/api/jobs/{}/{wish}", self.id(name));
        let (status, job) = ask(&self.stack, Method::POST, &path, None).await;
        assert_eq!(status, 200, "{name}: {job}");
    }

    /// Waits until the list shows that these jobs have ended. No job is asked.
    pub async fn rows_end(&self, which: impl Fn(&str) -> bool) {
        let waited: BTreeSet<&str> =
            self.fixture.jobs().filter(|(name, _)| which(name)).map(|(name, _)| self.id(name)).collect();
        wait_until("the list shows the ends", async || {
            let rows = self.rows().await;
            let ended = |row: &&Value| row["status"] == "complete" || row["status"] == "error";
            let ids: BTreeSet<&str> =
                rows.iter().filter(ended).filter_map(|row| row["job_id"].as_str()).collect();
            waited.is_subset(&ids)
        })
        .await;
    }

    /// Waits until a job, and its row, are so.
    pub async fn ends(&self, id: &str, end: &Value) {
        wait_until("the list shows the end of a job", async || {
            self.rows().await.iter().any(|row| row["job_id"] == id && keeps(end, row))
        })
        .await;
        let job = get(&self.stack, &format!("/api/jobs/{id}")).await;
        assert!(keeps(end, &job), "{job}");
    }

    /// Waits until RunPod was asked to cancel a job.
    pub async fn is_cancelled_at_runpod(&self, name: &str) {
        let cancel = format!("cancel/{}", self.job(name)["gpu_job"].as_str().expect("a name"));
        wait_until("RunPod is asked to cancel the job", async || {
            self.runpod.asked().iter().any(|asked| asked.what == cancel)
        })
        .await;
    }

    /// Nothing of what was recorded is lost or doubled, and what had ended is as it was.
    pub async fn all_is_there(&self) {
        let mut listed: Vec<String> =
            self.rows().await.iter().filter_map(|row| text(&row["job_id"])).collect();
        let mut recorded: Vec<String> = self.fixture.jobs().filter_map(|(_, job)| text(&job["id"])).collect();
        listed.sort();
        recorded.sort();
        assert_eq!(listed, recorded);
        for (name, job) in self.fixture.jobs() {
            let mut now = get(&self.stack, &format!("/api/jobs/{}", self.id(name))).await;
            assert!(
                keeps(&job["request"]["body"], &now) || job["request"]["path"] != "/api/jobs",
                "{name}: {now}"
            );
            if job["state"] == "ended" {
                // It is made of the state, and its wording may get better.
                now["message"] = job["job"]["message"].clone();
                assert!(keeps(&job["job"], &now), "{name} was {} and is {now}", job["job"]);
            }
            self.events(name).await;
        }
        let deleted = text(&self.fixture.manifest["deleted_job"]).expect("an id");
        assert_eq!(ask(&self.stack, Method::GET, &format!("/api/jobs/{deleted}"), None).await.0, 404);

        for (path, recorded) in self.fixture.manifest["reads"].as_object().expect("reads") {
            let mut recorded = recorded.clone();
            if path == "/api/projects/1" {
                // A job is about to give it a video.
                recorded.as_object_mut().expect("a project").retain(|name, _| name == "id" || name == "name");
            }
            let now = get(&self.stack, path).await;
            assert!(keeps(&recorded, &now), "{path} was {recorded} and is {now}");
        }
    }

    /// The uploads are where they were, with the parts that were confirmed.
    pub async fn uploads_are_there(&self) {
        for (name, upload) in self.fixture.manifest["uploads"].as_object().expect("uploads") {
            let (status, shown) = self.upload(name).show().await;
            if upload["shown"].is_null() {
                assert_eq!(status, 404, "{name}: {shown}");
            } else {
                assert!(keeps(&upload["shown"], &shown), "{name} was {} and is {shown}", upload["shown"]);
            }
        }
    }

    /// Every job has ended as the manifest says under `when`, and tells the whole story of it.
    pub async fn all_ended_as(&self, when: &str) {
        let rows = self.rows().await;
        for (name, job) in self.fixture.jobs() {
            let now = get(&self.stack, &format!("/api/jobs/{}", self.id(name))).await;
            let row = rows.iter().find(|row| row["job_id"] == now["job_id"]).expect("a row");
            for told in [&now, row] {
                assert!(keeps(&job[when], told), "{name} is to end as {} and says {told}", job[when]);
            }
            let events = self.events(name).await;
            let new = &events[job["events"].as_array().expect("events").len()..];
            let ends =
                new.iter().filter(|event| event["type"] == "complete" || event["type"] == "error").count();
            assert_eq!(ends, usize::from(job["state"] != "ended"), "{name} ends once: {new:?}");
            assert_eq!(events.last().expect("events")["type"], now["status"], "{name} ends with its end");
            self.downloads(name, &now).await;
        }
        self.is_cancelled_at_runpod("cancelled_with_debt").await;
        let video = &get(&self.stack, "/api/projects/1").await["working_video_key"];
        assert_eq!(
            *video,
            format!("output/{}/1/video.mp4", self.id("rendered")),
            "the project has its video"
        );

        // A client that asks for the same again gets the job that there is.
        for (name, job) in self.fixture.jobs() {
            let request = &job["request"];
            let path = request["path"].as_str().expect("a path");
            let (status, told) = ask(&self.stack, Method::POST, path, Some(&request["body"])).await;
            assert!(matches!(status, 200 | 201), "{name}: {status} {told}");
            assert_eq!(told["job_id"], job["id"]);
        }
        assert_eq!(self.rows().await.len(), rows.len());

        let mut submits = HashMap::new();
        for asked in self.stack.wiretap().asked().iter().filter(|asked| asked.what == "run") {
            let input = &asked.body["input"];
            *submits.entry((input["job_id"].to_string(), input["attempt"].to_string())).or_insert(0) += 1;
        }
        assert!(submits.values().all(|count| *count == 1), "{submits:?}");
        assert!(
            self.runpod.asked().iter().all(|asked| asked.what != "run"),
            "the older endpoint gets no new job"
        );
    }

    /// The events of a job: those that were recorded first, none is left out; the socket tells the same.
    async fn events(&self, name: &str) -> Vec<Value> {
        let path = format!("/api/jobs/{}", self.id(name));
        // Asked first: a job that ends in between has more to tell than the events that were read.
        let has_ended = get(&self.stack, &path).await["completed_at"].is_string();
        let mut log = get(&self.stack, &format!("{path}/events?after=0")).await;
        without_links(&mut log);
        let events = log["events"].as_array().expect("events").clone();
        let recorded = self.job(name)["events"].as_array().expect("events");
        assert!(events.len() >= recorded.len(), "{name} has lost events");
        for (now, recorded) in events.iter().zip(recorded) {
            assert!(keeps(recorded, now), "{name}: an event was {recorded} and is {now}");
        }
        for (seq, event) in (1..).zip(&events) {
            assert_eq!(event["seq"], seq, "{name} numbers its events");
        }
        if has_ended {
            let socket = RawSocket::open_path(&self.stack, &format!("{path}/ws?after=0")).await;
            let heard = socket.expect("the socket opens").listen().await;
            let mut told = json!(heard.stored().collect::<Vec<_>>());
            without_links(&mut told);
            assert_eq!((told, heard.close_code), (json!(events), Some(1000)), "{name}");
        }
        events
    }

    /// What a complete job offers is there.
    async fn downloads(&self, name: &str, job: &Value) {
        assert_eq!(job["output_url"].is_string(), job["status"] == "complete", "{name}");
        for (url, bytes) in [(&job["output_url"], job["output_bytes"].as_u64()), (&job["poster_url"], None)] {
            let Some(url) = url.as_str() else { continue };
            let answer = bare_http().get(url).send().await.expect("an answer");
            assert_eq!(answer.status(), 200, "{name}");
            let body = answer.bytes().await.expect("its bytes");
            assert!(bytes.is_none_or(|bytes| bytes == body.len() as u64) && !body.is_empty(), "{name}");
        }
        if name == "complete" {
            assert!(job["poster_url"].is_string(), "it had a picture: {job}");
        }
    }
}

/// Whether every member that was recorded is still the same; there may be more.
fn keeps(recorded: &Value, now: &Value) -> bool {
    recorded.as_object().expect("an object").iter().all(|(name, value)| now[name] == *value)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
