//! One upload: where it stands, which parts are confirmed, and what may be done next.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Part, Plan};
use crate::object_key::ObjectKey;
use crate::problem::{Code, Problem};
use crate::time::{Millis, Span};

/// What is kept about an upload, beside its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Where the video goes.
    pub key: ObjectKey,
    /// The bucket's own name for the upload; clients never see it as such.
    pub storage_id: String,
    /// Its parts.
    pub plan: Plan,
    /// When it is given up, and then forgotten.
    pub expires_at: Millis,
    /// Where it stands.
    pub stage: Stage,
}

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
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
pub struct Ledger {
    /// The upload.
    pub upload: Upload,
    parts: BTreeMap<u32, String>,
}

/// What completing an upload takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is complete, with this etag.
    Done(String),
    /// An earlier completion may have succeeded: look for the object first.
    Look,
    /// Ask the bucket to put the parts together.
    Run,
}

/// What the bucket answered to a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It has put the parts together, or nobody knows: no answer in time, or a fault of its own.
    PerhapsDone,
    /// It knows no such upload: completed before, aborted, or older than a week.
    Gone,
    /// It has other parts than were confirmed.
    WrongParts,
}

/// What lies at the upload's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An object that this upload made.
    Ours {
        /// Its length.
        size_bytes: u64,
        /// What the bucket calls its content.
        etag: String,
    },
    /// Nothing of this upload's.
    Nothing,
    /// The bucket did not answer.
    CannotTell,
}

/// What came of a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The video is there.
    Complete {
        /// What the bucket calls its content.
        etag: String,
    },
    /// It is not, and will not be.
    Refused {
        /// Where the upload stands now.
        stage: Stage,
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
pub enum Abortion {
    /// Nothing: it is given up.
    Done,
    /// A completion may have succeeded: look for the object first.
    Look,
    /// Ask the bucket to drop the parts.
    Run,
}

/// What an upload's alarm has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It rang too early.
    Wait(Millis),
    /// The bucket may hold parts: it must drop them, then all is forgotten.
    AbortFirst,
    /// Nothing is left but to forget it.
    Forget,
}

impl Said {
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
pub fn settle(plan: &Plan, said: Said, found: Found) -> Settled {
    let refused =
        |stage, code, sentence: &str| Settled::Refused { stage, problem: Problem::new(code, sentence) };
    match (found, said) {
        (Found::Ours { size_bytes, etag }, _) if size_bytes == plan.size_bytes() => {
            Settled::Complete { etag }
        }
        (Found::Ours { size_bytes, .. }, _) => Settled::WrongSize(state(format!(
            "The parts came to {size_bytes} bytes instead of the promised {}; they were deleted, start a new upload.",
            plan.size_bytes()
        ))),
        (Found::Nothing, Said::Gone) => refused(
            Stage::Aborted,
            Code::UploadNotFound,
            "The storage no longer has this upload; start a new one.",
        ),
        (Found::Nothing, Said::WrongParts) => refused(
            Stage::Open,
            Code::UploadState,
            "The storage has other parts than were confirmed; send them again and confirm each with the ETag it was answered with.",
        ),
        (Found::Nothing, Said::PerhapsDone) | (Found::CannotTell, _) => Settled::Unknown,
    }
}

impl Ledger {
    /// An upload with the parts that storage has for it.
    pub fn new(upload: Upload, parts: impl IntoIterator<Item = Part>) -> Self {
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
    pub fn takes_parts(&self) -> Result<(), Problem> {
        match &self.upload.stage {
            Stage::Open => Ok(()),
            Stage::Completing => Err(state(
                "This upload is being completed; ask for its completion again to learn the outcome.",
            )),
            Stage::Complete { .. } => Err(state("This upload is complete; start a new one to send more.")),
            Stage::Aborted => Err(aborted()),
        }
    }

    /// Those of the given parts that are news and must be written. Late news that is none is welcome in
    /// every stage.
    pub fn news(&self, given: Vec<Part>) -> Result<Vec<Part>, Problem> {
        let mut latest = BTreeMap::new();
        latest.extend(given.into_iter().map(|part| (part.number, part.etag)));
        let news: Vec<Part> = latest
            .into_iter()
            .filter(|(number, etag)| self.parts.get(number) != Some(etag))
            .map(|(number, etag)| Part { number, etag })
            .collect();
        if !news.is_empty() || self.upload.stage == Stage::Aborted {
            self.takes_parts()?;
        }
        Ok(news)
    }

    /// Takes parts up that were written.
    pub fn take(&mut self, parts: Vec<Part>) {
        self.parts.extend(parts.into_iter().map(|part| (part.number, part.etag)));
    }

    /// What a wish to complete leads to.
    ///
    /// # Errors
    /// 409 that names the parts that are missing, 404 once it is aborted.
    pub fn completion(&self) -> Result<Next, Problem> {
        match &self.upload.stage {
            Stage::Complete { etag } => Ok(Next::Done(etag.clone())),
            Stage::Aborted => Err(aborted()),
            Stage::Completing => Ok(Next::Look),
            Stage::Open if self.has_all() => Ok(Next::Run),
            Stage::Open => Err(self.incomplete()),
        }
    }

    /// What a wish to abort leads to.
    ///
    /// # Errors
    /// 409 once it is complete.
    pub fn abortion(&self) -> Result<Abortion, Problem> {
        match &self.upload.stage {
            Stage::Aborted => Ok(Abortion::Done),
            Stage::Completing => Ok(Abortion::Look),
            Stage::Open => Ok(Abortion::Run),
            Stage::Complete { .. } => Err(state(
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
        Problem::new(Code::UploadIncomplete, sentence)
    }
}

impl Upload {
    /// What its alarm has to do now. A bucket that will not answer is left alone after a week: R2 has then
    /// given the parts up by itself.
    pub fn expiry(&self, now: Millis) -> Expiry {
        match self.stage {
            _ if now < self.expires_at => Expiry::Wait(self.expires_at),
            Stage::Open | Stage::Completing if now.since(self.expires_at) < BUCKET_GIVES_UP => {
                Expiry::AbortFirst
            }
            Stage::Open | Stage::Completing | Stage::Complete { .. } | Stage::Aborted => Expiry::Forget,
        }
    }

    /// As it is stored.
    pub fn to_stored(&self) -> String {
        let (stage, etag) = match &self.stage {
            Stage::Open => ("open", ""),
            Stage::Completing => ("completing", ""),
            Stage::Complete { etag } => ("complete", etag.as_str()),
            Stage::Aborted => ("aborted", ""),
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
            plan: Plan::new(value.get("size_bytes")?.as_u64()?, value.get("part_bytes")?.as_u64()).ok()?,
            expires_at: Millis(value.get("expires_at_ms")?.as_i64()?),
            stage: match text("stage")? {
                "open" => Stage::Open,
                "completing" => Stage::Completing,
                "complete" => Stage::Complete { etag: text("etag")?.to_owned() },
                "aborted" => Stage::Aborted,
                _ => return None,
            },
        })
    }
}

/// No upload of this name, and perhaps there was one.
pub fn not_found() -> Problem {
    let sentence = "This upload does not exist, or its time is over; start a new one.";
    Problem::new(Code::UploadNotFound, sentence)
}

/// The bucket has not answered.
pub fn unknown() -> Problem {
    let sentence = "The storage has not answered in time; ask again in a moment to learn the outcome.";
    Problem::new(Code::Unavailable, sentence)
}

fn state(sentence: impl Into<String>) -> Problem {
    Problem::new(Code::UploadState, sentence)
}

pub(super) fn aborted() -> Problem {
    Problem::new(Code::UploadNotFound, "This upload was aborted; start a new one.")
}

/// Enough to act on; `GET .../parts` lists what is there.
const MISSING_NAMED: usize = 20;
/// R2's own time for an upload (Cloudflare, "Multipart upload limits").
const BUCKET_GIVES_UP: Span = Span::minutes(7 * 24 * 60);

#[cfg(test)]
mod tests;
