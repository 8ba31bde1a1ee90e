//! Who may call what: one table of routes and the credentials that open them, and one function that reads it.
//!
//! Invariant: every route has a line in [`Route::accepts`], and a request that shows none of its credentials
//! never reaches a handler. A token in a URL is checked before the object it names is woken.
//!
//! To add a kind of caller: a [`Credential`], its lines in the table, its check in [`authorize`], and its
//! [`Caller`].

use crate::auth::token::{Purpose, bearer_matches};
use crate::base::id::{JobId, UploadId};
use crate::base::object_key::ObjectKey;
use crate::base::owner::Visibility;
use crate::base::percent;
use crate::base::time::Timestamp;
use crate::config::{ApiAccess, Config, is_loopback};
use crate::http::problem::{Problem, ProblemCode};
use crate::http::route::Route;

/// What opens a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential<'r> {
    /// Nothing: everybody may call.
    Nothing,
    /// The API key, as `Authorization: Bearer`. An API without a key takes a call at a loopback host instead.
    ApiKey,
    /// A watch token of this job, as `?token=`. It opens what only reads.
    WatchToken(JobId),
    /// The token of one attempt of this job, for its callbacks: in the path, else as `Authorization: Bearer`.
    CallbackToken(JobId, Option<&'r str>),
    /// The token in the path, for the webhook of one attempt of this job.
    WebhookToken(JobId, &'r str),
    /// The upload's token in the path, with the upload's key as `?video_key=`.
    UploadToken(&'r str),
}

impl<'r> Route<'r> {
    /// The credentials that open the route; any one of them does.
    #[allow(clippy::match_same_arms, reason = "a table: one line a route")]
    pub fn accepts(&self) -> Vec<Credential<'r>> {
        use Credential::{ApiKey, CallbackToken, Nothing, UploadToken, WatchToken, WebhookToken};
        match self {
            Self::Health => vec![Nothing],
            Self::ListJobs => vec![ApiKey],
            Self::CreateJob => vec![ApiKey],
            Self::Job(id) => vec![ApiKey, WatchToken(*id)],
            Self::DeleteJob(_) => vec![ApiKey],
            Self::Watch(id) => vec![ApiKey, WatchToken(*id)],
            Self::WatchLegacy(id) => vec![ApiKey, WatchToken(*id)],
            Self::Events(id) => vec![ApiKey, WatchToken(*id)],
            Self::Cancel(_) => vec![ApiKey],
            Self::Retry(_) => vec![ApiKey],
            Self::Callback(id, token, _) => vec![CallbackToken(*id, *token)],
            Self::Webhook(id, token) => vec![WebhookToken(*id, token)],
            Self::UploadUrl => vec![ApiKey],
            Self::CreateUpload => vec![ApiKey],
            Self::Upload(token, _) => vec![UploadToken(token)],
            // A watch token opens what its job made, and no input.
            Self::Download(key) => [ApiKey].into_iter().chain(key.output_of().map(WatchToken)).collect(),
            Self::ActiveExports => vec![ApiKey],
            Self::CreateExport(_) => vec![ApiKey],
            Self::Export(_, id) => vec![ApiKey, WatchToken(*id)],
            Self::ListProjects => vec![ApiKey],
            Self::Project(_) => vec![ApiKey],
            Self::PutProject(_) => vec![ApiKey],
            Self::ListClips(_) => vec![ApiKey],
            Self::Clip(_) => vec![ApiKey],
            Self::PutClip(_) => vec![ApiKey],
            Self::DeleteClip(_) => vec![ApiKey],
            Self::Preflight => vec![Nothing],
        }
    }
}

/// What a request shows of its caller beside its path. Nothing of it is checked yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'r> {
    /// The host that was called, with or without a port.
    pub host: &'r str,
    /// The header `Authorization`.
    pub authorization: Option<&'r str>,
    /// The query parameter `token`.
    pub token: Option<&'r str>,
    /// The query parameter `video_key`, as it was sent.
    pub video_key: Option<&'r str>,
}

/// Who calls, as the credential has proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Anybody.
    Anyone,
    /// A client of the API.
    Client,
    /// Somebody who watches the job of the route.
    Watcher,
    /// What runs this attempt of the route's job: the GPU worker, or RunPod.
    Attempt(u32),
    /// A holder of this upload.
    Uploader(UploadId),
}

impl Caller {
    /// Whose things this caller sees.
    pub const fn visibility(self) -> Visibility {
        match self {
            // A link opens one thing, which its token names.
            Self::Anyone | Self::Client | Self::Watcher | Self::Attempt(_) | Self::Uploader(_) => {
                Visibility::All
            }
        }
    }

    /// The attempt that calls; for routes that accept nothing else.
    pub fn attempt(self) -> Result<u32, Problem> {
        if let Self::Attempt(attempt) = self { Ok(attempt) } else { Err(Problem::internal()) }
    }

    /// The upload whose holder calls; for routes that accept nothing else.
    pub fn upload(self) -> Result<UploadId, Problem> {
        if let Self::Uploader(upload) = self { Ok(upload) } else { Err(Problem::internal()) }
    }
}

/// Whether a caller may use a video of this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAccess {
    /// It may, if the video is there.
    Granted,
    /// It may if this job is its own and made the video.
    OutputOf(JobId),
    /// For this caller there is no such video.
    Hidden,
}

/// Whether a caller who sees so much may use a video of this key: an end user their own uploads, and what
/// their jobs made.
pub fn key_access(key: &ObjectKey, visibility: Visibility) -> KeyAccess {
    match (visibility, key.output_of()) {
        (Visibility::All, _) => KeyAccess::Granted,
        (Visibility::Owner(_), Some(job)) => KeyAccess::OutputOf(job),
        (Visibility::Owner(owner), None) if key.input_owner() == Some(owner) => KeyAccess::Granted,
        (Visibility::Owner(_), None) => KeyAccess::Hidden,
    }
}

/// Checks what a request shows against what its route accepts.
///
/// # Errors
/// 401 without the API key or a watch token, 403 for another token that proves nothing, 503 for a call from
/// elsewhere to an API without a key.
pub fn authorize(
    route: &Route<'_>,
    presented: &Presented<'_>,
    config: &Config,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let mut refusal = Problem::internal();
    for credential in route.accepts() {
        match check(credential, presented, config, now) {
            Ok(caller) => return Ok(caller),
            // The last one names every way.
            Err(problem) => refusal = problem,
        }
    }
    Err(refusal)
}

fn check(
    credential: Credential<'_>,
    presented: &Presented<'_>,
    config: &Config,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let attempt = |purpose, job, token| {
        let attempt = config.signer.verify(purpose, job, token, now);
        attempt.map(Caller::Attempt).map_err(|why| bad_token(format!("Callback rejected: {why}.")))
    };
    match (credential, &config.access) {
        (Credential::Nothing, _) => Ok(Caller::Anyone),
        (Credential::ApiKey, ApiAccess::Open) if is_loopback(presented.host) => Ok(Caller::Client),
        // Whatever it shows: development settings that were deployed by mistake open nothing.
        (Credential::ApiKey | Credential::WatchToken(_), ApiAccess::Open) => Err(Problem::new(
            ProblemCode::NotConfigured,
            "This deployment uses development settings, so the API answers only on localhost. Set WORKERS_API_KEY to allow other hosts.",
        )),
        (Credential::ApiKey, ApiAccess::Key(key)) => {
            if bearer_matches(presented.authorization, key.reveal()) {
                return Ok(Caller::Client);
            }
            Err(unauthorized("send the API key as `Authorization: Bearer <key>`."))
        }
        (Credential::WatchToken(job), ApiAccess::Key(_)) => {
            let token = presented.token.map(|token| config.signer.verify(Purpose::Watch, job, token, now));
            if matches!(token, Some(Ok(_))) {
                return Ok(Caller::Watcher);
            }
            Err(unauthorized(
                "send the API key as `Authorization: Bearer <key>`, or the `token` from the job's websocket_url.",
            ))
        }
        (Credential::CallbackToken(job, token), _) => {
            let token = token.or_else(|| bearer_token(presented.authorization?));
            attempt(Purpose::Callback, job, token.unwrap_or_default())
        }
        (Credential::WebhookToken(job, token), _) => attempt(Purpose::Webhook, job, token),
        (Credential::UploadToken(token), _) => {
            let key = presented.video_key.and_then(percent::decode_query);
            let key = key.and_then(|key| ObjectKey::parse_input(&key).ok());
            let upload = key.and_then(|key| config.signer.verify_upload(token, &key).ok());
            upload.map(Caller::Uploader).ok_or_else(|| {
                bad_token("Invalid upload credentials: upload_id (in the path) and ?video_key= (percent-encoded) must be the pair returned when the upload was created.")
            })
        }
    }
}

/// The token of `Bearer {token}`.
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(what_to_do: &str) -> Problem {
    Problem::new(ProblemCode::Unauthorized, format!("Authentication required: {what_to_do}"))
}

fn bad_token(sentence: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadToken, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::DurationMs;
    use crate::config::Setting;
    use crate::http::route::ROUTES;

    const KEY: &str = "api-key";
    const NOW: Timestamp = Timestamp(1_769_850_300_250);
    const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    fn config(api_key: Option<&str>) -> Config {
        Config::parse(&|setting| {
            let value = match setting {
                Setting::Environment => "development",
                Setting::WorkersApiKey => return api_key.map(str::to_owned),
                Setting::SigningKey => "0123456789abcdef0123456789abcdef",
                Setting::R2Endpoint | Setting::PublicUrl => "http://localhost:8787",
                Setting::R2AccessKeyId | Setting::R2SecretAccessKey | Setting::R2BucketName => "r2",
                _ => return None,
            };
            Some(value.to_owned())
        })
        .unwrap()
    }

    fn id() -> JobId {
        ID.parse().unwrap()
    }

    /// The status of a refusal, or the caller.
    fn status(config: &Config, path: &str, presented: Presented<'_>) -> Result<Caller, u16> {
        let route = Route::parse(if path.contains("/do/") { "POST" } else { "GET" }, path).unwrap();
        authorize(&route, &presented, config, NOW).map_err(|problem| problem.code.status())
    }

    #[test]
    fn a_watch_token_opens_the_results_of_its_job_and_no_input() {
        let config = config(Some(KEY));
        let token = config.signer.sign(Purpose::Watch, id(), 0, NOW, DurationMs::minutes(1));
        let shows = Presented { token: Some(&token), ..Presented::default() };
        let download = |key: String| status(&config, &format!("/api/videos/download/{key}"), shows);
        assert_eq!(download(format!("output/{ID}/1/video.mp4")), Ok(Caller::Watcher));
        assert_eq!(download(format!("input/{ID}/video.mp4")), Err(401));
        assert_eq!(download("output/else/1/video.mp4".to_owned()), Err(401));
        assert_eq!(status(&config, "/api/jobs", shows), Err(401));
    }

    #[test]
    fn a_watch_token_only_reads_and_nothing_but_health_is_open_to_everybody() {
        for row in ROUTES {
            let path = row.path_with(|name| match name {
                "job_id" => ID.to_owned(),
                "key" => format!("output/{ID}/1/video.mp4"),
                _ => "7".to_owned(),
            });
            for method in row.methods.split(", ") {
                let accepts = Route::parse(method, &path).unwrap().accepts();
                if accepts.iter().any(|credential| matches!(credential, Credential::WatchToken(_))) {
                    assert!(matches!(method, "GET" | "HEAD"), "{method} {path}");
                }
                assert_eq!(accepts.contains(&Credential::Nothing), row.route == "Health", "{method} {path}");
                assert!(!accepts.is_empty(), "{method} {path}");
            }
        }
    }

    #[test]
    fn an_open_api_takes_calls_at_this_machine_only() {
        let config = config(None);
        let token = config.signer.sign(Purpose::Watch, id(), 0, NOW, DurationMs::minutes(1));
        let shows = |host| Presented {
            host,
            token: Some(&token),
            authorization: Some("Bearer x"),
            ..Presented::default()
        };
        for path in ["/api/jobs".to_owned(), format!("/api/jobs/{ID}")] {
            assert_eq!(status(&config, &path, shows("localhost:8787")), Ok(Caller::Client));
            assert_eq!(status(&config, &path, shows("api.example")), Err(503));
        }
        assert_eq!(status(&config, "/health", shows("api.example")), Ok(Caller::Anyone));
        let callback = config.signer.sign(Purpose::Callback, id(), 2, NOW, DurationMs::minutes(1));
        let path = format!("/api/jobs/{ID}/do/{callback}/claim");
        assert_eq!(status(&config, &path, shows("api.example")), Ok(Caller::Attempt(2)));
    }

    #[test]
    fn a_callback_shows_its_token_in_the_header_or_in_the_path() {
        let config = config(Some(KEY));
        let sign = |purpose, id| config.signer.sign(purpose, id, 2, NOW, DurationMs::minutes(1));
        let token = sign(Purpose::Callback, id());
        let call = |path: &str, authorization: Option<&str>| {
            let path = format!("/api/jobs/{ID}/{path}");
            let route = Route::parse("POST", &path).unwrap();
            let presented = Presented { authorization, ..Presented::default() };
            authorize(&route, &presented, &config, NOW).map_err(|problem| problem.code.status())
        };
        let in_path = format!("do/{token}/claim");
        assert_eq!(call(&in_path, None), Ok(Caller::Attempt(2)));
        for path in ["attempt/claim", "attempt/progress", "attempt/complete", "attempt/error"] {
            assert_eq!(call(path, Some(&format!("Bearer {token}"))), Ok(Caller::Attempt(2)), "{path}");
        }
        let (webhook, other) =
            (sign(Purpose::Webhook, id()), sign(Purpose::Callback, JobId::from_random([1; 16])));
        for wrong in [
            None,
            Some(token.as_str()),
            Some("Bearer"),
            Some("Bearer "),
            Some("Basic x"),
            Some("Bearer api-key"),
        ] {
            assert_eq!(call("attempt/claim", wrong), Err(403), "{wrong:?}");
        }
        for wrong in [webhook, other] {
            assert_eq!(call("attempt/claim", Some(&format!("Bearer {wrong}"))), Err(403));
        }
        assert_eq!(
            call("do/x/claim", Some(&format!("Bearer {token}"))),
            Err(403),
            "what the path says counts"
        );
    }

    #[test]
    fn a_refusal_names_what_the_route_accepts() {
        let config = config(Some(KEY));
        let sentence = |path: &str| {
            let route = Route::parse("GET", path).unwrap();
            authorize(&route, &Presented::default(), &config, NOW).unwrap_err().detail
        };
        assert!(sentence(&format!("/api/jobs/{ID}")).contains("websocket_url"));
        assert!(!sentence("/api/jobs").contains("websocket_url"));
    }
}
