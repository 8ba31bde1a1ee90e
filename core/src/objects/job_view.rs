//! What a job's object makes for its readers: URLs of this moment, the claim response, callback URLs.
//!
//! Invariant: URLs are signed when they are read, and never stored.

use crate::auth::token::Purpose;
use crate::auth::watch_link::WatchLink;
use crate::base::object_key::ObjectKey;
use crate::base::object_version::ObjectVersion;
use crate::base::time::{DurationMs, Timestamp};
use crate::config::{ApiAccess, Config, RunpodConfig};
use crate::job::companions::RenditionFile;
use crate::job::snapshot::Snapshot;
use crate::job::spec::JobSpec;
use crate::job::state::Job;
use crate::s3::ANY_VERSION;
use crate::wire::gpu_worker::{CallbackAddress, ClaimResponse, InputDownload, PresignedPut, RenditionPut};
use crate::wire::job::{JobUrls, RenditionUrls};

/// Makes the URLs that belong to this moment, with this link for the reader, and hands them to `render`.
pub fn with_urls<T: Default>(
    config: &Config,
    spec: &JobSpec,
    snapshot: &Snapshot,
    link: WatchLink,
    now: Timestamp,
    render: impl FnOnce(JobUrls<'_>) -> T,
) -> T {
    let (mut render, mut rendered) = (Some(render), None);
    make_urls(config, spec, snapshot, link, now, &mut |urls| {
        rendered = render.take().map(|render| render(urls));
    });
    // It is called once.
    rendered.unwrap_or_default()
}

/// What [`with_urls`] does, once in the compiled code and not for each of its callers.
fn make_urls(
    config: &Config,
    spec: &JobSpec,
    snapshot: &Snapshot,
    link: WatchLink,
    now: Timestamp,
    render: &mut dyn FnMut(JobUrls<'_>),
) {
    let get = |key: &str, download_name: Option<&str>| {
        let key = ObjectKey::parse_output_of(spec.id, key).ok()?;
        Some(config.presigner.get(&key, download_name, RESULT_URL_LIFETIME, now))
    };
    let output_url = snapshot
        .output
        .as_ref()
        .and_then(|output| get(&output.key, Some(&format!("{}-{}.mp4", spec.job_type.as_str(), spec.id))));
    // Without a name to save it under, a browser shows it: the type was signed when it was put.
    let picture = |key: &str| get(key, None);
    let poster_url = snapshot.output.as_ref().and_then(|output| picture(output.poster.as_deref()?));
    let companions = snapshot.output.as_ref().map(|output| &output.companions);
    let rendition = |file: &RenditionFile| RenditionUrls {
        output: get(
            file.key.as_str(),
            Some(&format!("{}-{}-{}.mp4", spec.job_type.as_str(), spec.id, file.name)),
        ),
        poster: file.poster.as_ref().and_then(|poster| picture(poster.as_str())),
    };
    let renditions: Vec<RenditionUrls> =
        companions.iter().flat_map(|companions| &companions.renditions).map(rendition).collect();
    let sheet = companions.and_then(|companions| companions.filmstrip.as_ref());
    let filmstrip_url = sheet.and_then(|sheet| picture(sheet.key.as_str()));
    let with_token = |path: String| match &config.access {
        ApiAccess::Open => path,
        ApiAccess::Keys(_) => {
            format!("{path}?token={}", link.token(&config.signer, spec.id))
        }
    };
    let websocket_url = with_token(format!("/api/jobs/{}/ws", spec.id));
    let filmstrip_vtt_url = match sheet {
        Some(_) => with_token(format!("/api/jobs/{}/filmstrip.vtt", spec.id)),
        None => String::new(),
    };
    render(JobUrls {
        renditions: &renditions,
        filmstrip_url: filmstrip_url.as_deref(),
        filmstrip_vtt_url: &filmstrip_vtt_url,
        output_url: output_url.as_deref(),
        poster_url: poster_url.as_deref(),
        websocket_url: &websocket_url,
    });
}

/// What a GPU worker needs for the attempt that it has claimed: the edit, and URLs that are fresh now.
///
/// With `conditional_put` the URLs of output and poster put an object once: nobody replaces what was verified.
pub fn claim_response(
    config: &Config,
    spec: &JobSpec,
    attempt: u32,
    conditional_put: bool,
    now: Timestamp,
) -> ClaimResponse {
    let timeouts = config.timeouts.for_job(spec.execution_timeout);
    let lifetime = timeouts.worker_url_lifetime;
    let put = |key: &ObjectKey, content_type: &str| PresignedPut {
        url: if conditional_put {
            config.presigner.put_once(key, content_type, lifetime, now)
        } else {
            config.presigner.put(key, content_type, None, lifetime, now)
        },
        key: key.as_str().to_owned(),
        content_type: content_type.to_owned(),
        if_none_match: conditional_put.then(|| ANY_VERSION.to_owned()),
    };
    let input_url = |key: &ObjectKey| config.presigner.get(key, None, lifetime, now);
    let versions = spec.input_versions.iter().map(Some).chain(std::iter::repeat(None));
    let download = |(key, version): (&ObjectKey, Option<&ObjectVersion>)| InputDownload {
        video_key: key.as_str().to_owned(),
        url: input_url(key),
        version: version.cloned(),
    };
    let several = !spec.extra_inputs.is_empty();
    ClaimResponse {
        applied: true,
        job_id: spec.id,
        attempt,
        job_type: spec.job_type,
        params: spec.params.clone(),
        input_url: input_url(&spec.input_key),
        input_version: spec.input_versions.first().cloned(),
        inputs: spec.inputs().zip(versions).filter(|_| several).map(download).collect(),
        execution_timeout_ms: u64::try_from(timeouts.execution_timeout.0).ok(),
        output: put(&ObjectKey::output(spec.id, attempt), OUTPUT_TYPE),
        poster: Some(put(&ObjectKey::poster(spec.id, attempt), POSTER_TYPE)),
        outputs: spec
            .companions
            .renditions
            .iter()
            .map(|name| RenditionPut {
                name: name.clone(),
                video: put(&ObjectKey::rendition(spec.id, attempt, name), OUTPUT_TYPE),
                poster: put(&ObjectKey::rendition_poster(spec.id, attempt, name), POSTER_TYPE),
            })
            .collect(),
        filmstrip: spec
            .companions
            .filmstrip
            .then(|| put(&ObjectKey::filmstrip(spec.id, attempt), POSTER_TYPE)),
    }
}

/// Where one attempt is reported on.
#[derive(Clone)]
pub struct AttemptUrls {
    /// For the GPU worker.
    pub callback: CallbackAddress,
    /// The same as one URL, for older GPU workers.
    pub callback_url: String,
    /// For RunPod, which calls a URL and sends no token.
    pub webhook_url: String,
}

/// The URLs of one attempt. They are good for the whole of queue and execution, and a little longer.
pub fn attempt_urls(config: &Config, spec: &JobSpec, attempt: u32, now: Timestamp) -> AttemptUrls {
    let timeouts = config.timeouts.for_job(spec.execution_timeout);
    let lifetime = DurationMs(timeouts.queue_timeout.0 + timeouts.execution_timeout.0 + TOKEN_MARGIN.0);
    let token = |purpose| config.signer.sign(purpose, spec.id, attempt, now, lifetime);
    let (base, id) = (&config.public_url, spec.id);
    let callback =
        CallbackAddress { url: format!("{base}/api/jobs/{id}/attempt"), token: token(Purpose::Callback) };
    AttemptUrls {
        callback_url: format!("{base}/api/jobs/{id}/do/{}", callback.token),
        callback,
        webhook_url: format!("{base}/api/runpod/webhook/{id}/{}", token(Purpose::Webhook)),
    }
}

/// The endpoint that has this job, with today's key. Without a configured endpoint there is none.
pub fn endpoint_of(config: &Config, job: &Job) -> Option<RunpodConfig> {
    let runpod = config.runpod.as_ref()?;
    let endpoint = job.endpoint.clone().unwrap_or_else(|| runpod.endpoint.clone());
    Some(RunpodConfig { endpoint, key: runpod.key.clone() })
}

/// One hour, for a reel and its poster.
pub const RESULT_URL_LIFETIME: DurationMs = DurationMs::minutes(60);
/// Clocks differ, and a result may arrive late.
const TOKEN_MARGIN: DurationMs = DurationMs::minutes(30);
const OUTPUT_TYPE: &str = "video/mp4";
const POSTER_TYPE: &str = "image/jpeg";
