//! A picture of each job, and what happens to results that nobody waits for any more.

use e2e::{JobScenario, Options, Probe, Stack, bare_http, create, render};
use reel_client::{CapabilityUrl, Job, JobFilter, JobStatus, JobType};
use reel_core::base::base_url::BaseUrl;
use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::s3::Presigner;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::{Value, json};

/// A spotlight in a small vertical reel: quick to render.
fn small_reel() -> Value {
    json!({
        "highlight_regions": [
            {"start_frame": 0, "end_frame": 131, "x": 640, "y": 360, "radius_x": 90, "radius_y": 160}
        ],
        "effect_type": "spotlight",
        "crop_keyframes": [{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}],
        "output_width": 270,
        "output_height": 480
    })
}

#[tokio::test]
async fn a_complete_job_shows_a_picture_of_its_reel_wherever_it_is_shown() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let job = create(&client, JobType::Overlay, small_reel()).await;
    assert_eq!(job.poster_url, None);
    let messages = render(&client, &job).await;
    let last = &messages.last().expect("messages").job;
    assert_eq!(last.status, JobStatus::Complete, "{:?}", last.error);
    let listed = listed(&stack, job.job_id).await;
    let shown = client.job(job.job_id).await.expect("the job");

    for (place, url) in [("the socket", last), ("the list", &listed), ("the job", &shown)] {
        let url = url.poster_url.as_ref().unwrap_or_else(|| panic!("no picture in {place}"));
        let answer = bare_http().get(url.reveal()).send().await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()[CONTENT_TYPE]),
            (200, &"image/jpeg".parse().expect("a header"))
        );
        // A browser shows it and does not save it.
        let disposition =
            answer.headers().get(CONTENT_DISPOSITION).map(|value| value.to_str().expect("text"));
        assert!(disposition.is_none_or(|value| value.starts_with("inline")), "{place}: {disposition:?}");
        let file = stack.folder().join("poster.jpg");
        std::fs::write(&file, answer.bytes().await.expect("a picture")).expect("to write it");
        let probe = Probe::of(&file);
        assert_eq!((probe.video_codec.as_str(), probe.width, probe.height), ("mjpeg", 270, 480), "{place}");
    }

    // Whoever deletes the job deletes the picture.
    client.delete(job.job_id).await.expect("to delete it");
    let url = shown.poster_url.expect("a picture");
    assert_eq!(status_of(&url).await, 404);
}

#[tokio::test]
async fn a_picture_that_storage_refuses_costs_nothing_but_itself() {
    let stack = playing(&json!({"rules": [{"faults": [{"fault": "refused_poster"}]}]})).await;
    let job = create(&stack.client(), JobType::Overlay, small_reel()).await;
    let messages = render(&stack.client(), &job).await;
    let last = &messages.last().expect("messages").job;
    assert_eq!((last.status, last.attempt), (JobStatus::Complete, 1), "{:?}", last.error);
    assert_eq!((last.poster_url.is_some(), listed(&stack, job.job_id).await.poster_url), (false, None));
    assert_eq!(status_of(last.output_url.as_ref().expect("a reel")).await, 200);
}

/// The test is the GPU worker here: the real one takes nothing.
#[tokio::test]
async fn a_result_that_comes_after_the_end_or_is_cut_off_does_not_stay_in_the_bucket() {
    let stack = playing(&json!({"rules": [{"faults": [{"fault": "stuck_in_queue"}]}]})).await;
    let story = JobScenario::begin(&stack, JobType::Framing).await;
    let attempt = Attempt::claim(&stack, &story, 1).await;

    // Half a reel: the attempt is done again.
    attempt.put(b"half").await;
    assert!(attempt.is_there().await);
    let receipt = attempt.complete(8).await;
    assert_eq!((&receipt["applied"], &receipt["retrying"]), (&json!(true), &json!(true)));
    assert!(!attempt.is_there().await, "what was cut off is gone");
    let now =
        story.until("the second attempt is at RunPod", |job| job.attempt == 2 && job.runpod_job_id.is_some());
    assert_eq!(now.await.error, None);

    // Put before the cancel, and put again after it, as by a renderer that has not heard of it.
    let attempt = Attempt::claim(&stack, &story, 2).await;
    attempt.put(b"a whole reel").await;
    stack.client().cancel(story.job.job_id).await.expect("to cancel");
    assert!(!attempt.is_there().await, "what was put before the cancel is gone");
    attempt.put(b"a whole reel").await;
    for _ in 0..2 {
        let receipt = attempt.complete(12).await;
        assert_eq!(receipt["applied"], json!(false), "{receipt}");
        assert!(!attempt.is_there().await, "what was put after the cancel is gone");
    }
    story.ends((JobStatus::Error, Some("cancelled"), 2)).await;
}

/// One attempt in the test's own hands.
struct Attempt {
    id: JobId,
    number: u32,
    callback_url: String,
    grant: Value,
    presigner: Presigner,
}

impl Attempt {
    async fn claim(stack: &Stack, story: &JobScenario, number: u32) -> Self {
        let (callback_url, _) = story.capabilities(stack);
        let grant = post(&format!("{callback_url}/claim"), json!({})).await;
        assert_eq!((&grant["applied"], &grant["attempt"]), (&json!(true), &json!(number)), "{grant}");
        // As wrangler.toml has them for this machine.
        let endpoint = BaseUrl::parse(&format!("{}/cdn-cgi/local/r2/s3", stack.api_url())).expect("a URL");
        let (key_id, secret) = ("local-development-key".to_owned(), "local-development-secret".to_owned());
        let presigner = Presigner::new(&endpoint, "reel-ballers-videos", key_id, secret).expect("a bucket");
        Self { id: story.job.job_id, number, callback_url, grant, presigner }
    }

    /// The picture, then the reel, as a GPU worker does.
    async fn put(&self, reel: &'static [u8]) {
        for (put, bytes) in [(&self.grant["poster"], &b"a picture"[..]), (&self.grant["output"], reel)] {
            let text = |name: &str| put[name].as_str().expect("text").to_owned();
            let request = bare_http().put(text("url")).header(CONTENT_TYPE, text("content_type"));
            assert_eq!(request.body(bytes).send().await.expect("an answer").status(), 200);
        }
    }

    async fn complete(&self, output_bytes: u64) -> Value {
        let (key, poster) = (&self.grant["output"]["key"], &self.grant["poster"]["key"]);
        let report = json!({"output_video_key": key, "poster_key": poster, "output_bytes": output_bytes});
        post(&format!("{}/complete", self.callback_url), report).await
    }

    /// Whether both are in the bucket; one without the other is a fault.
    async fn is_there(&self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "the bucket compares with the real clock")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        let now = Timestamp(i64::try_from(now.as_millis()).expect("a time"));
        let mut found = Vec::new();
        for key in [ObjectKey::output(self.id, self.number), ObjectKey::poster(self.id, self.number)] {
            let url = CapabilityUrl::new(self.presigner.get(&key, None, DurationMs::minutes(1), now));
            found.push(status_of(&url).await);
        }
        match found.as_slice() {
            [200, 200] => true,
            [404, 404] => false,
            other => panic!("the bucket says {other:?}"),
        }
    }
}

async fn playing(script: &Value) -> Stack {
    let mut stack = Stack::start(Options::default()).await;
    stack.play(script).await;
    stack
}

/// The job as the list shows it, once its row says that it has ended.
async fn listed(stack: &Stack, id: JobId) -> Job {
    let client = stack.client();
    let row = async || {
        let page = client.jobs(&JobFilter::default()).await.expect("a list");
        page.jobs.into_iter().find(|row| row.job_id == id)
    };
    e2e::wait_until("the list shows the end", async || {
        row().await.is_some_and(|row| row.status.is_terminal())
    })
    .await;
    row().await.expect("a row")
}

async fn status_of(url: &CapabilityUrl) -> u16 {
    bare_http().get(url.reveal()).send().await.expect("an answer").status().as_u16()
}

async fn post(url: &str, body: Value) -> Value {
    bare_http().post(url).json(&body).send().await.expect("an answer").json().await.expect("a JSON body")
}
