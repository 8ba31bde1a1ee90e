//! Whoever holds a presigned URL tries to use it for more than it was given for: to copy another's video, to
//! replace what was verified, and to leave something behind when the job is gone.

use e2e::{Options, PartUpload, Stack, bare_http, new_job, now, spotlight_params, wait_until};
use reel_client::{Client, CreateUpload, Error, Job, JobId, JobStatus, JobType};
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reqwest::Response;
use serde_json::{Value, json};

const BUCKET: &str = "reel-ballers-videos";
const MP4: &str = "video/mp4";

/// Uploads these bytes under a new key.
async fn upload_bytes(client: &Client, bytes: &[u8]) -> String {
    let target = client.upload_url("game.mp4", MP4, None, None).await.expect("an upload URL");
    let put = put(target.upload_url.reveal(), bytes, &[]).await;
    assert_eq!(put.status(), 200, "a client sends nothing but the type");
    target.video_key
}

/// What the seed's clients send, and these headers.
async fn put(url: &str, bytes: &[u8], more: &[(&str, &str)]) -> Response {
    let mut request = bare_http().put(url).header("content-type", MP4).body(bytes.to_vec());
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer")
}

async fn stored(stack: &Stack, key: &str) -> Option<Vec<u8>> {
    let answer = stack.stored(key).await?;
    Some(answer.bytes().await.expect("the bytes").to_vec())
}

fn refused_with<T: std::fmt::Debug>(answer: Result<T, Error>) -> (u16, String) {
    match answer {
        Err(Error::Api(problem)) => (problem.status, problem.code),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_upload_copies_no_other_video() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let film = b"a film of somebody else's child";
    let foreign = upload_bytes(&client, film).await;
    let source = format!("/{BUCKET}/{foreign}");
    let copies = [source.as_str(), &source[1..], ""];

    let own = client.upload_url("mine.mp4", MP4, None, None).await.expect("an upload URL");
    for copy in copies {
        let answer = put(own.upload_url.reveal(), b"", &[("x-amz-copy-source", copy)]).await;
        assert!(!answer.status().is_success(), "{copy:?}");
        assert_eq!(stored(&stack, &own.video_key).await, None, "{copy:?}");
    }
    let part = PartUpload::begin(&stack, film.len() as u64).await.0;
    let url = part.url(1).await;
    for copy in copies {
        let request = bare_http().put(&url).header("x-amz-copy-source", copy).body(vec![1; film.len()]);
        assert!(!request.send().await.expect("an answer").status().is_success(), "{copy:?}");
    }

    // The same requests, rightly.
    assert_eq!(put(own.upload_url.reveal(), b"mine", &[]).await.status(), 200);
    assert_eq!(stored(&stack, &own.video_key).await.as_deref(), Some(&b"mine"[..]));
    let etag = part.send(1, vec![1; film.len()]).await;
    assert_eq!(part.complete_with(&[(1, etag)]).await.0, 200);

    // And the attack is one: signed without the empty header, this bucket copies.
    let key = ObjectKey::parse_input(&own.video_key).expect("a key");
    let unguarded = stack.presigner().put(&key, MP4, None, DurationMs::minutes(1), now());
    let answer = put(&unguarded, b"", &[("x-amz-copy-source", source.as_str())]).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(stored(&stack, &own.video_key).await.as_deref(), Some(&film[..]));
}

#[tokio::test]
async fn an_upload_for_a_job_that_has_its_video_is_refused() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let id: JobId = random_id();
    let ask = async || client.upload_url("game.mp4", MP4, None, Some(id)).await;
    let first = ask().await.expect("a URL");
    let again = ask().await.expect("nothing is there yet");
    assert_eq!(first.video_key, again.video_key);
    assert_eq!(put(first.upload_url.reveal(), b"a game", &[]).await.status(), 200);

    let taken = (409, "input_exists".to_owned());
    assert_eq!(refused_with(ask().await), taken, "its video is there");
    let parts = CreateUpload {
        filename: "game.mp4",
        content_type: MP4,
        size_bytes: 7,
        part_size: None,
        job_id: Some(id),
    };
    assert_eq!(refused_with(client.create_upload(&parts).await), taken);
    client.upload_url("other.mp4", MP4, None, Some(id)).await.expect("another video of the same job");

    let job = reel_client::CreateJob {
        job_id: Some(id),
        ..new_job(JobType::Overlay, first.video_key.clone(), spotlight_params())
    };
    let job = client.create_job(&job, None).await.expect("a job");
    assert_eq!(
        refused_with(client.upload_url("other.mp4", MP4, None, Some(id)).await),
        taken,
        "its job is there"
    );
    client.cancel(job.job_id).await.expect("a cancel");
}

#[tokio::test]
async fn a_video_that_was_replaced_after_the_job_was_created_is_not_rendered() {
    let mut stack = Stack::start(Options::fast_clock()).await;
    let client = stack.client();
    stack.kill_gpu();
    let target = client.upload_url("game.mp4", MP4, None, None).await.expect("an upload URL");
    assert_eq!(put(target.upload_url.reveal(), b"what was shown", &[]).await.status(), 200);
    let new = new_job(JobType::Overlay, target.video_key, spotlight_params());
    let job = client.create_job(&new, None).await.expect("a job");
    assert_eq!(
        put(target.upload_url.reveal(), b"something else", &[]).await.status(),
        200,
        "the URL lives on"
    );
    stack.restart_gpu().await;
    let mut ended = job;
    wait_until("the job ends", async || {
        ended = client.job(ended.job_id).await.expect("the job");
        ended.status == JobStatus::Error
    })
    .await;
    assert_eq!(ended.error_code.as_deref(), Some("input_changed"));
    assert_eq!((ended.retryable, ended.attempt), (Some(false), 1));
    assert_eq!(
        ended.error.as_deref(),
        Some("The uploaded video was replaced after the export was created. Create the export again.")
    );
}

/// A job that RunPod keeps in its queue, and what a worker needs that claims it by itself.
struct Claimed {
    job: Job,
    callback: String,
    grant: Value,
}

impl Claimed {
    async fn by(stack: &Stack, claim: Value) -> Self {
        let client = stack.client();
        let key = upload_bytes(&client, b"any video").await;
        let job = client.create_job(&new_job(JobType::Overlay, key, spotlight_params()), None).await;
        let job = job.expect("a job");
        let id = job.job_id.to_string();
        let mut callback = String::new();
        wait_until("the job is submitted", async || {
            let asked = stack.wiretap().asked();
            let submit = asked.iter().find(|asked| asked.body["input"]["job_id"] == id.as_str());
            if let Some(submit) = submit {
                let url = submit.body["input"]["callback_url"].as_str().expect("a URL");
                url.clone_into(&mut callback);
            }
            submit.is_some()
        })
        .await;
        let grant = post(&format!("{callback}/claim"), claim).await;
        assert_eq!(grant["applied"], true, "{grant}");
        Self { job, callback, grant }
    }

    async fn put(&self, bytes: &[u8], more: &[(&str, &str)]) -> u16 {
        put(self.url(), bytes, more).await.status().as_u16()
    }

    fn url(&self) -> &str {
        self.grant["output"]["url"].as_str().expect("a URL")
    }

    fn key(&self) -> &str {
        self.grant["output"]["key"].as_str().expect("a key")
    }

    async fn complete(&self, bytes: usize) {
        let report = json!({"output_video_key": self.key(), "output_bytes": bytes});
        let answer = post(&format!("{}/complete", self.callback), report).await;
        assert_eq!(answer["applied"], true, "{answer}");
    }

    /// What the Worker serves as the job's result.
    async fn served(&self, stack: &Stack) -> Result<Vec<u8>, u16> {
        let socket = self.job.websocket_url.as_ref().expect("a URL").reveal();
        let token = socket.split_once('?').map_or("", |(_, token)| token);
        let url = format!("{}/api/videos/download/{}?{token}", stack.api_url(), self.key());
        let answer = bare_http().get(url).send().await.expect("an answer");
        match answer.status().as_u16() {
            200 => Ok(answer.bytes().await.expect("the bytes").to_vec()),
            status => Err(status),
        }
    }
}

async fn post(url: &str, body: Value) -> Value {
    let answer = bare_http().post(url).json(&body).send().await.expect("an answer");
    answer.json().await.expect("a JSON body")
}

fn stuck() -> Value {
    json!({"rules": [{"faults": [{"fault": "stuck_in_queue"}]}]})
}

#[tokio::test]
async fn a_reel_that_was_verified_is_not_replaced_and_another_is_not_served() {
    let mut stack = Stack::start(Options::default()).await;
    stack.play(&stuck()).await;

    let new = Claimed::by(&stack, json!({"conditional_put": true})).await;
    assert_eq!(new.grant["input_version"]["bytes"], 9, "{}", new.grant);
    assert_eq!(new.put(b"the reel", &[]).await, 403, "the condition is signed");
    let once = [("if-none-match", "*")];
    assert_eq!(new.put(b"the reel", &once).await, 200);
    assert_eq!(new.put(b"another reel", &once).await, 412, "a repeat means done");
    new.complete(8).await;
    assert_eq!(new.put(b"another!", &once).await, 412);
    assert_eq!(new.served(&stack).await, Ok(b"the reel".to_vec()));

    // A worker of an older image, which knows no condition.
    let old = Claimed::by(&stack, json!({})).await;
    assert_eq!(old.put(b"the reel", &[]).await, 200);
    old.complete(8).await;
    assert_eq!(old.served(&stack).await, Ok(b"the reel".to_vec()));
    assert_eq!(old.put(b"no reel!", &[]).await, 200, "its URL replaces what was verified");
    assert_eq!(old.served(&stack).await, Err(404), "and nobody is served it");
}

#[tokio::test]
async fn what_is_put_after_the_cancel_and_the_deletion_does_not_stay() {
    let fast = Options { vars: vec![("CLOCK_SPEED", "100".to_owned())], ..Options::default() };
    let mut stack = Stack::start(fast).await;
    stack.play(&stuck()).await;
    let client = stack.client();
    let (kept, deleted) = (Claimed::by(&stack, json!({})).await, Claimed::by(&stack, json!({})).await);
    for claimed in [&kept, &deleted] {
        client.cancel(claimed.job.job_id).await.expect("a cancel");
    }
    client.delete(deleted.job.job_id).await.expect("a deletion");
    for claimed in [&kept, &deleted] {
        assert_eq!(claimed.put(b"a film of a child", &[]).await, 200, "its URL is still valid");
        assert!(stored(&stack, claimed.key()).await.is_some());
    }
    assert_eq!(refused_with(client.job(deleted.job.job_id).await).0, 404);
    for claimed in [&kept, &deleted] {
        wait_until("it is gone", async || stored(&stack, claimed.key()).await.is_none()).await;
        assert!(matches!(claimed.put(b"once more", &[]).await, 400..=403), "and the URL is over");
    }
    assert_eq!(refused_with(client.job(deleted.job.job_id).await).0, 404);
    assert_eq!(client.job(kept.job.job_id).await.expect("the job").status, JobStatus::Error);
}

fn random_id() -> JobId {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("random bytes");
    JobId::from_random(bytes)
}
