//! The JSON for RunPod and GPU workers, and the reports of GPU workers.

use reel_core::base::id::JobId;
use reel_core::base::object_version::ObjectVersion;
use reel_core::base::rendition_name::RenditionName;
use reel_core::base::time::DurationMs;
use reel_core::edit::JobType;
use reel_core::http::requests::callbacks::CallbackKind;
use reel_core::job::error_code::ErrorCode;
use reel_core::job::filmstrip::FilmstripLayout;
use reel_core::job::gpu_service::WorkerStage;
use reel_core::job::output_media::OutputMedia;
use reel_core::wire::gpu_worker::{
    CallbackAddress, CallbackResponse, ClaimRequest, ClaimResponse, CompleteReport, ErrorReport,
    FilmstripReport, InputDownload, PresignedPut, ProgressReport, RenditionPut, RenditionReport, RunInput,
};
use reel_core::wire::runpod::run_request_body;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::golden::GoldenFiles;
use crate::job::{JOB, PARAMS};
use crate::pretty;

pub fn pin(golden: &mut GoldenFiles) {
    let job_id: JobId = JOB.parse().expect("an id");
    let input = RunInput {
        job_id,
        attempt: 1,
        job_type: JobType::Overlay,
        input_video_key: "input/abc/clip.mp4".into(),
        output_video_key: format!("output/{JOB}/1/video.mp4"),
        params: params(),
        callback_url: format!("https://api.example/api/jobs/{JOB}/do/TOKEN"),
        callback: Some(CallbackAddress {
            url: format!("https://api.example/api/jobs/{JOB}/attempt"),
            token: "TOKEN".into(),
        }),
    };
    let webhook = format!("https://api.example/api/runpod/webhook/{JOB}/TOKEN");
    let body = run_request_body(&input, &webhook, DurationMs::minutes(10), DurationMs::minutes(15));
    golden.pin("runpod-run.json", &pretty(&body));

    pin_report(golden, CallbackKind::Claim, "claim", &json!({"runpod_job_id": "sync-8f2c-e1"}));
    let claim = ClaimRequest { runpod_job_id: Some("sync-8f2c-e1".into()), conditional_put: true };
    pin_report(golden, CallbackKind::Claim, "claim-conditional", &claim);
    let response = ClaimResponse {
        execution_timeout_ms: None,
        applied: true,
        job_id,
        attempt: 1,
        job_type: JobType::Overlay,
        params: params(),
        input_url: "https://r2.example/input.mp4?X-Amz-Signature=...".into(),
        input_version: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        filmstrip: None,
        output: PresignedPut {
            url: "https://r2.example/output.mp4?X-Amz-Signature=...".into(),
            key: format!("output/{JOB}/1/video.mp4"),
            content_type: "video/mp4".into(),
            if_none_match: None,
        },
        poster: Some(PresignedPut {
            url: "https://r2.example/poster.jpg?X-Amz-Signature=...".into(),
            key: format!("output/{JOB}/1/poster.jpg"),
            content_type: "image/jpeg".into(),
            if_none_match: None,
        }),
    };
    golden.pin("gpu-grant.json", &json_of(&response));
    let version = ObjectVersion { etag: "\"9f86d0-2\"".into(), bytes: 1_048_576 };
    let once = |put: &PresignedPut| PresignedPut { if_none_match: Some("*".into()), ..put.clone() };
    let conditional = ClaimResponse {
        execution_timeout_ms: Some(600_000),
        input_version: Some(version.clone()),
        inputs: vec![InputDownload {
            video_key: "input/abc/clip.mp4".into(),
            url: "https://r2.example/input.mp4?X-Amz-Signature=...".into(),
            version: Some(version),
        }],
        output: once(&response.output),
        poster: response.poster.as_ref().map(once),
        ..response
    };
    golden.pin("gpu-grant-conditional.json", &json_of(&conditional));

    let progress = ProgressReport {
        progress: 42.5,
        message: Some("Rendering 210 of 600 frames".into()),
        stage: Some(WorkerStage::Rendering),
    };
    pin_report(golden, CallbackKind::Progress, "progress", &progress);
    let minimal = ProgressReport { progress: 5.0, message: None, stage: None };
    pin_report(golden, CallbackKind::Progress, "progress-least", &minimal);
    let key = format!("output/{JOB}/1/video.mp4");
    let minimal = CompleteReport {
        output_video_key: key,
        output_bytes: None,
        poster_key: None,
        output: None,
        outputs: Vec::new(),
        filmstrip: None,
    };
    pin_report(golden, CallbackKind::Complete, "complete-least", &minimal);
    let poster_key = Some(format!("output/{JOB}/1/poster.jpg"));
    let complete = CompleteReport {
        output_bytes: Some(1_048_576),
        poster_key,
        output: OutputMedia::new(1080, 1920, 29.97, 90, 3_003),
        ..minimal
    };
    pin_report(golden, CallbackKind::Complete, "complete", &complete);
    pin_outputs(golden, conditional, complete);
    pin_errors(golden);
}

fn pin_errors(golden: &mut GoldenFiles) {
    let error = ErrorReport {
        error: "The video has no picture.".into(),
        error_code: Some(ErrorCode::InvalidInput),
        should_retry: Some(false),
    };
    pin_report(golden, CallbackKind::Error, "error", &error);
    let minimal = ErrorReport { error: "ValueError: x".into(), error_code: None, should_retry: None };
    pin_report(golden, CallbackKind::Error, "error-least", &minimal);

    for (name, applied, retrying) in [
        ("gpu-receipt", true, Some(false)),
        ("gpu-receipt-retrying", true, Some(true)),
        ("gpu-receipt-too-late", false, None),
    ] {
        golden.pin(&format!("{name}.json"), &json_of(&CallbackResponse { success: true, applied, retrying }));
    }
}

/// A grant and a report of a job with a further output and a filmstrip.
fn pin_outputs(golden: &mut GoldenFiles, conditional: ClaimResponse, complete: CompleteReport) {
    let put = |name: &str, content_type: &str| PresignedPut {
        url: format!("https://r2.example/{name}?X-Amz-Signature=..."),
        key: format!("output/{JOB}/1/{name}"),
        content_type: content_type.into(),
        if_none_match: Some("*".into()),
    };
    let feed: RenditionName = "feed".to_owned().try_into().expect("a name");
    let with_outputs = ClaimResponse {
        outputs: vec![RenditionPut {
            name: feed.clone(),
            video: put("feed/video.mp4", "video/mp4"),
            poster: put("feed/poster.jpg", "image/jpeg"),
        }],
        filmstrip: Some(put("filmstrip.jpg", "image/jpeg")),
        ..conditional
    };
    golden.pin("gpu-grant-outputs.json", &json_of(&with_outputs));
    let with_outputs = CompleteReport {
        outputs: vec![RenditionReport {
            name: feed,
            video_key: format!("output/{JOB}/1/feed/video.mp4"),
            bytes: 524_288,
            poster_key: Some(format!("output/{JOB}/1/feed/poster.jpg")),
            output: OutputMedia::new(1080, 1080, 29.97, 90, 3_003),
        }],
        filmstrip: FilmstripLayout::of_length((90, 160), 3_003)
            .map(|layout| FilmstripReport { key: format!("output/{JOB}/1/filmstrip.jpg"), layout }),
        ..complete
    };
    pin_report(golden, CallbackKind::Complete, "complete-outputs", &with_outputs);
}

/// Compares a report of a GPU worker with its file, and checks that the API reads it.
fn pin_report(golden: &mut GoldenFiles, callback: CallbackKind, name: &str, report: &impl Serialize) {
    let body = json_of(report);
    callback.parse(JOB.parse().expect("an id"), body.as_bytes()).expect("a valid report");
    golden.pin(&format!("gpu-report-{name}.json"), &body);
}

fn params() -> Box<RawValue> {
    RawValue::from_string(PARAMS.to_owned()).expect("JSON")
}

fn json_of(shape: &impl Serialize) -> String {
    pretty(&serde_json::to_string(shape).expect("JSON"))
}
