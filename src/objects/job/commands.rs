//! Commands of the Worker: read, performed, replied to. What a reply says is the core's.

use std::rc::Rc;

use reel_core::base::id::JobId;
use reel_core::base::owner::Visibility;
use reel_core::http::problem::Problem;
use reel_core::http::quotas::admit_retry;
use reel_core::job::log::LogEntry;
use reel_core::job::spec::JobSpec;
use reel_core::job::state::Job;
use reel_core::job::usage::Usage;
use reel_core::objects::deletion::{Deletion, DeletionStep, StepDone};
use reel_core::objects::job::{Answer, Creation, JobCommand, JobReply, answer, creation, event_of};
use reel_core::objects::job_view::{claim_response, with_urls};
use reel_core::objects::reader::Reader;
use reel_core::objects::subscribe::{SocketProtocol, entry_message};
use reel_core::sql::jobs::{delete_job, upsert_job};
use reel_core::sql::references::select_keys_outliving;
use reel_core::wire::job::{JobDetail, JobFormat, job_json};
use reel_core::wire::webhook::{deliveries_json, delivery_json, is_seen};
use serde::Serialize;
use worker::Object;

use super::{AlarmState, JobObject, LoadedJob};
use crate::index;
use crate::objects::subscribers::Subscribers;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

impl JobObject {
    /// Replies to the text of a command.
    pub(super) async fn reply_to(&self, text: &str) -> JobReply {
        self.count(Usage { requests: 1, ..Usage::default() });
        let Some((visibility, command)) = JobCommand::from_text(text) else {
            return JobReply::Problem(Problem::internal());
        };
        self.execute(visibility, command).await.unwrap_or_else(JobReply::Problem)
    }

    async fn execute(&self, visibility: Visibility, command: JobCommand) -> Result<JobReply, Problem> {
        if let JobCommand::Create { spec, inputs_found } = command {
            return self.create(spec, inputs_found).await;
        }
        if self.load()?.is_none_or(|loaded| !visibility.includes(loaded.spec.owner)) {
            return Ok(JobReply::NotFound);
        }
        match command {
            JobCommand::Delete => return self.delete().await,
            JobCommand::Get { job_type, reader } => {
                let loaded = self.load()?;
                let known =
                    loaded.filter(|loaded| job_type.is_none_or(|wanted| wanted == loaded.spec.job_type));
                return known.map_or(Ok(JobReply::NotFound), |_| self.job_reply(reader));
            }
            JobCommand::HasOutput { key, reader } => {
                let Some(LoadedJob { job, .. }) = self.load()? else { return Ok(JobReply::NotFound) };
                reader.admit(job.link_generation)?;
                let etag = job.output_etag(&key).map(str::to_owned);
                return Ok(etag.map_or(JobReply::HasNoOutput, JobReply::HasOutput));
            }
            JobCommand::Events { after, reader } => return self.events(after, reader),
            JobCommand::Deliveries => {
                let Some(LoadedJob { spec, job }) = self.load()? else { return Ok(JobReply::NotFound) };
                let json = deliveries_json(spec.id, &job.webhooks, visibility);
                return Ok(JobReply::Json(json));
            }
            JobCommand::Redeliver { delivery } => {
                let is_known = |loaded: LoadedJob| {
                    loaded.job.webhooks.find(delivery).is_some_and(|one| is_seen(one, visibility))
                };
                if !self.load()?.is_some_and(is_known) {
                    return Err(Problem::delivery_not_found());
                }
            }
            JobCommand::Create { .. }
            | JobCommand::Callback { .. }
            | JobCommand::Webhook { .. }
            | JobCommand::Reconcile { .. }
            | JobCommand::Cancel
            | JobCommand::Retry
            | JobCommand::RevokeLinks { .. } => {}
        }
        if matches!(command, JobCommand::Retry)
            && let Some(loaded) = self.load()?
        {
            admit_retry(&loaded.job, &env::config(&self.env)?.limits)?;
        }
        let revoked = if let JobCommand::RevokeLinks { of_users } = command { Some(of_users) } else { None };
        let redelivered =
            if let JobCommand::Redeliver { delivery } = command { Some(delivery) } else { None };
        let Some((event, caller)) = event_of(command) else { return Err(Problem::internal()) };
        let outcome = self.advance(event).await?;
        if let Some(of_users) = revoked {
            Subscribers(&self.state).close_revoked(of_users);
        }
        let Some(LoadedJob { spec, job }) = self.load()? else { return Ok(JobReply::NotFound) };
        if let Some(delivery) = redelivered.and_then(|id| job.webhooks.find(id)) {
            return Ok(JobReply::Json(delivery_json(spec.id, delivery)));
        }
        match answer(caller, outcome, &job) {
            Answer::Job => self.job_reply(Reader::Owner),
            Answer::Claim { attempt, conditional_put } => {
                let config = env::config(&self.env)?;
                let claim = claim_response(&config, &spec, attempt, conditional_put, clock::now());
                Ok(JobReply::Json(to_json(&claim)?))
            }
            Answer::Received(response) => Ok(JobReply::Json(to_json(&response)?)),
            Answer::Problem(problem) => Err(problem),
        }
    }

    async fn create(&self, spec: JobSpec, inputs_found: bool) -> Result<JobReply, Problem> {
        // The only wait comes first: between the look and the write nothing can slip in.
        self.load_alarm().await?;
        let existing = self.load()?.map(|loaded| loaded.spec);
        match creation(existing.as_deref(), &spec, inputs_found) {
            Creation::Existing => return self.job_reply(Reader::Owner),
            Creation::Refused(reply) => return Ok(reply),
            Creation::New => {}
        }
        let timeouts = self.timeouts(&spec)?;
        let mut job = Job::new(spec.id, spec.created_at);
        job.companions = spec.companions.clone();
        job.webhooks.has_own_url = spec.webhook_url.is_some();
        // Workers of a deleted job of this id may still put: they are the new one's to sweep.
        job.sweep_at =
            self.store.tombstone().map_err(|cause| self.log_and_hide("reading storage", &cause))?;
        let rows = self
            .store
            .create(&spec, &job, &job.initial_entry())
            .map_err(|cause| self.log_and_hide("creating the job", &cause))?;
        self.count(Usage { object_rows: rows, ..Usage::default() });
        self.schedule_alarm(&job, &timeouts);
        *self.loaded.borrow_mut() = Some(LoadedJob { spec: Rc::new(spec), job: Rc::new(job) });
        self.early.created.set(true);
        self.notify_early_subscribers();
        self.job_reply(Reader::Owner)
    }

    async fn delete(&self) -> Result<JobReply, Problem> {
        let Some(loaded) = self.load()? else { return Ok(JobReply::NotFound) };
        self.load_alarm().await?;
        let mut deletion = Deletion::begin(&loaded.spec, &loaded.job, clock::now())?;
        self.run_deletion(loaded.spec.id, Some(&loaded), &mut deletion).await?;
        *self.loaded.borrow_mut() = None;
        self.early.created.set(false);
        Subscribers(&self.state).close_all();
        Ok(JobReply::Deleted)
    }

    /// The alarm of an object whose job was deleted: deletes what was put since. Nothing else wakes it.
    pub(super) async fn sweep_deleted(&self) -> Result<(), Problem> {
        let sweep_at =
            self.store.tombstone().map_err(|cause| self.log_and_hide("reading storage", &cause))?;
        let Some(sweep_at) = sweep_at else { return Ok(()) };
        let id = self.state.id().name().and_then(|name| name.parse().ok());
        let Some(id) = id else { return Err(Problem::internal()) };
        let now = clock::now();
        if now < sweep_at {
            self.set_alarm(sweep_at);
        } else if self.run_deletion(id, None, &mut Deletion::of_tombstone(id)).await.is_err() {
            self.set_alarm(now + env::config(&self.env)?.timeouts.late_put_grace);
        }
        Ok(())
    }

    /// Takes all steps of a deletion. `loaded` is the job, if all of it goes.
    pub(super) async fn run_deletion(
        &self,
        id: JobId,
        loaded: Option<&LoadedJob>,
        deletion: &mut Deletion,
    ) -> Result<(), Problem> {
        let deleted = async {
            while *deletion.step() != DeletionStep::Done {
                let done = self.delete_step(id, loaded, deletion.step()).await?;
                deletion.advance(done);
            }
            Ok(())
        };
        with_timeout(BINDING, deleted).await.map_err(|cause| self.log_and_hide("deleting files", &cause))
    }

    async fn delete_step(
        &self,
        id: JobId,
        loaded: Option<&LoadedJob>,
        step: &DeletionStep,
    ) -> worker::Result<StepDone> {
        let bucket = env::videos(&self.env).map_err(|_| "the bucket is not bound")?;
        let database = env::database(&self.env).map_err(|_| "the database is not bound")?;
        match step {
            DeletionStep::WriteIndex { version } => {
                let Some(loaded) = loaded else { return Ok(StepDone::Done) };
                let row = upsert_job(&loaded.spec, &loaded.job.snapshot(), *version);
                index::write(&database, row).await?;
            }
            DeletionStep::ListOutputs { prefix } => {
                let outputs = bucket.list().prefix(prefix.clone()).execute().await?;
                return Ok(StepDone::Keys(outputs.objects().iter().map(Object::key).collect()));
            }
            DeletionStep::FindReferences { keys } => {
                let outliving = select_keys_outliving(id, keys.clone());
                return Ok(StepDone::Keys(index::query(&database, outliving).await?));
            }
            DeletionStep::DeleteObjects { keys } => bucket.delete_multiple(keys.clone()).await?,
            DeletionStep::RemoveRow => {
                index::write(&database, delete_job(id)).await?;
            }
            DeletionStep::DeleteStorage => {
                self.store.delete_all().await?;
                self.alarm.set(AlarmState::Unset);
            }
            // In one turn, so that tombstone and alarm become durable together.
            DeletionStep::LeaveTombstone { sweep_at } => {
                self.store.leave_tombstone(*sweep_at)?;
                self.set_alarm(*sweep_at);
            }
            DeletionStep::Done => {}
        }
        Ok(StepDone::Done)
    }

    fn job_reply(&self, reader: Reader) -> Result<JobReply, Problem> {
        let Some(LoadedJob { spec, job }) = self.load()? else { return Ok(JobReply::NotFound) };
        reader.admit(job.link_generation)?;
        let config = env::config(&self.env)?;
        let snapshot = job.snapshot();
        let mut usage = job.usage;
        usage += self.uncounted.get();
        let now = clock::now();
        let link = reader.link(job.link_generation, now);
        Ok(JobReply::Json(with_urls(&config, &spec, &snapshot, link, now, |urls| {
            job_json(
                &spec,
                &snapshot,
                Some(job.seq),
                urls,
                JobFormat::Resource,
                reader.detail(JobDetail::WithUsage(usage)),
            )
        })))
    }

    fn events(&self, after: u64, reader: Reader) -> Result<JobReply, Problem> {
        let Some(LoadedJob { spec, job }) = self.load()? else { return Ok(JobReply::NotFound) };
        reader.admit(job.link_generation)?;
        let config = env::config(&self.env)?;
        let entries =
            self.store.events_after(after).map_err(|cause| self.log_and_hide("reading events", &cause))?;
        let now = clock::now();
        let link = reader.link(job.link_generation, now);
        let message = |entry: &LogEntry| {
            with_urls(&config, &spec, &entry.snapshot, link, now, |urls| {
                entry_message(&spec, entry, SocketProtocol::Message, reader, urls)
            })
        };
        let messages: Vec<String> = entries.iter().map(message).collect();
        Ok(JobReply::Json(format!("{{\"events\":[{}],\"seq\":{}}}", messages.join(","), job.seq)))
    }
}

fn to_json(value: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(value).map_err(|_| Problem::internal())
}
