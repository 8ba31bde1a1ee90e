//! One job from its creation to its end, with a socket that hears all of it.

use reel_client::{Client, Job, JobStatus, JobType};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::flow::{bare_http, new_job, sample, spotlight_params, upload, wait_until};
use crate::runpod_proxy::RecordedRequest;
use crate::stack::Stack;
use crate::transcript::{RawSocket, SocketTranscript};

/// A job that somebody listens to.
#[derive(Debug)]
pub struct JobScenario {
    /// The job as it was created.
    pub job: Job,
    client: Client,
    listener: JoinHandle<SocketTranscript>,
    events_url: String,
    /// Number of the event before the first that is listened for.
    after: u64,
}

/// How a job is to end: its status, its error code, the number of its last attempt.
pub type ExpectedEnd = (JobStatus, Option<&'static str>, u32);

impl JobScenario {
    /// Uploads the sample, creates a job of it and listens from its first event on.
    pub async fn begin(stack: &Stack, kind: JobType) -> Self {
        let client = stack.client();
        let key = upload(&client, &sample()).await;
        let job = client.create_job(&new_job(kind, key, params(kind)), None).await.expect("a job");
        Self::follow(stack, job).await
    }

    /// Listens to a job that there is, from its first event on.
    pub async fn follow(stack: &Stack, job: Job) -> Self {
        Self::after(stack, job, 0).await
    }

    /// Listens to a job that has just been started over, from that event on: what was before has ended.
    pub async fn resume(stack: &Stack, job: Job) -> Self {
        let after = job.seq.expect("a stored job").saturating_sub(1);
        Self::after(stack, job, after).await
    }

    async fn after(stack: &Stack, job: Job, after: u64) -> Self {
        let listener = tokio::spawn(RawSocket::open_after(stack, &job, after).await.listen());
        let events_url = format!("{}/api/jobs/{}/events?after={after}", stack.api_url(), job.job_id);
        Self { client: stack.client(), job, listener, events_url, after }
    }

    /// Waits until the job ends, and panics unless it ends so: once, with a whole story that the event
    /// log tells in the same words, and with an index row that agrees.
    pub async fn ends(self, ending: ExpectedEnd) -> Job {
        let heard = self.listener.await.expect("the listener");
        heard.assert_whole_after(self.after);
        assert_eq!(heard.close_code, Some(1000));
        let job = self.client.job(self.job.job_id).await.expect("the job");
        let told = (job.status, job.error_code.as_deref(), job.attempt);
        assert_eq!(told, ending, "{}", heard.text());
        assert_eq!(job.output_url.is_some(), job.status == JobStatus::Complete);
        assert_eq!(job.error.is_some(), job.status == JobStatus::Error);

        let log: Value =
            bare_http().get(&self.events_url).send().await.expect("events").json().await.expect("JSON");
        let told: Vec<Value> = heard.stored().cloned().map(without_links).collect();
        let kept: Vec<Value> =
            log["events"].as_array().expect("events").iter().cloned().map(without_links).collect();
        assert_eq!(told, kept, "the socket and the log tell the same events");

        wait_until("the index agrees with the job", async || {
            let page = self.client.jobs(&reel_client::JobFilter::default()).await.expect("a list");
            page.jobs
                .iter()
                .any(|row| row.job_id == job.job_id && (row.status, row.attempt) == (job.status, job.attempt))
        })
        .await;
        job
    }

    /// The job as it is now.
    pub async fn now(&self) -> Job {
        self.client.job(self.job.job_id).await.expect("the job")
    }

    /// Waits until the job is so.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&Job) -> bool) -> Job {
        wait_until(what, async || is_so(&self.now().await)).await;
        self.now().await
    }

    /// What the Worker asked of RunPod for this job: its submits and, by RunPod's name of it, the rest.
    pub fn asked(&self, stack: &Stack) -> Vec<RecordedRequest> {
        let all = stack.wiretap().asked();
        let id = self.job.job_id.to_string();
        all.into_iter().filter(|asked| asked.body["input"]["job_id"] == id.as_str()).collect()
    }

    /// The URLs that the last submit of this job gave away: callback and webhook.
    pub fn capabilities(&self, stack: &Stack) -> (String, String) {
        let asked = self.asked(stack);
        let body = &asked.last().expect("a submit").body;
        let text = |value: &Value| value.as_str().expect("a URL").to_owned();
        (text(&body["input"]["callback_url"]), text(&body["webhook"]))
    }
}

/// A small edit of each kind.
fn params(kind: JobType) -> Value {
    match kind {
        JobType::Overlay => spotlight_params(),
        JobType::Framing => json!({
            "crop_keyframes": [{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}],
            "output_width": 1080, "output_height": 1920
        }),
        JobType::Annotate => {
            json!({"clips": [{"start_time": 0.0, "end_time": 2.0, "name": "A pass", "rating": 4}]})
        }
    }
}

/// Links are made for each reader anew.
fn without_links(mut message: Value) -> Value {
    if let Value::Object(members) = &mut message {
        members.remove("output_url");
        members.remove("poster_url");
        members.remove("websocket_url");
    }
    message
}
