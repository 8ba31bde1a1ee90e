//! What the Durable Object of a job keeps: what was asked for, the job in each state, and its log.

use std::fmt::Debug;

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::object_version::ObjectVersion;
use reel_core::base::owner::OwnerId;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::edit::JobType;
use reel_core::job::companions::{Companions, FilmstripFile, WantedCompanions};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::event::{JobEvent, ObjectCheck, Report};
use reel_core::job::filmstrip::FilmstripLayout;
use reel_core::job::gpu_service::{RunpodJobId, WorkerStage};
use reel_core::job::log::{LogEntry, MessageType};
use reel_core::job::output_media::OutputMedia;
use reel_core::job::spec::{JobSpec, ProjectExport};
use reel_core::job::state::{
    IndexSync, Job, JobEnd, JobState, PendingCancel, PendingSubmit, PollSchedule, Rendering,
};
use reel_core::job::usage::Usage;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::golden::GoldenFiles;

pub fn pin(golden: &mut GoldenFiles) {
    pin_specs(golden);
    for (name, state) in states() {
        round_trip(golden, &format!("job-{name}.json"), &job(state));
    }
    let revoked = Job {
        link_generation: 2,
        ..job(JobState::Ended(JobEnd::Failed {
            code: ErrorCode::Cancelled,
            message: "Cancelled".into(),
            at: AT,
            progress: 0,
        }))
    };
    round_trip(golden, "job-with-revoked-links.json", &revoked);
    let swept = Job { sweep_at: Some(Timestamp(AT.0 + 5_400_000)), ..job(failed()) };
    round_trip(golden, "job-failed-and-to-be-swept.json", &swept);
    for (name, state, kind) in log() {
        let job = job(state);
        let entry =
            LogEntry { seq: job.seq, at: job.persisted_at, message_type: kind, snapshot: job.snapshot() };
        round_trip(golden, &format!("log-entry-{name}.json"), &entry);
    }
    for stage in WorkerStage::ALL {
        let word = serde_json::to_string(&stage).expect("JSON");
        assert_eq!(serde_json::from_str::<WorkerStage>(&word).expect("a stage"), stage);
    }
    pin_words(golden);
}

/// Every word of the closed lists that stored jobs hold.
fn pin_words(golden: &mut GoldenFiles) {
    let codes = ErrorCode::ALL.map(|code| serde_json::to_value(code).expect("JSON"));
    let kinds = JobType::ALL.map(|kind| serde_json::to_value(kind).expect("JSON"));
    let words = serde_json::json!({ "error_code": codes, "type": kinds });
    golden.pin("words.json", &serde_json::to_string_pretty(&words).expect("JSON"));
}

fn pin_specs(golden: &mut GoldenFiles) {
    let mut order = JobSpec {
        id: id(),
        owner: None,
        project_id: 7,
        job_type: JobType::Overlay,
        input_key: key("input/abc/clip.mp4"),
        extra_inputs: Vec::new(),
        input_versions: Vec::new(),
        params: RawValue::from_string(r#"{"effect_type":"blur"}"#.into()).expect("JSON"),
        execution_timeout: DurationMs::minutes(10),
        companions: WantedCompanions::default(),
        labels: None,
        created_at: AT,
        export: None,
    };
    round_trip_spec(golden, "spec.json", &order);
    let owned = JobSpec { owner: Some(OwnerId::new([7; 8])), ..order.clone() };
    round_trip_spec(golden, "spec-of-an-owner.json", &owned);
    order.job_type = JobType::Framing;
    order.extra_inputs = vec![key("input/def/b.mp4"), key("input/ghi/c.mov")];
    order.export =
        Some(ProjectExport { request_fingerprint: "9f86d081884c7d65".into(), set_working_video: true });
    round_trip_spec(golden, "spec-of-a-project.json", &order);
    let version = |etag: &str, bytes| ObjectVersion { etag: etag.to_owned(), bytes };
    order.input_versions = vec![version("\"a1\"", 7), version("\"b2-3\"", 8), version("\"c3\"", 9)];
    round_trip_spec(golden, "spec-with-versions.json", &order);
    order.execution_timeout = DurationMs::minutes(42);
    round_trip_spec(golden, "spec-of-long-work.json", &order);
    order.companions = wanted();
    round_trip_spec(golden, "spec-with-companions.json", &order);
    order.labels = serde_json::from_str(r#"{"coach":"7","team":"U12"}"#).expect("labels");
    round_trip_spec(golden, "spec-with-labels.json", &order);
}

/// A spec has no equality of its own; what it writes again is compared instead.
fn round_trip_spec(golden: &mut GoldenFiles, name: &str, order: &JobSpec) {
    let text = serde_json::to_string(order).expect("JSON");
    let again: JobSpec = serde_json::from_str(&text).expect("a stored spec");
    assert_eq!(serde_json::to_string(&again).expect("JSON"), text, "{name}");
    assert!(again.same_request(order));
    golden.pin(name, &pretty(&text));
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    golden: &mut GoldenFiles,
    name: &str,
    value: &T,
) {
    let text = serde_json::to_string(value).expect("JSON");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("a stored value"), value, "{name}");
    golden.pin(name, &pretty(&text));
}

/// Every state, with every field that may be missing both there and missing.
fn states() -> Vec<(&'static str, JobState)> {
    let waiting = PendingSubmit {
        since: AT,
        due_at: Timestamp(AT.0 + 5_000),
        tries: 2,
        unauthorized: true,
        message: "The export waits.".into(),
    };
    let check = PollSchedule { next_at: Timestamp(AT.0 + 30_000), tries: 1, poll_requested: true };
    let queued = |message: Option<&str>| JobState::Queued {
        runpod_job_id: runpod_job_id(),
        submitted_at: AT,
        poll: check,
        message: message.map(str::to_owned),
    };
    let rendering = |runpod_job_id| {
        JobState::Rendering(Rendering {
            runpod_job_id,
            since: AT,
            last_heartbeat_at: Timestamp(AT.0 + 10_000),
            stage: WorkerStage::Rendering,
            progress: 40,
            message: "Rendering 40 of 100 frames".into(),
            poll: check,
        })
    };
    let media = || OutputMedia::new(1080, 1920, 29.97, 90, 3_003);
    let verifying_with = |poster, reported_bytes, media, companions| JobState::Verifying {
        runpod_job_id: Some(runpod_job_id()),
        key: ObjectKey::output(id(), 2),
        poster,
        reported_bytes,
        media,
        companions,
        failure_code: ErrorCode::OutputMissing,
        since: AT,
        next_check_at: Timestamp(AT.0 + 2_000),
    };
    let verifying =
        |poster, reported_bytes, media| verifying_with(poster, reported_bytes, media, Companions::default());
    let complete_with = |poster, etags: Option<(&str, &str)>, media, companions| {
        JobState::Ended(JobEnd::Complete {
            key: ObjectKey::output(id(), 2),
            bytes: 1_048_576,
            poster,
            etag: etags.map(|(output, _)| output.to_owned()),
            poster_etag: etags.map(|(_, poster)| poster.to_owned()),
            media,
            companions,
            at: Timestamp(AT.0 + 60_000),
            runpod_job_id: Some(runpod_job_id()),
        })
    };
    let complete = |poster, etags, media| complete_with(poster, etags, media, Companions::default());
    let poster = ObjectKey::poster(id(), 2);
    vec![
        ("waiting", JobState::PendingSubmit(waiting.clone())),
        ("submitting", JobState::Submitting { pending: waiting, sent_at: AT }),
        ("queued", queued(None)),
        ("queued-with-message", queued(Some("Waiting for a renderer"))),
        ("rendering", rendering(Some(runpod_job_id()))),
        ("rendering-without-name", rendering(None)),
        ("verifying", verifying(Some(poster.clone()), Some(1_048_576), None)),
        ("verifying-with-media", verifying(Some(poster.clone()), Some(1_048_576), media())),
        ("verifying-least", verifying(None, None, None)),
        ("complete", complete(Some(poster.clone()), None, None)),
        ("complete-without-poster", complete(None, None, None)),
        ("complete-with-tags", complete(Some(poster.clone()), Some(("\"9f86d0\"", "\"81884c\"")), None)),
        ("complete-with-media", complete(Some(poster.clone()), Some(("\"9f86d0\"", "\"81884c\"")), media())),
        (
            "verifying-with-companions",
            verifying_with(Some(poster.clone()), Some(1_048_576), media(), companions(media(), None)),
        ),
        (
            "complete-with-companions",
            complete_with(
                Some(poster),
                Some(("\"9f86d0\"", "\"81884c\"")),
                media(),
                companions(media(), Some("\"c0ffee\"")),
            ),
        ),
        ("failed", failed()),
    ]
}

/// One entry of each kind.
fn log() -> Vec<(&'static str, JobState, MessageType)> {
    let mut states = states();
    let mut state = |name: &str| {
        let place = states.iter().position(|(known, _)| *known == name).expect("a state");
        states.swap_remove(place).1
    };
    vec![
        ("status", state("waiting"), MessageType::Status),
        ("progress", state("rendering"), MessageType::Progress),
        ("complete", state("complete"), MessageType::Complete),
        ("complete-with-media", state("complete-with-media"), MessageType::Complete),
        ("complete-with-companions", state("complete-with-companions"), MessageType::Complete),
        ("error", failed(), MessageType::Error),
    ]
}

fn failed() -> JobState {
    JobState::Ended(JobEnd::Failed {
        code: ErrorCode::InvalidInput,
        message: "The video has no picture.".into(),
        at: Timestamp(AT.0 + 20_000),
        progress: 40,
    })
}

fn job(state: JobState) -> Job {
    Job {
        id: id(),
        attempt: 2,
        budget_start_attempt: 1,
        state,
        started_at: Some(Timestamp(AT.0 + 1_000)),
        seq: 5,
        endpoint: Some("https://api.runpod.ai/v2/abc".into()),
        pending_cancels: vec![PendingCancel {
            runpod_job_id: runpod_job_id(),
            due_at: Timestamp(AT.0 + 5_000),
            tries: 3,
        }],
        sweep_at: None,
        index: IndexSync { wanted: 4, written: 3, due_at: Timestamp(AT.0 + 5_000), tries: 1 },
        persisted_at: Timestamp(AT.0 + 10_000),
        usage: Usage { object_rows: 9, d1_rows: 5, requests: 12, alarms: 3 },
        link_generation: 0,
        retries_by_hand: 0,
        companions: WantedCompanions::default(),
    }
}

fn wanted() -> WantedCompanions {
    let name = |name: &str| name.to_owned().try_into().expect("a name");
    WantedCompanions { renditions: vec![name("feed"), name("coach-2")], filmstrip: true }
}

/// One rendition with all that it may have, one with the least, and a filmstrip.
fn companions(media: Option<OutputMedia>, etag: Option<&str>) -> Companions {
    let mut companions = wanted().expected(id(), 2);
    let etag = etag.map(str::to_owned);
    for (rendition, media) in companions.renditions.iter_mut().zip([media, None]) {
        rendition.etag.clone_from(&etag);
        (rendition.bytes, rendition.media) = (media.map(|_| 524_288), media);
        rendition.poster = rendition.poster.take().filter(|_| media.is_some());
        rendition.poster_etag = etag.clone().filter(|_| media.is_some());
    }
    let layout = FilmstripLayout::of_length((90, 160), 3_003).expect("a layout");
    companions.filmstrip = Some(FilmstripFile { key: ObjectKey::filmstrip(id(), 2), layout, etag });
    companions
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse_input(text).expect("a key")
}

fn id() -> JobId {
    "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().expect("an id")
}

fn runpod_job_id() -> RunpodJobId {
    RunpodJobId::parse("sync-8f2c-e1").expect("a name as RunPod gives them")
}

fn pretty(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

/// 2026-01-31T09:05:00.250Z
const AT: Timestamp = Timestamp(1_769_850_300_250);

/// A fresh job is the form that most objects begin with, and it is read by itself, too.
#[test]
fn a_fresh_job_survives_its_first_steps() {
    let mut job = Job::new(id(), AT);
    let events = [
        JobEvent::AlarmFired,
        JobEvent::CallbackReceived {
            attempt: 1,
            report: Report::Claim { runpod_job_id: None, conditional_put: false },
        },
        JobEvent::CallbackReceived {
            attempt: 1,
            report: Report::Complete {
                key: ObjectKey::output(id(), 1),
                poster: None,
                bytes: None,
                media: None,
                companions: Companions::default(),
            },
        },
        JobEvent::OutputChecked {
            key: ObjectKey::output(id(), 1),
            output: ObjectCheck::Present(ObjectVersion { etag: "\"7\"".into(), bytes: 7 }),
            poster: ObjectCheck::Missing,
            companions: Vec::new(),
        },
    ];
    for event in events {
        let stored = serde_json::to_string(&job).expect("JSON");
        let read: Job = serde_json::from_str(&stored).expect("a stored job");
        assert_eq!(read, job);
        job = reel_core::job::step::apply(read, event, AT, 25, &reel_core::job::timeouts::Timeouts::STANDARD)
            .job;
    }
    assert!(job.end().is_some());
}
