//! Effects of a job, performed side by side. Each has an end of its own, and ends in an event or in nothing.

use futures::future::join_all;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reel_core::config::Address;
use reel_core::http::problem::Problem;
use reel_core::job::effect::JobEffect;
use reel_core::job::event::{JobEvent, ObjectCheck};
use reel_core::job::gpu_service::{StatusReply, SubmitReply};
use reel_core::objects::deletion::Deletion;
use reel_core::objects::job_view::{attempt_urls, endpoint_of};
use reel_core::objects::log_event::LogEvent;
use reel_core::sql::jobs::upsert_job;
use reel_core::sql::webhooks::{parse_subscriptions, select_subscriptions};
use reel_core::webhook::queue::DAYS_OF_FAILURE;

use super::{JobObject, LoadedJob};
use crate::clients::runpod::RunpodClient;
use crate::index;
use crate::platform::bucket::{Head, heads};
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

impl JobObject {
    /// Performs effects, and those that follow from what came of them.
    pub(super) async fn run_effects(&self, effects: Vec<JobEffect>) -> Result<(), Problem> {
        let mut effects = effects;
        while !effects.is_empty() {
            let events = join_all(effects.into_iter().map(|effect| self.run_effect(effect))).await;
            effects = Vec::new();
            for event in events {
                if let Some(event) = event? {
                    effects.extend(self.step(event)?.1);
                }
            }
        }
        Ok(())
    }

    /// Performs one effect and gives the event that it ends in, if it does in one.
    async fn run_effect(&self, effect: JobEffect) -> Result<Option<JobEvent>, Problem> {
        let config = env::config(&self.env)?;
        let Some(LoadedJob { spec, job }) = self.load()? else { return Err(Problem::job_not_found()) };
        // Where this job's RunPod jobs are asked about. Without an endpoint an operator must act, as when the
        // key is refused.
        let runpod = endpoint_of(&config, &job);
        let timeouts = config.timeouts.for_job(spec.execution_timeout);
        let runpod =
            runpod.as_ref().map(|endpoint| RunpodClient { endpoint, timeouts: &timeouts, spec: &spec });
        Ok(Some(match effect {
            JobEffect::Submit { attempt } => {
                let Some(configured) = &config.runpod else {
                    let (endpoint, reply) = (String::new(), SubmitReply::NoEndpoint);
                    return Ok(Some(JobEvent::SubmitReplied { attempt, endpoint, reply }));
                };
                if config.address == Address::NotCalledYet {
                    let (endpoint, reply) = (configured.endpoint.clone(), SubmitReply::NoCallbackAddress);
                    return Ok(Some(JobEvent::SubmitReplied { attempt, endpoint, reply }));
                }
                let urls = attempt_urls(&config, &spec, attempt, clock::now());
                let caller = RunpodClient { endpoint: configured, timeouts: &timeouts, spec: &spec };
                let reply = caller.submit(attempt, urls).await;
                JobEvent::SubmitReplied { attempt, endpoint: configured.endpoint.clone(), reply }
            }
            JobEffect::PollStatus { attempt, runpod_job_id } => {
                let reply = match runpod {
                    Some(runpod) => runpod.status(attempt, &runpod_job_id).await,
                    None => StatusReply::Unauthorized,
                };
                JobEvent::StatusPolled { attempt, reply }
            }
            JobEffect::ReadEndpointLoad { attempt } => {
                let Some(runpod) = runpod else { return Ok(None) };
                let load = runpod.endpoint_load(attempt).await;
                return Ok(load.map(|load| JobEvent::EndpointLoadRead { attempt, load }));
            }
            JobEffect::CancelRunpodJob { runpod_job_id } => {
                let confirmed = match runpod {
                    Some(runpod) => runpod.cancel(job.attempt, &runpod_job_id).await,
                    None => false,
                };
                JobEvent::CancelReplied { runpod_job_id, confirmed }
            }
            JobEffect::CheckOutput { key, poster, companions } => {
                let mut checks = self.check_objects(&key, &poster, &companions).await.into_iter();
                let mut next = || checks.next().unwrap_or(ObjectCheck::Unknown);
                let (output, poster) = (next(), next());
                JobEvent::OutputChecked { key, output, poster, companions: checks.collect() }
            }
            JobEffect::DeleteObjects { keys } => {
                let keys: Vec<String> = keys.into_iter().map(String::from).collect();
                let deleted = with_timeout(BINDING, env::videos(&self.env)?.delete_multiple(keys)).await;
                if let Err(cause) = deleted {
                    self.log_and_hide("deleting a late result", &cause);
                }
                return Ok(None);
            }
            JobEffect::SweepOutputs { keep } => {
                let mut sweep = Deletion::sweep(spec.id, &keep);
                JobEvent::OutputsSwept { done: self.run_deletion(spec.id, None, &mut sweep).await.is_ok() }
            }
            JobEffect::WriteIndex { version, find_endpoints } => {
                let database = env::database(&self.env)?;
                let mut batch = upsert_job(&spec, &job.snapshot(), version);
                if find_endpoints {
                    // In the same batch: a job without endpoints costs no further call.
                    batch.push(select_subscriptions(spec.owner));
                }
                let written = index::write_and_query(&database, batch).await;
                match written.map_err(|cause| self.log_and_hide("an index row", &cause)) {
                    Err(_) => JobEvent::IndexWritten { version, written: None, endpoints: None },
                    Ok((count, rows)) => {
                        let endpoints = find_endpoints.then(|| parse_subscriptions(spec.owner, &rows));
                        JobEvent::IndexWritten { version, written: Some(count), endpoints }
                    }
                }
            }
            JobEffect::DeliverWebhook(attempt) => {
                self.begin_delivery(attempt);
                return Ok(None);
            }
            JobEffect::NoteEndpoint { webhook_id, note } => {
                let limit = DurationMs(timeouts.webhook_window.0.saturating_mul(DAYS_OF_FAILURE));
                // Logged where it failed; the delivery itself has been noted.
                let _noted = self.note_endpoint(webhook_id, note, limit).await;
                return Ok(None);
            }
        }))
    }

    /// What is at a result's key, at its poster's and at each of its companions'; less when it cannot be read.
    async fn check_objects(
        &self,
        key: &ObjectKey,
        poster: &ObjectKey,
        companions: &[ObjectKey],
    ) -> Vec<ObjectCheck> {
        let checked = |head: Head| {
            head.checked(|cause| {
                self.log(LogEvent::JobFailed, &format!("checking the output failed: {cause}"));
            })
        };
        let keys: Vec<&str> = [key, poster].into_iter().chain(companions).map(ObjectKey::as_str).collect();
        match heads(&self.env, &keys).await {
            Ok(heads) => heads.into_iter().map(checked).collect(),
            Err(cause) => {
                self.log_and_hide("checking the output", &cause);
                Vec::new()
            }
        }
    }
}
