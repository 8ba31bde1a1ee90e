//! What the Durable Object of a job keeps: what was asked for, the job in each state, and its log.

use std::fmt::Debug;

use reel_core::edit::JobKind;
use reel_core::id::JobId;
use reel_core::job::code::ErrorCode;
use reel_core::job::effect::{Kind, Noted};
use reel_core::job::event::{Event, Found, Report};
use reel_core::job::state::{
    Check, End, Errand, IndexDebt, Job, Order, ProjectExport, Rendering, State, Waiting,
};
use reel_core::job::usage::Usage;
use reel_core::object_key::ObjectKey;
use reel_core::runpod::GpuJobId;
use reel_core::time::Millis;
use reel_core::wire::gpu::WorkStage;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::pins::Pins;

pub fn pin(pins: &mut Pins) {
    pin_specs(pins);
    for (name, state) in states() {
        round_trip(pins, &format!("job-{name}.json"), &job(state));
    }
    for (name, state, kind) in log() {
        let job = job(state);
        let entry = Noted { seq: job.seq, at: job.kept_at, kind, face: job.face() };
        round_trip(pins, &format!("log-entry-{name}.json"), &entry);
    }
    for stage in [WorkStage::Starting, WorkStage::Downloading, WorkStage::Rendering, WorkStage::Uploading] {
        let word = serde_json::to_string(&stage).expect("JSON");
        assert_eq!(serde_json::from_str::<WorkStage>(&word).expect("a stage"), stage);
    }
    pin_words(pins);
}

/// Every word of the closed lists that stored jobs hold.
fn pin_words(pins: &mut Pins) {
    let codes = ErrorCode::ALL.map(|code| serde_json::to_value(code).expect("JSON"));
    let kinds = [JobKind::Framing, JobKind::Overlay, JobKind::Annotate]
        .map(|kind| serde_json::to_value(kind).expect("JSON"));
    let words = serde_json::json!({ "error_code": codes, "type": kinds });
    pins.pin("words.json", &serde_json::to_string_pretty(&words).expect("JSON"));
}

fn pin_specs(pins: &mut Pins) {
    let mut order = Order {
        id: id(),
        project_id: 7,
        kind: JobKind::Overlay,
        input_key: key("input/abc/clip.mp4"),
        further_inputs: Vec::new(),
        params: RawValue::from_string(r#"{"effect_type":"blur"}"#.into()).expect("JSON"),
        created_at: AT,
        export: None,
    };
    round_trip_spec(pins, "spec.json", &order);
    order.kind = JobKind::Framing;
    order.further_inputs = vec![key("input/def/b.mp4"), key("input/ghi/c.mov")];
    order.export = Some(ProjectExport { asked: "9f86d081884c7d65".into(), set_working_video: true });
    round_trip_spec(pins, "spec-of-a-project.json", &order);
}

/// A spec has no equality of its own; what it writes again is compared instead.
fn round_trip_spec(pins: &mut Pins, name: &str, order: &Order) {
    let text = serde_json::to_string(order).expect("JSON");
    let again: Order = serde_json::from_str(&text).expect("a stored spec");
    assert_eq!(serde_json::to_string(&again).expect("JSON"), text, "{name}");
    assert!(again.same_request(order));
    pins.pin(name, &pretty(&text));
}

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(pins: &mut Pins, name: &str, value: &T) {
    let text = serde_json::to_string(value).expect("JSON");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("a stored value"), value, "{name}");
    pins.pin(name, &pretty(&text));
}

/// Every state, with every field that may be missing both there and missing.
fn states() -> Vec<(&'static str, State)> {
    let waiting = Waiting {
        since: AT,
        due_at: Millis(AT.0 + 5_000),
        tries: 2,
        unauthorized: true,
        message: "The export waits.".into(),
    };
    let check = Check { next_at: Millis(AT.0 + 30_000), tries: 1, hinted: true };
    let queued = |message: Option<&str>| State::Queued {
        gpu_job: gpu_job(),
        submitted_at: AT,
        check,
        message: message.map(str::to_owned),
    };
    let rendering = |gpu_job| {
        State::Rendering(Rendering {
            gpu_job,
            since: AT,
            heard_at: Millis(AT.0 + 10_000),
            stage: WorkStage::Rendering,
            progress: 40,
            message: "Rendering 40 of 100 frames".into(),
            check,
        })
    };
    let verifying = |poster, promised_bytes| State::Verifying {
        gpu_job: Some(gpu_job()),
        key: ObjectKey::output(id(), 2),
        poster,
        promised_bytes,
        otherwise: ErrorCode::OutputMissing,
        since: AT,
        look_at: Millis(AT.0 + 2_000),
    };
    let complete = |poster| {
        State::Ended(End::Complete {
            key: ObjectKey::output(id(), 2),
            bytes: 1_048_576,
            poster,
            at: Millis(AT.0 + 60_000),
            gpu_job: Some(gpu_job()),
        })
    };
    let poster = ObjectKey::poster(id(), 2);
    vec![
        ("waiting", State::Waiting(waiting.clone())),
        ("submitting", State::Submitting { waiting, sent_at: AT }),
        ("queued", queued(None)),
        ("queued-with-message", queued(Some("Waiting for a renderer"))),
        ("rendering", rendering(Some(gpu_job()))),
        ("rendering-without-name", rendering(None)),
        ("verifying", verifying(Some(poster.clone()), Some(1_048_576))),
        ("verifying-least", verifying(None, None)),
        ("complete", complete(Some(poster))),
        ("complete-without-poster", complete(None)),
        ("failed", failed()),
    ]
}

/// One entry of each kind.
fn log() -> Vec<(&'static str, State, Kind)> {
    let mut states = states();
    let mut state = |name: &str| {
        let place = states.iter().position(|(known, _)| *known == name).expect("a state");
        states.swap_remove(place).1
    };
    vec![
        ("status", state("waiting"), Kind::Status),
        ("progress", state("rendering"), Kind::Progress),
        ("complete", state("complete"), Kind::Complete),
        ("error", failed(), Kind::Error),
    ]
}

fn failed() -> State {
    State::Ended(End::Failed {
        code: ErrorCode::InvalidInput,
        sentence: "The video has no picture.".into(),
        at: Millis(AT.0 + 20_000),
        progress: 40,
    })
}

fn job(state: State) -> Job {
    Job {
        id: id(),
        attempt: 2,
        budget_from: 1,
        state,
        started_at: Some(Millis(AT.0 + 1_000)),
        seq: 5,
        endpoint: Some("https://api.runpod.ai/v2/abc".into()),
        errands: vec![Errand { gpu_job: gpu_job(), due_at: Millis(AT.0 + 5_000), tries: 3 }],
        index: IndexDebt { wanted: 4, written: 3, due_at: Millis(AT.0 + 5_000), tries: 1 },
        kept_at: Millis(AT.0 + 10_000),
        usage: Usage { object_rows: 9, d1_rows: 5, requests: 12, alarms: 3 },
    }
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::parse_input(text).expect("a key")
}

fn id() -> JobId {
    "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().expect("an id")
}

fn gpu_job() -> GpuJobId {
    GpuJobId::parse("sync-8f2c-e1").expect("a name as RunPod gives them")
}

fn pretty(json: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

/// 2026-01-31T09:05:00.250Z
const AT: Millis = Millis(1_769_850_300_250);

/// A fresh job is the form that most objects begin with, and it is read by itself, too.
#[test]
fn a_fresh_job_survives_its_first_steps() {
    let mut job = Job::new(id(), AT);
    let events = [
        Event::Woke,
        Event::Reported { attempt: 1, report: Report::Claim { gpu_job: None } },
        Event::Reported {
            attempt: 1,
            report: Report::Complete { key: ObjectKey::output(id(), 1), poster: None, bytes: None },
        },
        Event::OutputLooked {
            key: ObjectKey::output(id(), 1),
            found: Found::Bytes(7),
            poster: Found::Missing,
        },
    ];
    for event in events {
        let stored = serde_json::to_string(&job).expect("JSON");
        let read: Job = serde_json::from_str(&stored).expect("a stored job");
        assert_eq!(read, job);
        job = reel_core::job::step::apply(read, event, AT, 25, &reel_core::job::timing::Timing::STANDARD).job;
    }
    assert!(job.end().is_some());
}
