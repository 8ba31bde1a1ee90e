//! The Durable Object of one upload in parts: it keeps the ledger and speaks with the bucket.
//!
//! Invariants: no rule about uploads lives here, and no borrow of the cell is held across an await. Only
//! one request at a time makes the bucket complete or abort: others wait for what comes of it.

use reel_core::http::requests::uploads::{parse_part_numbers, parse_parts};
use reel_core::wire::upload::{completed_json, confirmed_json, signed_json, upload_json};
use std::cell::{Cell, Ref, RefCell};
use std::time::Duration;

use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::http::problem::Problem;
use reel_core::http::requests::uploads::UploadAction;
use reel_core::upload;
use reel_core::upload::{
    AbortStep, CompleteReply, CompletionResult, CompletionStep, ExpiryStep, UploadState, UploadedObject,
};
use worker::{
    DurableObject, Env, MultipartUpload, Request, Response, Result, State, UploadedPart, console_error,
    durable_object,
};

use crate::clients::runpod;
use crate::objects::job::{JobReply, respond};
use crate::objects::upload_store::UploadStore;
use crate::platform::object_storage::set_alarm;
use crate::platform::timeout::{BINDING, COMPLETION, sleep, with_timeout};
use crate::platform::{clock, env};

/// What goes wrong is told as a problem.
type Told<T> = std::result::Result<T, Problem>;

/// One upload.
#[durable_object(alarm)]
pub struct Upload {
    state: State,
    env: Env,
    store: UploadStore,
    /// As it was last committed; read from storage again after any failure.
    ledger: RefCell<Option<upload::Upload>>,
    /// Whether a request is making the bucket complete or abort.
    bucket_locked: Cell<bool>,
}

impl DurableObject for Upload {
    fn new(state: State, env: Env) -> Self {
        let store = UploadStore::new(state.storage());
        Self { state, env, store, ledger: RefCell::new(None), bucket_locked: Cell::new(false) }
    }

    /// `/{verb or create}/{request id}/{upload_id}`; the body is the client's own.
    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        let mut segments = path.trim_start_matches('/').split('/');
        let mut next = || segments.next().unwrap_or_default();
        let (word, request_id, upload_id) = (next(), next(), next());
        let body = match request.bytes().await {
            Ok(body) if word == CREATE => self.create(&body),
            Ok(body) => match UploadAction::from_word(word) {
                Some(verb) => self.handle_action(verb, &body, upload_id).await,
                None => Err(Problem::internal()),
            },
            Err(_) => Err(Problem::internal()),
        };
        Ok(respond(body, request_id))
    }

    /// The upload's time is over: the bucket forgets its parts, and this object everything.
    async fn alarm(&self) -> Result<Response> {
        if let Err(problem) = self.expire().await {
            console_error!("an upload's alarm failed: {}", problem.detail);
            let _logged = self.ring(clock::now() + ALARM_AGAIN);
        }
        Response::empty()
    }
}

impl Upload {
    fn create(&self, body: &[u8]) -> JobReply {
        let text = std::str::from_utf8(body).ok();
        let upload = text.and_then(upload::UploadRecord::from_stored).ok_or_else(Problem::internal)?;
        self.store.create(&upload).map_err(|cause| self.failed("creating", &cause))?;
        self.ring(upload.expires_at)?;
        Ok((201, String::new()))
    }

    async fn handle_action(&self, verb: UploadAction, body: &[u8], upload_id: &str) -> JobReply {
        let plan = self.ledger()?.upload.plan;
        let json = match verb {
            UploadAction::Sign => self.sign(&parse_part_numbers(body, &plan)?)?,
            UploadAction::Confirm => {
                self.confirm(parse_parts(body, &plan, verb)?)?;
                confirmed_json(&*self.ledger()?)
            }
            UploadAction::Show => {
                self.sync_parts_from_bucket().await?;
                upload_json(&*self.ledger()?, upload_id)?
            }
            UploadAction::Complete => {
                self.confirm(parse_parts(body, &plan, verb)?)?;
                let _turn = self.lock_bucket().await?;
                let etag = self.complete().await?;
                completed_json(&self.ledger()?.upload, &etag)
            }
            UploadAction::Abort => {
                let _turn = self.lock_bucket().await?;
                self.abort().await?;
                r#"{"success":true}"#.to_owned()
            }
        };
        Ok((200, json))
    }

    fn sign(&self, numbers: &[u32]) -> Told<String> {
        let (config, now, ledger) = (env::config(&self.env)?, clock::now(), self.ledger()?);
        ledger.require_open()?;
        let upload = &ledger.upload;
        Ok(signed_json(upload, numbers, now + PART_LIFETIME, |number, bytes| {
            config.presigner.upload_part(&upload.key, &upload.storage_id, number, bytes, PART_LIFETIME, now)
        }))
    }

    /// Writes what is new of these parts.
    fn confirm(&self, parts: Vec<upload::ConfirmedPart>) -> Told<()> {
        let news = self.ledger()?.new_parts(parts)?;
        self.store.add(&news).map_err(|cause| self.failed("writing parts", &cause))?;
        if let Some(ledger) = self.ledger.borrow_mut().as_mut() {
            ledger.record(news);
        }
        Ok(())
    }

    /// Asks the bucket for parts that were sent and never confirmed. No answer is no news.
    async fn sync_parts_from_bucket(&self) -> Told<()> {
        let upload = {
            let ledger = self.ledger()?;
            if ledger.require_open().is_err() || ledger.has_all() {
                return Ok(());
            }
            ledger.upload.clone()
        };
        let config = env::config(&self.env)?;
        let mut marker = None;
        for _ in 0..LIST_PAGES_MAX {
            let Some(page) = runpod::list_parts(&config, &upload, marker).await else { break };
            let found = self.ledger()?.parts_from_bucket(&page.parts);
            self.confirm(found)?;
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Makes the parts one object, unless that is done. Answers its etag.
    async fn complete(&self) -> Told<String> {
        let next = self.ledger()?.completion_step()?;
        match next {
            CompletionStep::AlreadyDone(etag) => return Ok(etag),
            CompletionStep::Look => match self.look().await? {
                UploadedObject::NotOurs => {}
                found => return self.finish_completion(CompleteReply::PerhapsDone, found).await,
            },
            CompletionStep::Run => {}
        }
        // Written first: should this object die on the way, it is known that it may have happened.
        self.save_state(UploadState::Completing)?;
        let said = self.ask_to_complete().await?;
        let found = self.look().await?;
        self.finish_completion(said, found).await
    }

    /// Writes what a completion came to.
    async fn finish_completion(&self, said: CompleteReply, found: UploadedObject) -> Told<String> {
        let plan = self.ledger()?.upload.plan;
        match upload::resolve_completion(&plan, said, found) {
            CompletionResult::Complete { etag } => {
                self.save_state(UploadState::Complete { etag: etag.clone() })?;
                Ok(etag)
            }
            CompletionResult::Refused { stage, problem } => {
                self.save_state(stage)?;
                Err(problem)
            }
            CompletionResult::WrongSize(problem) => {
                let key = self.ledger()?.upload.key.clone();
                let deleted = with_timeout(BINDING, env::videos(&self.env)?.delete(key.as_str())).await;
                deleted.map_err(|cause| self.failed("deleting an object of the wrong size", &cause))?;
                self.save_state(UploadState::Aborted)?;
                Err(problem)
            }
            CompletionResult::Unknown => Err(upload::outcome_unknown()),
        }
    }

    async fn ask_to_complete(&self) -> Told<CompleteReply> {
        let part = |(number, etag, _): (u32, &str, u64)| {
            Some(UploadedPart::new(u16::try_from(number).ok()?, etag.to_owned()))
        };
        let parts: Vec<UploadedPart> = self.ledger()?.parts().filter_map(part).collect();
        Ok(match with_timeout(COMPLETION, self.parts_at_bucket()?.complete(parts)).await {
            Ok(_looked_at_next) => CompleteReply::PerhapsDone,
            Err(cause) => self.parse_bucket_error("completing", &cause),
        })
    }

    /// Gives the upload up, unless it is complete.
    async fn abort(&self) -> Told<()> {
        let next = self.ledger()?.abort_step()?;
        match next {
            AbortStep::Done => return Ok(()),
            AbortStep::Look => match self.look().await? {
                UploadedObject::NotOurs => {}
                found => {
                    self.finish_completion(CompleteReply::PerhapsDone, found).await?;
                    // It is complete after all.
                    return self.ledger()?.abort_step().map(|_| ());
                }
            },
            AbortStep::Run => {}
        }
        self.abort_in_bucket().await?;
        self.save_state(UploadState::Aborted)
    }

    async fn expire(&self) -> Told<()> {
        if self.load()? {
            let expiry = self.ledger()?.upload.expiry(clock::now());
            match expiry {
                ExpiryStep::Wait(until) => return self.ring(until),
                ExpiryStep::AbortFirst => {
                    let _turn = self.lock_bucket().await?;
                    self.abort_in_bucket().await?;
                }
                ExpiryStep::Forget => {}
            }
        }
        with_timeout(BINDING, self.store.delete_all())
            .await
            .map_err(|cause| self.failed("forgetting", &cause))?;
        *self.ledger.borrow_mut() = None;
        Ok(())
    }

    /// Makes the bucket drop the parts; that it knows none is as good.
    async fn abort_in_bucket(&self) -> Told<()> {
        match with_timeout(BINDING, self.parts_at_bucket()?.abort()).await {
            Ok(()) => Ok(()),
            Err(cause) => match self.parse_bucket_error("aborting", &cause) {
                CompleteReply::Gone => Ok(()),
                CompleteReply::PerhapsDone | CompleteReply::WrongParts => Err(upload::outcome_unknown()),
            },
        }
    }

    /// What lies at the key, and whether this upload made it.
    async fn look(&self) -> Told<UploadedObject> {
        let key = self.ledger()?.upload.key.clone();
        Ok(match with_timeout(BINDING, env::videos(&self.env)?.head(key.as_str())).await {
            Ok(Some(object)) => {
                let made_by =
                    object.custom_metadata().ok().and_then(|mut all| all.remove(UPLOAD_ID_METADATA));
                if made_by.is_some() && made_by == self.state.id().name() {
                    UploadedObject::Ours { size_bytes: object.size(), etag: object.etag() }
                } else {
                    UploadedObject::NotOurs
                }
            }
            Ok(None) => UploadedObject::NotOurs,
            Err(cause) => {
                self.failed("a look for the object", &cause);
                UploadedObject::Unknown
            }
        })
    }

    /// Waits until no other request is at the bucket.
    async fn lock_bucket(&self) -> Told<BucketLock<'_>> {
        for _ in 0..TURNS_MAX {
            if !self.bucket_locked.replace(true) {
                return Ok(BucketLock(&self.bucket_locked));
            }
            sleep(TURN).await;
        }
        Err(upload::outcome_unknown())
    }

    fn parts_at_bucket(&self) -> Told<MultipartUpload> {
        let ledger = self.ledger()?;
        let (key, id) = (ledger.upload.key.as_str(), ledger.upload.storage_id.as_str());
        let upload = env::videos(&self.env)?.resume_multipart_upload(key, id);
        upload.map_err(|cause| self.failed("resuming", &cause))
    }

    /// Commits where the upload stands.
    fn save_state(&self, stage: UploadState) -> Told<()> {
        let mut upload = self.ledger()?.upload.clone();
        if upload.state == stage {
            return Ok(());
        }
        upload.state = stage;
        if let Err(cause) = self.store.keep(&upload) {
            *self.ledger.borrow_mut() = None;
            return Err(self.failed("a commit", &cause));
        }
        if let Some(ledger) = self.ledger.borrow_mut().as_mut() {
            ledger.upload = upload;
        }
        Ok(())
    }

    /// The upload; 404 when there is none.
    fn ledger(&self) -> Told<Ref<'_, upload::Upload>> {
        self.load()?;
        Ref::filter_map(self.ledger.borrow(), Option::as_ref).map_err(|_| upload::not_found())
    }

    /// Whether an upload lives here.
    fn load(&self) -> Told<bool> {
        if self.ledger.borrow().is_none() {
            let loaded = self.store.load().map_err(|cause| self.failed("reading", &cause))?;
            *self.ledger.borrow_mut() = loaded;
        }
        Ok(self.ledger.borrow().is_some())
    }

    fn ring(&self, at: Timestamp) -> Told<()> {
        set_alarm(&self.state.storage(), at).map_err(|cause| self.failed("setting the alarm", &cause))
    }

    /// What an error of the bucket says. Its text is the bucket's sentence and names no key.
    fn parse_bucket_error(&self, what: &str, cause: &worker::Error) -> CompleteReply {
        self.failed(what, cause);
        CompleteReply::of_error(&cause.to_string())
    }

    /// Logs a cause once and makes the problem that callers see.
    fn failed(&self, what: &str, cause: &worker::Error) -> Problem {
        let name = self.state.id().name().unwrap_or_default();
        console_error!("upload {name}: {what} failed: {cause}");
        Problem::internal()
    }
}

/// Ends a request's time at the bucket, however it ends.
struct BucketLock<'t>(&'t Cell<bool>);

impl Drop for BucketLock<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// The word of a creation, beside those of [`UploadAction`].
pub const CREATE: &str = "create";
/// Metadata of the object: which upload made it. Another may have put one at the same key before.
pub const UPLOAD_ID_METADATA: &str = "upload";

/// Long enough for a part on a slow line; a new URL costs one request.
const PART_LIFETIME: DurationMs = DurationMs::minutes(60);
/// A pause after an alarm that failed, before the next try.
const ALARM_AGAIN: DurationMs = DurationMs::minutes(5);
/// 10,000 parts at most, 1,000 on a page.
const LIST_PAGES_MAX: usize = 10;
/// How often, and how many times, a request looks whether it is its turn: half a minute in all.
const TURN: Duration = Duration::from_millis(50);
const TURNS_MAX: usize = 600;
