//! Callbacks of the GPU worker: their kinds and the reports in their bodies.

use serde_json::Value;

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::words::word_enum;
use crate::http::problem::Problem;
use crate::http::requests::body::read_body;
use crate::job::companions::Companions;
use crate::job::error_code::ErrorCode;
use crate::job::event::Report;
use crate::job::gpu_service::{RunpodJobId, WorkerStage};
use crate::job::output_media::OutputMedia;

word_enum! {
    /// Which callback a body belongs to: the last word of its path.
    pub enum CallbackKind {
        /// An attempt is taken.
        Claim = "claim",
        /// It got further.
        Progress = "progress",
        /// Its video is in the bucket.
        Complete = "complete",
        /// It failed.
        Error = "error",
    }
}

impl CallbackKind {
    /// Reads a GPU worker's report. The GPU worker may be older or newer than this API: unknown fields are
    /// ignored, texts are cut, an unknown stage is none, and an unknown error code is [`ErrorCode::GpuError`].
    pub fn parse(self, job: JobId, body: &[u8]) -> Result<Report, Problem> {
        if self == Self::Claim && body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Report::Claim { runpod_job_id: None, conditional_put: false });
        }
        read_body(body, |body, mut at| {
            if !body.is_object() {
                return at.reject("must be an object");
            }
            let field = |name: &str| body.get(name).filter(|value| !value.is_null());
            match self {
                Self::Claim => Some(Report::Claim {
                    runpod_job_id: field("runpod_job_id")
                        .and_then(Value::as_str)
                        .and_then(RunpodJobId::parse),
                    conditional_put: field("conditional_put").and_then(Value::as_bool).unwrap_or(false),
                }),
                Self::Progress => {
                    let Some(progress) = field("progress").and_then(Value::as_f64) else {
                        return at.child("progress").reject("is required and must be a number from 0 to 100");
                    };
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
                    let percent = progress.clamp(0.0, 100.0) as u8;
                    Some(Report::Progress {
                        percent,
                        message: field("message").and_then(Value::as_str).map(one_line),
                        stage: field("stage").and_then(Value::as_str).and_then(WorkerStage::from_word),
                    })
                }
                Self::Complete => {
                    let text = |name| field(name).and_then(Value::as_str);
                    let output_key = |name| text(name).map(|key| ObjectKey::parse_output_of(job, key));
                    match output_key("output_video_key") {
                        Some(Ok(key)) => Some(Report::Complete {
                            key,
                            // An invalid poster key must not fail a good video.
                            poster: output_key("poster_key").and_then(Result::ok),
                            bytes: field("output_bytes").and_then(Value::as_u64),
                            media: field("output").and_then(OutputMedia::read),
                            // What is left out is asked for where it is expected.
                            companions: Companions::read(body).of_job(job),
                        }),
                        Some(Err(_)) => {
                            at.child("output_video_key").reject(format!("must start with output/{job}/"))
                        }
                        None => at.child("output_video_key").reject("is required"),
                    }
                }
                Self::Error => {
                    let code = field("error_code")
                        .and_then(Value::as_str)
                        .and_then(ErrorCode::from_word)
                        .unwrap_or(ErrorCode::GpuError);
                    let sentence = field("error").and_then(Value::as_str).map(one_line);
                    Some(Report::Error {
                        code,
                        sentence: sentence
                            .filter(|sentence| !sentence.is_empty())
                            .unwrap_or_else(|| code.default_message().to_owned()),
                        retryable: field("should_retry").and_then(Value::as_bool).unwrap_or(true),
                    })
                }
            }
        })
    }
}

/// Reports are a few hundred bytes.
pub const REPORT_MAX_BYTES: usize = 64 * 1024;

/// One line of at most 500 characters, for messages that people see.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    #[test]
    fn every_kind_of_report_is_read() {
        let job: JobId = JOB.parse().unwrap();
        let parse = |callback: CallbackKind, body: Value| callback.parse(job, body.to_string().as_bytes());
        assert_eq!(
            CallbackKind::Claim.parse(job, b""),
            Ok(Report::Claim { runpod_job_id: None, conditional_put: false })
        );
        assert_eq!(
            parse(CallbackKind::Claim, json!({"conditional_put": true})),
            Ok(Report::Claim { runpod_job_id: None, conditional_put: true })
        );
        assert_eq!(
            parse(CallbackKind::Claim, json!({"conditional_put": "yes"})),
            Ok(Report::Claim { runpod_job_id: None, conditional_put: false })
        );
        assert_eq!(
            parse(
                CallbackKind::Progress,
                json!({"progress": 42.9, "message": "Go", "stage": "rendering", "more": 1})
            ),
            Ok(Report::Progress {
                percent: 42,
                message: Some("Go".into()),
                stage: Some(WorkerStage::Rendering)
            })
        );
        assert_eq!(
            parse(CallbackKind::Progress, json!({"progress": 1e9, "stage": "unknown"})),
            Ok(Report::Progress { percent: 100, message: None, stage: None })
        );
        assert!(parse(CallbackKind::Progress, json!({"progress": "42"})).is_err());
        assert!(
            parse(CallbackKind::Complete, json!({"output_video_key": format!("output/{JOB}/video.mp4")}))
                .is_ok()
        );
        assert!(
            parse(CallbackKind::Complete, json!({"output_video_key": "output/other/video.mp4"})).is_err()
        );
        let (key, poster) = (format!("output/{JOB}/1/video.mp4"), format!("output/{JOB}/1/poster.jpg"));
        let (key_, poster_) = (
            ObjectKey::parse_output_of(job, &key).unwrap(),
            ObjectKey::parse_output_of(job, &poster).unwrap(),
        );
        let complete = |poster, bytes| {
            parse(
                CallbackKind::Complete,
                json!({"output_video_key": key, "poster_key": poster, "output_bytes": bytes}),
            )
        };
        assert_eq!(
            complete(json!(poster), json!(7)),
            Ok(Report::Complete {
                key: key_.clone(),
                poster: Some(poster_),
                bytes: Some(7),
                media: None,
                companions: Companions::default()
            })
        );
        for (poster, bytes) in [(json!(null), json!(null)), (json!("output/other/x.jpg"), json!("7"))] {
            assert_eq!(
                complete(poster, bytes),
                Ok(Report::Complete {
                    key: key_.clone(),
                    poster: None,
                    bytes: None,
                    media: None,
                    companions: Companions::default()
                }),
                "invalid fields other than the video key are ignored"
            );
        }
        assert_eq!(
            parse(CallbackKind::Error, json!({"error": "ValueError: x", "should_retry": true})),
            Ok(Report::Error {
                code: ErrorCode::GpuError,
                sentence: "ValueError: x".into(),
                retryable: true
            })
        );
    }
}
