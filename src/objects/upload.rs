//! The Durable Object of one multipart upload: loads, asks the core, commits, replies, calls the bucket.
//!
//! Invariant: no rule about uploads lives here. Every entry point ends in [`UploadObject::step`], every
//! storage call ends in an event, and no borrow of a cell is held across an await.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::channel::oneshot;
use reel_core::base::time::Timestamp;
use reel_core::http::problem::Problem;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::objects::upload::{UploadCommand, UploadReply, not_found, requested};
use reel_core::upload::effect::{Step, UploadEffect};
use reel_core::upload::event::{CallerId, CompleteReply, UploadEvent, UploadedObject};
use reel_core::upload::step::{EXPIRY_RETRY_DELAY, apply, create};
use reel_core::upload::{Upload as UploadInMemory, UploadRecord};
use reel_core::wire::upload_parts::{is_aborted_error, parse_complete_error};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::{
    DurableObject, Env, MultipartUpload, Request, Response, Result, State, UploadedPart, durable_object,
};

use crate::clients::s3;
use crate::objects::poll_reply;
use crate::objects::upload_store::UploadStore;
use crate::platform::log::log;
use crate::platform::object_storage::set_alarm;
use crate::platform::timeout::{BINDING, COMPLETION, with_timeout};
use crate::platform::{clock, env};

/// The class that the runtime knows. It hands everything to its [`UploadObject`].
#[durable_object(alarm)]
pub struct Upload(Rc<UploadObject>);

/// One upload.
struct UploadObject {
    state: State,
    env: Env,
    store: UploadStore,
    memory: RefCell<Memory>,
    last_caller: Cell<u32>,
}

/// What is lost when a commit fails: storage is then read again, and answers to older calls are dropped.
#[derive(Default)]
struct Memory {
    /// As it was last committed.
    upload: Option<UploadInMemory>,
    /// Requests that are not answered yet.
    callers: Vec<WaitingRequest>,
    generation: u32,
}

/// A request that waits for its answer.
struct WaitingRequest {
    id: CallerId,
    /// The client's name of the upload.
    upload_id: String,
    answer: oneshot::Sender<UploadReply>,
}

#[wasm_bindgen]
impl Upload {
    /// Takes an [`UploadCommand`] as its text, and gives the text of its reply or a promise of it.
    pub fn ask(&self, text: String) -> JsValue {
        let upload = Rc::clone(&self.0);
        poll_reply(async move {
            let reply = match UploadCommand::from_text(&text) {
                Some(command) => upload.execute(command).await.unwrap_or_else(UploadReply::Problem),
                None => UploadReply::Problem(Problem::internal()),
            };
            reply.to_text()
        })
    }
}

impl DurableObject for Upload {
    fn new(state: State, env: Env) -> Self {
        let store = UploadStore::new(state.storage());
        Self(Rc::new(UploadObject {
            state,
            env,
            store,
            memory: RefCell::default(),
            last_caller: Cell::new(0),
        }))
    }

    /// Nothing comes as a request.
    async fn fetch(&self, _request: Request) -> Result<Response> {
        Response::error("an upload takes commands only", 404)
    }

    /// Never fails: the platform gives an alarm up after six failures.
    async fn alarm(&self) -> Result<Response> {
        let object = &self.0;
        let advanced = match object.step(UploadEvent::AlarmFired) {
            Ok(effects) => object.run_effects(effects).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = advanced
            && problem != not_found()
        {
            object.log(LogEvent::UploadAlarmFailed, &problem.detail);
            let _logged = object.set_alarm(clock::now() + EXPIRY_RETRY_DELAY);
        }
        Response::empty()
    }
}

impl UploadObject {
    async fn execute(&self, command: UploadCommand) -> std::result::Result<UploadReply, Problem> {
        let (action, upload_id, body) = match command {
            UploadCommand::Create { record } => {
                let step = create(record);
                self.store
                    .create(&step.upload.record)
                    .map_err(|cause| self.log_and_hide("creating", &cause))?;
                step.alarm.map_or(Ok(()), |at| self.set_alarm(at))?;
                return Ok(UploadReply::Created);
            }
            UploadCommand::Act { action, upload_id, body } => (action, upload_id, body),
        };
        self.last_caller.set(self.last_caller.get().wrapping_add(1));
        let caller = CallerId(self.last_caller.get());
        let plan = self.record()?.plan;
        let event = requested(action, &body, &plan, caller)?;
        let (answer, answered) = oneshot::channel();
        self.memory.borrow_mut().callers.push(WaitingRequest { id: caller, upload_id, answer });
        let effects = self.step(event).inspect_err(|_| {
            self.memory.borrow_mut().callers.retain(|waiting| waiting.id != caller);
        })?;
        // Should this fail, nobody answers: the callers went with the memory.
        let _logged = self.run_effects(effects).await;
        // Another request may make the calls that this one waits for.
        answered.await.map_err(|_| Problem::internal())
    }

    /// Runs effects, and those that follow from their answers.
    async fn run_effects(&self, effects: Vec<UploadEffect>) -> std::result::Result<(), Problem> {
        let generation = self.memory.borrow().generation;
        let mut effects = effects;
        while let Some(effect) = effects.pop() {
            let Some(event) = self.run_effect(effect).await else { continue };
            if self.memory.borrow().generation != generation {
                return Err(Problem::internal());
            }
            effects.extend(self.step(event)?);
        }
        Ok(())
    }

    /// The synchronous heart: apply, commit with the alarm, reply. Nothing can come between, since nothing
    /// awaits, and the platform makes all writes durable together or not at all, before anyone hears of
    /// them.
    fn step(&self, event: UploadEvent) -> std::result::Result<Vec<UploadEffect>, Problem> {
        let config = env::config(&self.env)?;
        self.load()?;
        let Some(upload) = self.memory.borrow_mut().upload.take() else { return Err(not_found()) };
        let now = clock::now();
        let step = apply(upload, event, now);
        if let Err(problem) = self.commit(&step) {
            self.drop_memory();
            return Err(problem);
        }
        let mut memory = self.memory.borrow_mut();
        for (caller, outcome) in step.replies {
            if let Some(place) = memory.callers.iter().position(|waiting| waiting.id == caller) {
                let WaitingRequest { upload_id, answer, .. } = memory.callers.swap_remove(place);
                let reply = UploadReply::new(outcome, &step.upload, &upload_id, &config.presigner, now);
                let _caller_may_be_gone = answer.send(reply);
            }
        }
        memory.upload = Some(step.upload);
        Ok(step.effects)
    }

    fn commit(&self, step: &Step) -> std::result::Result<(), Problem> {
        self.store.add_parts(&step.new_parts).map_err(|cause| self.log_and_hide("writing parts", &cause))?;
        if step.persist {
            self.store.update(&step.upload.record).map_err(|cause| self.log_and_hide("a commit", &cause))?;
        }
        step.alarm.map_or(Ok(()), |at| self.set_alarm(at))
    }

    /// Does one thing and says what came of it. Whatever fails is an answer: without one, the upload would
    /// wait for ever.
    async fn run_effect(&self, effect: UploadEffect) -> Option<UploadEvent> {
        Some(match effect {
            UploadEffect::ListParts { call, marker } => {
                let page = match (env::config(&self.env), self.record()) {
                    (Ok(config), Ok(record)) => {
                        let name = self.state.id().name().unwrap_or_default();
                        s3::list_parts(&config, LogSubject::Upload(&name), &record, marker).await
                    }
                    _ => None,
                };
                UploadEvent::PartsListed { call, page }
            }
            UploadEffect::CheckObject { call } => {
                let found = self.check_object().await.unwrap_or(UploadedObject::Unknown);
                UploadEvent::ObjectChecked { call, found }
            }
            UploadEffect::CompleteInBucket { call } => {
                let reply = self.complete_in_bucket().await.unwrap_or(CompleteReply::PerhapsDone);
                UploadEvent::CompleteReplied { call, reply }
            }
            UploadEffect::AbortInBucket { call } => {
                UploadEvent::AbortReplied { call, done: self.abort_in_bucket().await.unwrap_or(false) }
            }
            UploadEffect::DeleteObject { call } => {
                UploadEvent::ObjectDeleted { call, done: self.delete_object().await.is_ok() }
            }
            UploadEffect::Forget => {
                if let Err(cause) = with_timeout(BINDING, self.store.delete_all()).await {
                    self.log_and_hide("forgetting", &cause);
                    return Some(UploadEvent::ForgetFailed);
                }
                self.drop_memory();
                return None;
            }
        })
    }

    /// What lies at the key, and whether this upload made it.
    async fn check_object(&self) -> std::result::Result<UploadedObject, Problem> {
        let key = self.record()?.key;
        let found = with_timeout(BINDING, env::videos(&self.env)?.head(key.as_str())).await;
        let found = found.map_err(|cause| self.log_and_hide("checking the object", &cause))?;
        let made_here = |object: &worker::Object| {
            let made_by = object.custom_metadata().ok().and_then(|mut all| all.remove(UPLOAD_ID_METADATA));
            made_by.is_some() && made_by == self.state.id().name()
        };
        Ok(match found.filter(made_here) {
            Some(object) => UploadedObject::Ours { size_bytes: object.size(), etag: object.etag() },
            None => UploadedObject::NotOurs,
        })
    }

    async fn complete_in_bucket(&self) -> std::result::Result<CompleteReply, Problem> {
        let uploaded = |(number, etag, _): (u32, &str, u64)| {
            Some(UploadedPart::new(u16::try_from(number).ok()?, etag.to_owned()))
        };
        let parts: Vec<UploadedPart> =
            self.memory.borrow().upload.iter().flat_map(UploadInMemory::parts).filter_map(uploaded).collect();
        Ok(match with_timeout(COMPLETION, self.in_bucket()?.complete(parts)).await {
            Ok(_checked_next) => CompleteReply::PerhapsDone,
            Err(cause) => {
                self.log_and_hide("completing", &cause);
                parse_complete_error(&cause.to_string())
            }
        })
    }

    async fn abort_in_bucket(&self) -> std::result::Result<bool, Problem> {
        Ok(match with_timeout(BINDING, self.in_bucket()?.abort()).await {
            Ok(()) => true,
            Err(cause) => {
                self.log_and_hide("aborting", &cause);
                is_aborted_error(&cause.to_string())
            }
        })
    }

    async fn delete_object(&self) -> std::result::Result<(), Problem> {
        let key = self.record()?.key;
        let deleted = with_timeout(BINDING, env::videos(&self.env)?.delete(key.as_str())).await;
        deleted.map_err(|cause| self.log_and_hide("deleting an object of the wrong size", &cause))
    }

    fn in_bucket(&self) -> std::result::Result<MultipartUpload, Problem> {
        let record = self.record()?;
        let upload =
            env::videos(&self.env)?.resume_multipart_upload(record.key.as_str(), record.storage_id.as_str());
        upload.map_err(|cause| self.log_and_hide("resuming", &cause))
    }

    /// The upload's record.
    ///
    /// # Errors
    /// 404 when there is no upload here.
    fn record(&self) -> std::result::Result<UploadRecord, Problem> {
        self.load()?;
        self.memory.borrow().upload.as_ref().map(|upload| upload.record.clone()).ok_or_else(not_found)
    }

    fn load(&self) -> std::result::Result<(), Problem> {
        if self.memory.borrow().upload.is_none() {
            let loaded = self.store.load().map_err(|cause| self.log_and_hide("reading", &cause))?;
            self.memory.borrow_mut().upload = loaded;
        }
        Ok(())
    }

    /// Whoever still waits is told that something went wrong.
    fn drop_memory(&self) {
        let mut memory = self.memory.borrow_mut();
        *memory = Memory { generation: memory.generation.wrapping_add(1), ..Memory::default() };
    }

    fn set_alarm(&self, at: Timestamp) -> std::result::Result<(), Problem> {
        set_alarm(&self.state.storage(), at).map_err(|cause| self.log_and_hide("setting the alarm", &cause))
    }

    /// Logs a cause once and makes the problem that callers see. The bucket's sentences name no key.
    fn log_and_hide(&self, what: &str, cause: &worker::Error) -> Problem {
        self.log(LogEvent::UploadFailed, &format!("{what} failed: {cause}"));
        Problem::internal()
    }

    fn log(&self, event: LogEvent, detail: &str) {
        let name = self.state.id().name().unwrap_or_default();
        log(LogSubject::Upload(&name), event, detail);
    }
}

/// Metadata of the object: which upload made it. Another may have put one at the same key before.
pub const UPLOAD_ID_METADATA: &str = "upload";
