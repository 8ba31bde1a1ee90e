//! Callbacks of the GPU worker: which one, and what its body reports.

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::words::word_enum;
use crate::http::problem::Problem;
use crate::http::requests::body::read_body;
use crate::job::error_code::ErrorCode;
use crate::job::event::Report;
use crate::job::gpu_service::{RunpodJobId, WorkerStage};
use serde_json::Value;

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
            return Ok(Report::Claim { runpod_job_id: None });
        }
        read_body(body, |body, mut at| {
            if !body.is_object() {
                return at.reject("must be an object");
            }
            let known = |name: &str| body.get(name).filter(|value| !value.is_null());
            match self {
                Self::Claim => Some(Report::Claim {
                    runpod_job_id: known("runpod_job_id")
                        .and_then(Value::as_str)
                        .and_then(RunpodJobId::parse),
                }),
                Self::Progress => {
                    let Some(progress) = known("progress").and_then(Value::as_f64) else {
                        return at.child("progress").reject("is required and must be a number from 0 to 100");
                    };
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
                    let percent = progress.clamp(0.0, 100.0) as u8;
                    Some(Report::Progress {
                        percent,
                        message: known("message").and_then(Value::as_str).map(one_line),
                        stage: known("stage").and_then(Value::as_str).and_then(WorkerStage::from_word),
                    })
                }
                Self::Complete => {
                    let key = |name| known(name).and_then(Value::as_str);
                    let key = |name| key(name).map(|key| ObjectKey::parse_output_of(job, key));
                    match key("output_video_key") {
                        Some(Ok(result)) => Some(Report::Complete {
                            key: result,
                            // A wrong place of the picture must not cost the video.
                            poster: key("poster_key").and_then(Result::ok),
                            bytes: known("output_bytes").and_then(Value::as_u64),
                        }),
                        Some(Err(_)) => {
                            at.child("output_video_key").reject(format!("must lie under output/{job}/"))
                        }
                        None => at.child("output_video_key").reject("is required"),
                    }
                }
                Self::Error => {
                    let code = known("error_code")
                        .and_then(Value::as_str)
                        .and_then(ErrorCode::from_word)
                        .unwrap_or(ErrorCode::GpuError);
                    let sentence = known("error").and_then(Value::as_str).map(one_line);
                    Some(Report::Error {
                        code,
                        sentence: sentence
                            .filter(|sentence| !sentence.is_empty())
                            .unwrap_or_else(|| code.default_message().to_owned()),
                        retryable: known("should_retry").and_then(Value::as_bool).unwrap_or(true),
                    })
                }
            }
        })
    }
}

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
    fn reports_of_all_workers_are_understood() {
        let job: JobId = JOB.parse().unwrap();
        let parse = |callback: CallbackKind, body: Value| callback.parse(job, body.to_string().as_bytes());
        assert_eq!(CallbackKind::Claim.parse(job, b""), Ok(Report::Claim { runpod_job_id: None }));
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
            parse(CallbackKind::Progress, json!({"progress": 1e9, "stage": "dancing"})),
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
            Ok(Report::Complete { key: key_.clone(), poster: Some(poster_), bytes: Some(7) })
        );
        for (poster, bytes) in [(json!(null), json!(null)), (json!("output/other/x.jpg"), json!("7"))] {
            assert_eq!(
                complete(poster, bytes),
                Ok(Report::Complete { key: key_.clone(), poster: None, bytes: None }),
                "what is wrong beside the video does not cost the video"
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
