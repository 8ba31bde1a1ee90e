//! The job JSON in each state, the messages of both sockets, and the list.

use reel_core::base::base_url::BaseUrl;
use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::object_version::ObjectVersion;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::edit::JobType;
use reel_core::job::companions::{Companions, FilmstripFile, WantedCompanions};
use reel_core::job::effect::Step;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck, Report};
use reel_core::job::filmstrip::FilmstripLayout;
use reel_core::job::gpu_service::{RunpodJobId, SubmitReply, WorkerStage};
use reel_core::job::log::MessageType;
use reel_core::job::output_media::OutputMedia;
use reel_core::job::snapshot::Snapshot;
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::job::step::apply;
use reel_core::job::timeouts::Timeouts;
use reel_core::job::usage::Usage;
use reel_core::s3::Presigner;
use reel_core::sql::jobs::{JobListQuery, JobRow};
use reel_core::wire::job::{JobDetail, JobFormat, JobUrls, RenditionUrls, job_json};
use reel_core::wire::job_list::to_page_json;
use serde_json::json;
use serde_json::value::RawValue;

use crate::golden::GoldenFiles;
use crate::pretty;

pub const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
pub const PARAMS: &str = r##"{"crop_keyframes":null,"effect_type":"blur","highlight_regions":[{"color":"#ffffff","end_frame":60,"opacity":1.0,"radius_x":80,"radius_y":160,"start_frame":0,"x":540,"y":960}],"output_height":1920,"output_width":1080}"##;

pub fn pin(golden: &mut GoldenFiles) {
    pin_records(golden);
    pin_messages(golden);
    pin_outputs(golden);
    pin_list(golden);
}

/// The response of `GET /api/jobs/{id}` in every state.
fn pin_records(golden: &mut GoldenFiles) {
    let mut fixture = JobFixture::new();
    golden.pin("job-waiting.json", &fixture.record());
    fixture.submitted();
    golden.pin("job-queued.json", &fixture.record());
    fixture.claimed();
    golden.pin("job-starting.json", &fixture.record());
    let _ = fixture.renders(40);
    golden.pin("job-rendering.json", &fixture.record());
    fixture.completes();
    golden.pin("job-verifying.json", &fixture.record());
    let _ = fixture.verified();
    golden.pin("job-complete.json", &fixture.record());

    let mut fixture = JobFixture::rendering();
    let _ = fixture.fails(ErrorCode::GpuError);
    golden.pin("job-retrying.json", &fixture.record());
    let mut fixture = JobFixture::rendering();
    let _ = fixture.fails(ErrorCode::InvalidInput);
    golden.pin("job-failed.json", &fixture.record());
    let mut fixture = JobFixture::rendering();
    let _ = fixture.apply_event(JobEvent::CancelRequested);
    golden.pin("job-cancelled.json", &fixture.record());
    let _ = fixture.apply_event(JobEvent::RetryRequested);
    golden.pin("job-started-over.json", &fixture.record());
}

/// A job with a further output and a filmstrip.
fn pin_outputs(golden: &mut GoldenFiles) {
    let mut fixture = JobFixture::rendering();
    let feed = "feed".to_owned().try_into().expect("a name");
    fixture.job.companions = WantedCompanions { renditions: vec![feed], filmstrip: true };
    let (id, attempt, key) = (fixture.job.id, fixture.job.attempt, fixture.key());
    let mut companions = fixture.job.companions.expected(id, attempt);
    companions.renditions[0].media = OutputMedia::new(1080, 1080, 30.0, 90, 3_000);
    let layout = FilmstripLayout::of_length((90, 160), 3_000).expect("a layout");
    companions.filmstrip = Some(FilmstripFile { key: ObjectKey::filmstrip(id, attempt), layout, etag: None });
    let media = OutputMedia::new(1080, 1920, 30.0, 90, 3_000);
    let _ =
        fixture.callback(Report::Complete { key: key.clone(), poster: None, bytes: None, media, companions });
    let present = |bytes| ObjectCheck::Present(ObjectVersion { etag: "\"9f86d0\"".into(), bytes });
    let companions = vec![present(524_288), present(40_960), present(20_480)];
    let (output, poster) = (present(1_048_576), present(40_960));
    let step = fixture.apply_event(JobEvent::OutputChecked { key, output, poster, companions });
    golden.pin("job-complete-with-outputs.json", &fixture.record());
    pin_both(golden, "complete-with-outputs", &fixture.event(&step));
}

/// The messages of one render in both protocols: log entries, and progress in between, which has no `seq`.
fn pin_messages(golden: &mut GoldenFiles) {
    let mut fixture = JobFixture::new();
    let snapshot = fixture.message(MessageType::Status, &fixture.job.snapshot(), Some(fixture.job.seq), true);
    pin_both(golden, "status", &snapshot);
    fixture.submitted();
    fixture.claimed();
    let step = fixture.renders(40);
    pin_both(golden, "progress", &fixture.event(&step));
    fixture.later(2);
    let step = fixture.renders(42);
    assert!(
        step.broadcast_progress && step.entries.is_empty(),
        "progress within a stage is sent and not stored"
    );
    pin_both(
        golden,
        "progress-in-between",
        &fixture.message(MessageType::Progress, &fixture.job.snapshot(), None, false),
    );
    fixture.completes();
    let step = fixture.verified();
    pin_both(golden, "complete", &fixture.event(&step));
    let mut fixture = JobFixture::rendering();
    let step = fixture.fails(ErrorCode::InvalidInput);
    pin_both(golden, "error", &fixture.event(&step));
}

fn pin_both(golden: &mut GoldenFiles, name: &str, [message, legacy]: &[String; 2]) {
    golden.pin(&format!("message-{name}.json"), message);
    golden.pin(&format!("message-{name}.legacy.json"), legacy);
}

fn pin_list(golden: &mut GoldenFiles) {
    let row = |id: &str, status: &str, more: serde_json::Value| -> JobRow {
        let mut row = json!({
            "id": id, "project_id": 7, "type": "overlay", "status": status, "attempt": 1,
            "input_video_key": "input/abc/clip.mp4", "output_video_key": null, "output_bytes": null,
            "poster_key": null, "error": null, "error_code": null, "created_at": START.0, "started_at": null, "completed_at": null,
        });
        for (name, value) in more.as_object().expect("members") {
            row[name] = value.clone();
        }
        serde_json::from_value(row).expect("a row of the index")
    };
    let rows = [
        row(
            "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f52",
            "error",
            json!({"attempt": 3, "error": "It broke.", "error_code": "gpu_error",
                "started_at": START.0 + 2_000, "completed_at": START.0 + 30_000}),
        ),
        row(
            "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f51",
            "complete",
            json!({"output_video_key": "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f51/1/video.mp4",
                "poster_key": "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f51/1/poster.jpg",
                "output_bytes": 1_048_576, "started_at": START.0 + 2_000, "completed_at": START.0 + 30_000}),
        ),
        row(JOB, "pending", json!({})),
    ];
    let endpoint = BaseUrl::parse("https://r2.example").expect("a URL");
    let presigner = Presigner::new(&endpoint, "videos", "key-id".into(), "secret".into()).expect("a signer");
    let page = |limit: &str, count: usize| {
        let query = JobListQuery::parse(limit).expect("a query");
        pretty(&to_page_json(&query, rows[..count].to_vec(), &presigner, DurationMs::minutes(60), START))
    };
    golden.pin("list.json", &page("limit=2", 3));
    golden.pin("list-empty.json", &page("", 0));
}

/// One job, the same in every run.
struct JobFixture {
    spec: JobSpec,
    job: Job,
    now: Timestamp,
}

impl JobFixture {
    fn new() -> Self {
        let id: JobId = JOB.parse().expect("an id");
        let spec = JobSpec {
            id,
            owner: None,
            project_id: 7,
            job_type: JobType::Overlay,
            input_key: ObjectKey::parse_input("input/abc/clip.mp4").expect("a key"),
            extra_inputs: Vec::new(),
            input_versions: Vec::new(),
            params: RawValue::from_string(PARAMS.to_owned()).expect("JSON"),
            execution_timeout: DurationMs::minutes(10),
            companions: WantedCompanions::default(),
            labels: None,
            created_at: START,
            export: None,
        };
        Self { spec, job: Job::new(id, START), now: START }
    }

    fn rendering() -> Self {
        let mut fixture = Self::new();
        fixture.submitted();
        fixture.claimed();
        let _ = fixture.renders(40);
        fixture
    }

    fn later(&mut self, seconds: i64) {
        self.now = self.now + DurationMs::seconds(seconds);
    }

    fn apply_event(&mut self, event: JobEvent) -> Step {
        // With this seed the jitter is exactly 100 %.
        let step = apply(self.job.clone(), event, self.now, 25, &Timeouts::STANDARD);
        self.job = step.job.clone();
        step
    }

    fn callback(&mut self, report: Report) -> Step {
        let attempt = self.job.attempt;
        self.apply_event(JobEvent::CallbackReceived { attempt, report })
    }

    fn submitted(&mut self) {
        let _ = self.apply_event(JobEvent::AlarmFired);
        let reply = SubmitReply::Accepted(runpod_job_id());
        let endpoint = "https://api.runpod.ai/v2/abc".to_owned();
        let _ = self.apply_event(JobEvent::SubmitReplied { attempt: 1, endpoint, reply });
    }

    fn claimed(&mut self) {
        self.later(2);
        let _ = self.callback(Report::Claim { runpod_job_id: Some(runpod_job_id()), conditional_put: false });
    }

    fn renders(&mut self, percent: u8) -> Step {
        let message = Some(format!("Rendering {percent} of 100 frames"));
        self.callback(Report::Progress { percent, message, stage: Some(WorkerStage::Rendering) })
    }

    fn completes(&mut self) {
        self.later(20);
        let _ = self.callback(Report::Complete {
            key: self.key(),
            poster: Some(self.poster()),
            bytes: Some(1_048_576),
            media: OutputMedia::new(1080, 1920, 30.0, 90, 3_000),
            companions: Companions::default(),
        });
    }

    fn verified(&mut self) -> Step {
        let present = |bytes| ObjectCheck::Present(ObjectVersion { etag: "\"9f86d0\"".into(), bytes });
        let (found, poster) = (present(1_048_576), present(40_960));
        self.apply_event(JobEvent::OutputChecked {
            key: self.key(),
            output: found,
            poster,
            companions: Vec::new(),
        })
    }

    fn fails(&mut self, code: ErrorCode) -> Step {
        self.later(20);
        self.callback(Report::Error { code, sentence: "The video has no picture.".into(), retryable: true })
    }

    fn key(&self) -> ObjectKey {
        ObjectKey::output(self.job.id, self.job.attempt)
    }

    fn poster(&self) -> ObjectKey {
        ObjectKey::poster(self.job.id, self.job.attempt)
    }

    fn record(&self) -> String {
        let usage = Usage { object_rows: 4, d1_rows: 5, requests: 1, alarms: 1 };
        let snapshot = self.job.snapshot();
        let detail = JobDetail::WithUsage(usage);
        self.json(&snapshot, Some(self.job.seq), JobFormat::Resource, detail)
    }

    /// The messages of a step's last log entry.
    fn event(&self, step: &Step) -> [String; 2] {
        let entry = step.entries.last().expect("an event");
        self.message(entry.message_type, &entry.snapshot, Some(entry.seq), false)
    }

    /// One message in both protocols.
    fn message(
        &self,
        message_type: MessageType,
        snapshot: &Snapshot,
        seq: Option<u64>,
        is_first: bool,
    ) -> [String; 2] {
        let record = JobDetail::WithUsage(Usage { object_rows: 4, d1_rows: 5, requests: 1, alarms: 1 });
        let (message, legacy) =
            if is_first { (record, record) } else { (JobDetail::WithoutParams, JobDetail::Full) };
        [
            self.json(snapshot, seq, JobFormat::Message(message_type), message),
            self.json(snapshot, seq, JobFormat::Legacy, legacy),
        ]
    }

    fn json(&self, snapshot: &Snapshot, seq: Option<u64>, format: JobFormat, detail: JobDetail) -> String {
        let urls = JobUrls {
            output_url: snapshot.output.as_ref().map(|_| "https://r2.example/output.mp4?X-Amz-Signature=..."),
            poster_url: snapshot.output.as_ref().map(|_| "https://r2.example/poster.jpg?X-Amz-Signature=..."),
            renditions: &[RenditionUrls {
                output: Some("https://r2.example/feed.mp4?X-Amz-Signature=...".into()),
                poster: Some("https://r2.example/feed.jpg?X-Amz-Signature=...".into()),
            }],
            filmstrip_url: Some("https://r2.example/filmstrip.jpg?X-Amz-Signature=..."),
            filmstrip_vtt_url: &format!("/api/jobs/{JOB}/filmstrip.vtt?token=..."),
            websocket_url: &format!("/api/jobs/{JOB}/ws?token=..."),
        };
        pretty(&job_json(&self.spec, snapshot, seq, urls, format, detail))
    }
}

fn runpod_job_id() -> RunpodJobId {
    RunpodJobId::parse("sync-8f2c-e1").expect("a valid id")
}

/// 2026-01-31T09:05:00.250Z
const START: Timestamp = Timestamp(1_769_850_300_250);
