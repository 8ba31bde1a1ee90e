//! One upload: where it stands, which parts are confirmed, and what may be done next.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::base::object_key::ObjectKey;
use crate::base::time::{DurationMs, Timestamp};
use crate::http::problem::{Problem, ProblemCode};
use crate::upload::{ConfirmedPart, PartLayout};

/// What is kept about an upload, beside its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// Where the video goes.
    pub key: ObjectKey,
    /// The bucket's own name for the upload; clients never see it as such.
    pub storage_id: String,
    /// Its parts.
    pub plan: PartLayout,
    /// When it is given up, and then forgotten.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: UploadState,
}

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadState {
    /// Parts may come.
    Open,
    /// The bucket was asked to put the parts together, and its answer is not known.
    Completing,
    /// The video is in the bucket.
    Complete {
        /// What the bucket calls its content.
        etag: String,
    },
    /// Given up.
    Aborted,
}

/// An upload with the parts that are known to have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The upload.
    pub upload: UploadRecord,
    parts: BTreeMap<u32, String>,
}

/// What completing an upload takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionStep {
    /// Nothing: it is complete, with this etag.
    AlreadyDone(String),
    /// An earlier completion may have succeeded: look for the object first.
    Look,
    /// Ask the bucket to put the parts together.
    Run,
}

/// What the bucket answered to a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompleteReply {
    /// It has put the parts together, or nobody knows: no answer in time, or a fault of its own.
    PerhapsDone,
    /// It knows no such upload: completed before, aborted, or older than a week.
    Gone,
    /// It has other parts than were confirmed.
    WrongParts,
}

/// What lies at the upload's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadedObject {
    /// An object that this upload made.
    Ours {
        /// Its length.
        size_bytes: u64,
        /// What the bucket calls its content.
        etag: String,
    },
    /// Nothing of this upload's.
    NotOurs,
    /// The bucket did not answer.
    Unknown,
}

/// What came of a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompletionResult {
    /// The video is there.
    Complete {
        /// What the bucket calls its content.
        etag: String,
    },
    /// It is not, and will not be.
    Refused {
        /// Where the upload stands now.
        stage: UploadState,
        /// What its caller is told.
        problem: Problem,
    },
    /// The object has another size than was promised: it must be deleted, and the upload is over.
    WrongSize(Problem),
    /// Not known yet: it must be looked for again.
    Unknown,
}

/// What giving an upload up takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbortStep {
    /// Nothing: it is given up.
    Done,
    /// A completion may have succeeded: look for the object first.
    Look,
    /// Ask the bucket to drop the parts.
    Run,
}

/// What an upload's alarm has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryStep {
    /// It rang too early.
    Wait(Timestamp),
    /// The bucket may hold parts: it must drop them, then all is forgotten.
    AbortFirst,
    /// Nothing is left but to forget it.
    Forget,
}

impl CompleteReply {
    /// What an error of the bucket's binding means, by the number in its text.
    ///
    /// 10024: no such upload; 10025: a part is missing or another; 10011 and 10048: parts too small or
    /// of different sizes (Cloudflare, "R2 error codes"). Every other error leaves the outcome open.
    pub fn of_error(text: &str) -> Self {
        let has = |code: &str| text.contains(code);
        if has("(10024)") {
            Self::Gone
        } else if ["(10025)", "(10011)", "(10048)"].into_iter().any(has) {
            Self::WrongParts
        } else {
            Self::PerhapsDone
        }
    }
}

/// What a completion came to: the object's word first, then the bucket's.
pub fn resolve_completion(plan: &PartLayout, said: CompleteReply, found: UploadedObject) -> CompletionResult {
    let refused = |stage, code, sentence: &str| CompletionResult::Refused {
        stage,
        problem: Problem::new(code, sentence),
    };
    match (found, said) {
        (UploadedObject::Ours { size_bytes, etag }, _) if size_bytes == plan.size_bytes() => {
            CompletionResult::Complete { etag }
        }
        (UploadedObject::Ours { size_bytes, .. }, _) => CompletionResult::WrongSize(state(format!(
            "The parts came to {size_bytes} bytes instead of the promised {}; they were deleted, start a new upload.",
            plan.size_bytes()
        ))),
        (UploadedObject::NotOurs, CompleteReply::Gone) => refused(
            UploadState::Aborted,
            ProblemCode::UploadNotFound,
            "The storage no longer has this upload; start a new one.",
        ),
        (UploadedObject::NotOurs, CompleteReply::WrongParts) => refused(
            UploadState::Open,
            ProblemCode::UploadState,
            "The storage has other parts than were confirmed; send them again and confirm each with the ETag it was answered with.",
        ),
        (UploadedObject::NotOurs, CompleteReply::PerhapsDone) | (UploadedObject::Unknown, _) => {
            CompletionResult::Unknown
        }
    }
}

impl Upload {
    /// An upload with the parts that storage has for it.
    pub fn new(upload: UploadRecord, parts: impl IntoIterator<Item = ConfirmedPart>) -> Self {
        Self { upload, parts: parts.into_iter().map(|part| (part.number, part.etag)).collect() }
    }

    /// The confirmed parts in their order: number, etag, length.
    pub fn parts(&self) -> impl Iterator<Item = (u32, &str, u64)> {
        let plan = self.upload.plan;
        self.parts
            .iter()
            .filter_map(move |(number, etag)| Some((*number, etag.as_str(), plan.bytes_of(*number)?)))
    }

    /// How many are confirmed.
    pub fn confirmed(&self) -> usize {
        self.parts.len()
    }

    /// Whether every part is confirmed.
    pub fn has_all(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Whether parts may be sent.
    ///
    /// # Errors
    /// 409 once it is being completed, 404 once it is aborted.
    pub fn require_open(&self) -> Result<(), Problem> {
        match &self.upload.state {
            UploadState::Open => Ok(()),
            UploadState::Completing => Err(state(
                "This upload is being completed; ask for its completion again to learn the outcome.",
            )),
            UploadState::Complete { .. } => {
                Err(state("This upload is complete; start a new one to send more."))
            }
            UploadState::Aborted => Err(aborted()),
        }
    }

    /// Those of the given parts that are news and must be written. Late news that is none is welcome in
    /// every stage.
    pub fn new_parts(&self, given: Vec<ConfirmedPart>) -> Result<Vec<ConfirmedPart>, Problem> {
        let mut latest = BTreeMap::new();
        latest.extend(given.into_iter().map(|part| (part.number, part.etag)));
        let news: Vec<ConfirmedPart> = latest
            .into_iter()
            .filter(|(number, etag)| self.parts.get(number) != Some(etag))
            .map(|(number, etag)| ConfirmedPart { number, etag })
            .collect();
        if !news.is_empty() || self.upload.state == UploadState::Aborted {
            self.require_open()?;
        }
        Ok(news)
    }

    /// Takes parts up that were written.
    pub fn record(&mut self, parts: Vec<ConfirmedPart>) {
        self.parts.extend(parts.into_iter().map(|part| (part.number, part.etag)));
    }

    /// What a wish to complete leads to.
    ///
    /// # Errors
    /// 409 that names the parts that are missing, 404 once it is aborted.
    pub fn completion_step(&self) -> Result<CompletionStep, Problem> {
        match &self.upload.state {
            UploadState::Complete { etag } => Ok(CompletionStep::AlreadyDone(etag.clone())),
            UploadState::Aborted => Err(aborted()),
            UploadState::Completing => Ok(CompletionStep::Look),
            UploadState::Open if self.has_all() => Ok(CompletionStep::Run),
            UploadState::Open => Err(self.incomplete()),
        }
    }

    /// What a wish to abort leads to.
    ///
    /// # Errors
    /// 409 once it is complete.
    pub fn abort_step(&self) -> Result<AbortStep, Problem> {
        match &self.upload.state {
            UploadState::Aborted => Ok(AbortStep::Done),
            UploadState::Completing => Ok(AbortStep::Look),
            UploadState::Open => Ok(AbortStep::Run),
            UploadState::Complete { .. } => Err(state(
                "This upload is complete and cannot be aborted; its video belongs to whoever uses it.",
            )),
        }
    }

    fn missing(&self) -> impl Iterator<Item = u32> {
        (1..=self.upload.plan.part_count()).filter(|number| !self.parts.contains_key(number))
    }

    fn incomplete(&self) -> Problem {
        let count = self.missing().count();
        let mut sentence = match count {
            1 => "1 part is missing: ".to_owned(),
            _ => format!("{count} parts are missing: "),
        };
        for (index, number) in self.missing().take(MISSING_NAMED).enumerate() {
            let _ = write!(sentence, "{}{number}", if index == 0 { "" } else { ", " });
        }
        sentence.push_str(if count > MISSING_NAMED { " and more" } else { "" });
        sentence.push_str("; send and confirm them, then complete again.");
        Problem::new(ProblemCode::UploadIncomplete, sentence)
    }
}

impl UploadRecord {
    /// What its alarm has to do now. A bucket that will not answer is left alone after a week: R2 has then
    /// given the parts up by itself.
    pub fn expiry(&self, now: Timestamp) -> ExpiryStep {
        match self.state {
            _ if now < self.expires_at => ExpiryStep::Wait(self.expires_at),
            UploadState::Open | UploadState::Completing if now.since(self.expires_at) < R2_UPLOAD_TTL => {
                ExpiryStep::AbortFirst
            }
            UploadState::Open
            | UploadState::Completing
            | UploadState::Complete { .. }
            | UploadState::Aborted => ExpiryStep::Forget,
        }
    }

    /// As it is stored.
    pub fn to_stored(&self) -> String {
        let (stage, etag) = match &self.state {
            UploadState::Open => ("open", ""),
            UploadState::Completing => ("completing", ""),
            UploadState::Complete { etag } => ("complete", etag.as_str()),
            UploadState::Aborted => ("aborted", ""),
        };
        serde_json::json!({
            "key": self.key.as_str(),
            "storage_id": self.storage_id,
            "size_bytes": self.plan.size_bytes(),
            "part_bytes": self.plan.part_bytes(),
            "expires_at_ms": self.expires_at.0,
            "stage": stage,
            "etag": etag,
        })
        .to_string()
    }

    /// What [`Upload::to_stored`] wrote; `None` for anything else.
    pub fn from_stored(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        Some(Self {
            key: ObjectKey::parse_input(text("key")?).ok()?,
            storage_id: text("storage_id")?.to_owned(),
            plan: PartLayout::new(value.get("size_bytes")?.as_u64()?, value.get("part_bytes")?.as_u64())
                .ok()?,
            expires_at: Timestamp(value.get("expires_at_ms")?.as_i64()?),
            state: match text("stage")? {
                "open" => UploadState::Open,
                "completing" => UploadState::Completing,
                "complete" => UploadState::Complete { etag: text("etag")?.to_owned() },
                "aborted" => UploadState::Aborted,
                _ => return None,
            },
        })
    }
}

/// No upload of this name, and perhaps there was one.
pub fn not_found() -> Problem {
    let sentence = "This upload does not exist, or its time is over; start a new one.";
    Problem::new(ProblemCode::UploadNotFound, sentence)
}

/// The bucket has not answered.
pub fn outcome_unknown() -> Problem {
    let sentence = "The storage has not answered in time; ask again in a moment to learn the outcome.";
    Problem::new(ProblemCode::Unavailable, sentence)
}

fn state(sentence: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::UploadState, sentence)
}

/// The upload was aborted: 404.
pub fn aborted() -> Problem {
    Problem::new(ProblemCode::UploadNotFound, "This upload was aborted; start a new one.")
}

/// Enough to act on; `GET .../parts` lists what is there.
const MISSING_NAMED: usize = 20;
/// R2's own time for an upload (Cloudflare, "Multipart upload limits").
const R2_UPLOAD_TTL: DurationMs = DurationMs::minutes(7 * 24 * 60);

#[cfg(test)]
mod tests;
