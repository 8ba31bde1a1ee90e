//! The conversation between the Worker and the object of an upload, and every sentence about uploads.
//!
//! Invariant: the object answers with an [`UploadReply`]. Whatever else comes back, it was not reached.

use std::fmt::Write as _;

use super::reply::{PROBLEM, join, problem_from_text, problem_to_text, split};
use crate::base::time::{DurationMs, Timestamp};
use crate::http::problem::{Problem, ProblemCode};
use crate::http::requests::body::body_text;
use crate::http::requests::uploads::{UploadAction, parse_part_numbers, parse_parts};
use crate::s3::Presigner;
use crate::upload::effect::{UploadDone, UploadOutcome, UploadRefusal};
use crate::upload::event::{CallerId, UploadEvent};
use crate::upload::{PartLayout, Upload, UploadRecord};
use crate::wire::upload::{CompletedUpload, ConfirmedParts, SignedParts, UploadJson};

/// What the Worker asks of an upload's object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadCommand {
    /// Take this new upload.
    Create {
        /// As it is stored.
        record: UploadRecord,
    },
    /// A client's request.
    Act {
        /// What is asked.
        action: UploadAction,
        /// The client's name of the upload, for the answer.
        upload_id: String,
        /// As the client sent it: only the object knows which parts there are.
        body: String,
    },
}

/// What the object replies. JSON in it is written for the client and passes the Worker unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadReply {
    /// The new upload is stored.
    Created,
    /// The request is done; the client's JSON.
    Done(String),
    /// The request is refused.
    Problem(Problem),
}

impl UploadCommand {
    /// As one text, see [`super::reply`].
    pub fn to_text(&self) -> String {
        match self {
            Self::Create { record } => join(CREATE, &record.to_stored()),
            Self::Act { action, upload_id, body } => join(action.as_str(), &join(upload_id, body)),
        }
    }

    /// Reads what [`UploadCommand::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let (word, rest) = split(text)?;
        if word == CREATE {
            return Some(Self::Create { record: UploadRecord::from_stored(rest)? });
        }
        let (action, (upload_id, body)) = (UploadAction::from_word(word)?, split(rest)?);
        Some(Self::Act { action, upload_id: upload_id.to_owned(), body: body.to_owned() })
    }

    /// A client's request.
    ///
    /// # Errors
    /// 400 for a body that is not text.
    pub fn act(action: UploadAction, upload_id: &str, body: &[u8]) -> Result<Self, Problem> {
        Ok(Self::Act { action, upload_id: upload_id.to_owned(), body: body_text(body)?.to_owned() })
    }
}

/// The event that a client's request is.
///
/// # Errors
/// 400 or 422 for a body that asks for something else.
pub fn requested(
    action: UploadAction,
    body: &str,
    plan: &PartLayout,
    caller: CallerId,
) -> Result<UploadEvent, Problem> {
    let body = body.as_bytes();
    Ok(match action {
        UploadAction::Sign => {
            UploadEvent::SignRequested { caller, part_numbers: parse_part_numbers(body, plan)? }
        }
        UploadAction::Confirm => {
            UploadEvent::PartsConfirmed { caller, parts: parse_parts(body, plan, action)? }
        }
        UploadAction::Show => UploadEvent::ShowRequested { caller },
        UploadAction::Complete => {
            UploadEvent::CompleteRequested { caller, parts: parse_parts(body, plan, action)? }
        }
        UploadAction::Abort => UploadEvent::AbortRequested { caller },
    })
}

impl UploadReply {
    /// As one text, see [`super::reply`].
    pub fn to_text(&self) -> String {
        match self {
            Self::Created => join("created", ""),
            Self::Done(json) => join("done", json),
            Self::Problem(problem) => problem_to_text(problem),
        }
    }

    /// Reads what [`UploadReply::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let (word, rest) = split(text)?;
        Some(match word {
            "created" => Self::Created,
            "done" => Self::Done(rest.to_owned()),
            PROBLEM => Self::Problem(problem_from_text(rest)?),
            _ => return None,
        })
    }

    /// What a caller is told about `upload`.
    pub fn new(
        outcome: UploadOutcome,
        upload: &Upload,
        upload_id: &str,
        presigner: &Presigner,
        now: Timestamp,
    ) -> Self {
        let record = &upload.record;
        let json = match outcome {
            UploadOutcome::Refused(refusal) => return Self::Problem(problem(&refusal, &record.plan)),
            UploadOutcome::Done(UploadDone::Signable { part_numbers }) => {
                let sign = |number, size_bytes| {
                    let id = &record.storage_id;
                    presigner.upload_part(&record.key, id, number, size_bytes, PART_URL_LIFETIME, now)
                };
                let signed = SignedParts::new(record, &part_numbers, now + PART_URL_LIFETIME, sign);
                serde_json::to_string(&signed)
            }
            UploadOutcome::Done(UploadDone::Confirmed) => {
                serde_json::to_string(&ConfirmedParts { confirmed: upload.confirmed() })
            }
            UploadOutcome::Done(UploadDone::Shown) => {
                serde_json::to_string(&UploadJson::shown(upload, upload_id))
            }
            UploadOutcome::Done(UploadDone::Completed { etag }) => serde_json::to_string(&CompletedUpload {
                video_key: record.key.as_str().to_owned(),
                size_bytes: record.plan.size_bytes(),
                etag,
            }),
            UploadOutcome::Done(UploadDone::Aborted) => Ok(r#"{"success":true}"#.to_owned()),
        };
        json.map_or_else(|_| Self::Problem(Problem::internal()), Self::Done)
    }

    /// The body of the HTTP response to a client.
    ///
    /// # Errors
    /// The problem that the client gets instead.
    pub fn into_body(self) -> Result<String, Problem> {
        match self {
            Self::Done(json) => Ok(json),
            Self::Problem(problem) => Err(problem),
            // Only the Worker asks for it.
            Self::Created => Err(Problem::internal()),
        }
    }
}

/// The word of a creation, beside those of [`UploadAction`].
const CREATE: &str = "create";

/// No upload has this id, and perhaps one had.
pub fn not_found() -> Problem {
    Problem::new(ProblemCode::UploadNotFound, "This upload does not exist or has expired. Start a new one.")
}

fn problem(refusal: &UploadRefusal, plan: &PartLayout) -> Problem {
    use ProblemCode::{Unavailable, UploadIncomplete, UploadNotFound, UploadState};
    let (code, sentence) = match refusal {
        UploadRefusal::BeingCompleted => {
            (UploadState, "This upload is being completed. Repeat the complete request to get the result.")
        }
        UploadRefusal::AlreadyComplete => {
            (UploadState, "This upload is already complete. Start a new one to send another file.")
        }
        UploadRefusal::CannotAbortComplete => {
            (UploadState, "This upload is already complete and can no longer be aborted.")
        }
        UploadRefusal::Aborted => (UploadNotFound, "This upload was aborted. Start a new one."),
        UploadRefusal::PartsMissing { count, first } => {
            return Problem::new(UploadIncomplete, parts_missing(*count, first));
        }
        UploadRefusal::WrongSize { stored_bytes } => {
            let declared = plan.size_bytes();
            return Problem::new(
                UploadState,
                format!(
                    "The assembled file has {stored_bytes} bytes, but {declared} were declared. It was deleted. Start a new upload."
                ),
            );
        }
        UploadRefusal::LostByStorage => {
            (UploadNotFound, "Storage no longer has this upload. Start a new one.")
        }
        UploadRefusal::PartsDiffer => (
            UploadState,
            "The parts in storage do not match the confirmed ETags. Upload them again and confirm each with the ETag that storage returned.",
        ),
        UploadRefusal::TooManyChanges => (
            UploadState,
            "The ETags of this upload's parts were changed too often. Abort it and start a new one.",
        ),
        UploadRefusal::OutcomeUnknown => (
            Unavailable,
            "Storage did not respond in time, so the result is not known yet. Repeat the request in a few seconds.",
        ),
    };
    Problem::new(code, sentence)
}

fn parts_missing(count: usize, first: &[u32]) -> String {
    let mut sentence = match count {
        1 => "1 part is missing: ".to_owned(),
        _ => format!("{count} parts are missing: "),
    };
    for (index, number) in first.iter().enumerate() {
        let _ = write!(sentence, "{}{number}", if index == 0 { "" } else { ", " });
    }
    sentence.push_str(if count > first.len() { " and more" } else { "" });
    sentence.push_str(". Send and confirm what is missing, then complete the upload again.");
    sentence
}

/// Long enough for a part on a slow line; a new URL costs one request.
const PART_URL_LIFETIME: DurationMs = DurationMs::minutes(60);

#[cfg(test)]
mod tests;
