//! Who may call what: one table of routes and the credentials that open them, and one function that reads it.
//!
//! Invariant: every route has a line in [`Route::accepts`], and a request that shows none of its credentials
//! never reaches a handler. A token in a URL is checked before the object it names is woken.
//!
//! To add a kind of caller: a [`Credential`], its lines in the table, its check in [`authorize`], and its
//! [`Caller`].

use std::rc::Rc;

use crate::auth::jwt::compact::bearer_jwt;
use crate::auth::jwt::scope::Scope;
use crate::auth::jwt::verify::VerifiedUser;
use crate::auth::subject::Subject;
use crate::auth::token::Purpose;
use crate::auth::watch_link::WatchLink;
use crate::base::id::{JobId, UploadId};
use crate::base::object_key::ObjectKey;
use crate::base::owner::{OwnerId, Visibility};
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
    /// An end user's token with this scope, as `Authorization: Bearer`.
    User(Scope),
    /// A watch token of this job, as `?token=`. It opens what only reads.
    WatchToken(JobId),
    /// The token of one attempt of this job, for its callbacks: in the path, else as `Authorization: Bearer`.
    CallbackToken(JobId, Option<&'r str>),
    /// The token in the path, for the webhook of one attempt of this job.
    WebhookToken(JobId, &'r str),
    /// The upload's token in the path, with the upload's key as `?video_key=`. An upload that a user began also
    /// asks for that user's token, or a service's key.
    UploadToken(&'r str),
}

impl<'r> Route<'r> {
    /// The credentials that open the route; any one of them does.
    #[allow(clippy::match_same_arms, reason = "a table: one line a route")]
    pub fn accepts(&self) -> Vec<Credential<'r>> {
        use Credential::{ApiKey, CallbackToken, Nothing, UploadToken, User, WatchToken, WebhookToken};
        use Scope::{Read, Write};
        match self {
            Self::Health => vec![Nothing],
            Self::ListJobs => vec![ApiKey, User(Read)],
            Self::CreateJob => vec![ApiKey, User(Write)],
            Self::CreateBatch => vec![ApiKey, User(Write)],
            Self::Job(id) => vec![ApiKey, User(Read), WatchToken(*id)],
            Self::DeleteJob(_) => vec![ApiKey, User(Write)],
            Self::Watch(id) => vec![ApiKey, User(Read), WatchToken(*id)],
            Self::WatchLegacy(id) => vec![ApiKey, User(Read), WatchToken(*id)],
            Self::Events(id) => vec![ApiKey, User(Read), WatchToken(*id)],
            Self::Filmstrip(id) => vec![ApiKey, User(Read), WatchToken(*id)],
            Self::Cancel(_) => vec![ApiKey, User(Write)],
            Self::Retry(_) => vec![ApiKey, User(Write)],
            Self::RevokeLinks(_) => vec![ApiKey, User(Write)],
            Self::Callback(id, token, _) => vec![CallbackToken(*id, *token)],
            Self::Webhook(id, token) => vec![WebhookToken(*id, token)],
            Self::UploadUrl => vec![ApiKey, User(Write)],
            Self::CreateUpload => vec![ApiKey, User(Write)],
            Self::Upload(token, _) => vec![UploadToken(token)],
            // A watch token opens what its job made, and no input.
            Self::Download(key) => {
                [ApiKey, User(Read)].into_iter().chain(key.output_of().map(WatchToken)).collect()
            }
            Self::ActiveExports => vec![ApiKey, User(Read)],
            Self::CreateExport(_) => vec![ApiKey, User(Write)],
            Self::Export(_, id) => vec![ApiKey, User(Read), WatchToken(*id)],
            Self::ListProjects => vec![ApiKey, User(Read)],
            Self::Project(_) => vec![ApiKey, User(Read)],
            Self::PutProject(_) => vec![ApiKey, User(Write)],
            Self::ListClips(_) => vec![ApiKey, User(Read)],
            Self::Clip(_) => vec![ApiKey, User(Read)],
            Self::PutClip(_) => vec![ApiKey, User(Write)],
            Self::DeleteClip(_) => vec![ApiKey, User(Write)],
            Self::MintToken => vec![ApiKey],
            Self::ListWebhooks => vec![ApiKey, User(Read)],
            Self::CreateWebhook => vec![ApiKey, User(Write)],
            Self::ShowWebhook(_) => vec![ApiKey, User(Read)],
            Self::PutWebhook(_) => vec![ApiKey, User(Write)],
            Self::DeleteWebhook(_) => vec![ApiKey, User(Write)],
            Self::RotateWebhookSecret(_) => vec![ApiKey, User(Write)],
            Self::TestWebhook(_) => vec![ApiKey, User(Write)],
            // Whoever reads it can sign: a token that only reads must not.
            Self::WebhookUrlSecret => vec![ApiKey, User(Write)],
            Self::Deliveries(_) => vec![ApiKey, User(Read)],
            Self::Redeliver(..) => vec![ApiKey, User(Write)],
            Self::Limits => vec![ApiKey, User(Read)],
            Self::Audit => vec![ApiKey],
            Self::DeleteOwner(_) => vec![ApiKey],
            Self::RevokeTokens(_) => vec![ApiKey],
            Self::Preflight => vec![Nothing],
        }
    }
}

/// In the place of an upload's token in a path: the token and the key are in the headers `Upload-Token` and
/// `Video-Key`, since URLs are kept in traces and some logs.
pub const UPLOAD_IN_HEADERS: &str = "-";

/// What a request shows of its caller beside its path. Nothing of it is checked yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Presented<'r> {
    /// The host that was called, with or without a port.
    pub host: &'r str,
    /// The header `Authorization`.
    pub authorization: Option<&'r str>,
    /// The header `On-Behalf-Of`: a subject, percent-encoded.
    pub on_behalf_of: Option<&'r str>,
    /// The query parameter `token`.
    pub token: Option<&'r str>,
    /// The header `Upload-Token`, for a path with [`UPLOAD_IN_HEADERS`] in the token's place.
    pub upload_token: Option<&'r str>,
    /// The query parameter `video_key` or the header `Video-Key`, as it was sent.
    pub video_key: Option<&'r str>,
    /// What became of the token that [`user_token`] found.
    pub user: Option<&'r Result<Rc<VerifiedUser>, Problem>>,
}

/// The token of an end user that is to be verified before [`authorize`] is called. `None` when the route is
/// closed to users, and when the header holds the API key.
pub fn user_token<'p>(route: &Route<'_>, presented: &Presented<'p>, config: &Config) -> Option<&'p str> {
    let token = bearer_jwt(presented.authorization)?;
    let is_key = match &config.access {
        ApiAccess::Keys(keys) => keys.caller(presented.authorization).is_some(),
        ApiAccess::Open => false,
    };
    let opens =
        |credential: &Credential<'_>| matches!(credential, Credential::User(_) | Credential::UploadToken(_));
    (!is_key && route.accepts().iter().any(opens)).then_some(token)
}

/// Who calls, as the credential has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Anybody.
    Anyone,
    /// A service.
    Service {
        /// The name of its key.
        name: String,
        /// The owner for whom it acts, if it does.
        acting_for: Option<OwnerId>,
    },
    /// An end user, and their hash.
    User(Rc<VerifiedUser>, OwnerId),
    /// Somebody who watches the job of the route, by this link.
    Watcher(WatchLink),
    /// What runs this attempt of the route's job: the GPU worker, or RunPod.
    Attempt(u32),
    /// A holder of this upload.
    Uploader(UploadId),
}

impl Caller {
    /// Whose things this caller sees.
    pub const fn visibility(&self) -> Visibility {
        match self {
            Self::User(_, owner) | Self::Service { acting_for: Some(owner), .. } => Visibility::Owner(*owner),
            // A link opens one thing, which its token names.
            Self::Anyone
            | Self::Service { acting_for: None, .. }
            | Self::Watcher(_)
            | Self::Attempt(_)
            | Self::Uploader(_) => Visibility::All,
        }
    }

    /// The attempt that calls; for routes that accept nothing else.
    pub fn attempt(&self) -> Result<u32, Problem> {
        if let Self::Attempt(attempt) = self { Ok(*attempt) } else { Err(Problem::internal()) }
    }

    /// The upload whose holder calls; for routes that accept nothing else.
    pub fn upload(&self) -> Result<UploadId, Problem> {
        if let Self::Uploader(upload) = self { Ok(*upload) } else { Err(Problem::internal()) }
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
/// 401 without the API key, a user's token or a watch token, 403 for a user's token without the scope and for
/// another token that proves nothing, 503 for a call from elsewhere to an API without a key.
pub fn authorize(
    route: &Route<'_>,
    presented: &Presented<'_>,
    config: &Config,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let mut refusal = Problem::internal();
    let mut of_user = None;
    for credential in route.accepts() {
        match (check(credential, presented, config, now), credential) {
            (Ok(caller), _) => return Ok(caller),
            // A service whose key is right does not hear of other ways.
            (Err(problem), Credential::ApiKey) if problem.code == ProblemCode::InvalidRequest => {
                return Err(problem);
            }
            // Whoever sent a token wants to know what is wrong with it.
            (Err(problem), Credential::User(_)) if presented.user.is_some() => of_user = Some(problem),
            // The last one names every way.
            (Err(problem), _) => refusal = problem,
        }
    }
    Err(of_user.unwrap_or(refusal))
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
        // Who shows a user's token is that user, also where nothing is required.
        (Credential::ApiKey, ApiAccess::Open) if is_loopback(presented.host) => match presented.user {
            None => service(OPEN_CALLER, presented, config),
            Some(_) => Err(unauthorized(config, "send a user's token that is valid, or none.")),
        },
        (Credential::User(scope), ApiAccess::Open) if is_loopback(presented.host) => {
            user(scope, presented, config)
        }
        // Whatever it shows: development settings that were deployed by mistake open nothing.
        (Credential::ApiKey | Credential::User(_) | Credential::WatchToken(_), ApiAccess::Open) => {
            Err(Problem::new(
                ProblemCode::NotConfigured,
                "OPEN_DEVELOPMENT opens this API on localhost only. Unset it to call from elsewhere, with a key.",
            ))
        }
        (Credential::ApiKey, ApiAccess::Keys(keys)) => match keys.caller(presented.authorization) {
            Some(name) => service(name, presented, config),
            None => Err(unauthorized(config, "send the API key as `Authorization: Bearer <key>`.")),
        },
        (Credential::User(scope), ApiAccess::Keys(_)) => user(scope, presented, config),
        (Credential::WatchToken(job), ApiAccess::Keys(_)) => {
            let link = presented.token.and_then(|token| WatchLink::verify(&config.signer, job, token, now));
            if let Some(link) = link {
                return Ok(Caller::Watcher(link));
            }
            Err(unauthorized(config, NO_LINK))
        }
        (Credential::CallbackToken(job, token), _) => {
            let token = token.or_else(|| bearer_token(presented.authorization?));
            attempt(Purpose::Callback, job, token.unwrap_or_default())
        }
        (Credential::WebhookToken(job, token), _) => attempt(Purpose::Webhook, job, token),
        (Credential::UploadToken(token), _) => {
            let key = presented.video_key.and_then(percent::decode_query);
            let key = key.and_then(|key| ObjectKey::parse_input(&key).ok()).ok_or_else(bad_upload)?;
            let token = if token == UPLOAD_IN_HEADERS { presented.upload_token } else { Some(token) };
            let upload = token.and_then(|token| config.signer.verify_upload(token, &key).ok());
            let upload = upload.ok_or_else(bad_upload)?;
            match key.input_owner() {
                None => Ok(Caller::Uploader(upload)),
                Some(owner) => uploader_of(owner, presented, config).map(|()| Caller::Uploader(upload)),
            }
        }
    }
}

/// A service, which may act for an end user.
fn service(name: &str, presented: &Presented<'_>, config: &Config) -> Result<Caller, Problem> {
    let acting_for = match presented.on_behalf_of {
        None => None,
        Some(text) => {
            let decoded = percent::decode(text);
            let subject = decoded.as_deref().and_then(Subject::parse).ok_or_else(|| {
                Problem::new(
                    ProblemCode::InvalidRequest,
                    "The header On-Behalf-Of must have the user's subject, percent-encoded: 1 to 255 bytes without control characters.",
                )
            })?;
            Some(config.id_key.owner_id(&subject))
        }
    };
    Ok(Caller::Service { name: name.to_owned(), acting_for })
}

/// Whether an upload that belongs to a user may be touched: by that user, or by a service.
fn uploader_of(owner: OwnerId, presented: &Presented<'_>, config: &Config) -> Result<(), Problem> {
    let service = match &config.access {
        ApiAccess::Keys(keys) => keys.caller(presented.authorization).is_some(),
        ApiAccess::Open => presented.user.is_none() && is_loopback(presented.host),
    };
    if service {
        return Ok(());
    }
    match user(Scope::Write, presented, config)? {
        Caller::User(_, own) if own == owner => Ok(()),
        // As for an upload that never was.
        _ => Err(bad_upload()),
    }
}

fn bad_upload() -> Problem {
    bad_token(
        "Invalid upload credentials: upload_id (in the path) and ?video_key= (percent-encoded) must be the pair returned when the upload was created.",
    )
}

fn user(scope: Scope, presented: &Presented<'_>, config: &Config) -> Result<Caller, Problem> {
    match presented.user {
        Some(Ok(_)) if presented.on_behalf_of.is_some() => Err(Problem::new(
            ProblemCode::InsufficientScope,
            "Only a service may act for a user: leave out the header On-Behalf-Of.",
        )),
        Some(Ok(user)) if user.scopes.allow(scope) => {
            Ok(Caller::User(Rc::clone(user), config.id_key.owner_id(&user.subject)))
        }
        Some(Ok(_)) => Err(Problem::insufficient_scope(scope)),
        Some(Err(problem)) => Err(problem.clone()),
        None => {
            Err(unauthorized(config, "send the API key or a user's token as `Authorization: Bearer <key>`."))
        }
    }
}

/// Whoever calls an API without a key. No key can have this name.
const OPEN_CALLER: &str = "(open)";

/// Refuses a request to a host that is not ours: in development, a page may have a name of its own lead to
/// this machine.
///
/// # Errors
/// 503 that says where the API answers.
pub fn admit_host(config: &Config, host: &str) -> Result<(), Problem> {
    if config.admits_host(host) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemCode::NotConfigured,
        "This API runs with development settings, so it answers only on localhost and at the host of PUBLIC_URL. Set PUBLIC_URL to the address that you call, or ENVIRONMENT for a deployment.",
    ))
}

/// Neither a key, nor a user's token, nor a link to the job that is good now.
pub fn no_link() -> Problem {
    Problem::new(ProblemCode::Unauthorized, format!("Authentication required: {NO_LINK}"))
}

const NO_LINK: &str = "send the API key or a user's token as `Authorization: Bearer <key>`, or the `token` from the job's websocket_url.";

/// The token of `Bearer {token}`.
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(config: &Config, what_to_do: &str) -> Problem {
    let hint =
        if config.development { " In development, .dev.vars has the key: WORKERS_API_KEY." } else { "" };
    Problem::new(ProblemCode::Unauthorized, format!("Authentication required: {what_to_do}{hint}"))
}

fn bad_token(sentence: impl Into<String>) -> Problem {
    Problem::new(ProblemCode::BadToken, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::jwt::error::JwtError;
    use crate::auth::jwt::scope::Scopes;
    use crate::auth::subject::Subject;
    use crate::base::time::DurationMs;
    use crate::config::Setting;
    use crate::http::route::ROUTES;

    const KEY: &str = "api-key-0123456789abcdef0123456789";
    const NOW: Timestamp = Timestamp(1_769_850_300_250);
    const ID: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    fn config(api_key: Option<&str>) -> Config {
        Config::parse(&|setting| {
            let value = match setting {
                Setting::Environment => "development",
                Setting::WorkersApiKey => return api_key.map(str::to_owned),
                Setting::OpenDevelopment => return api_key.is_none().then(|| "true".to_owned()),
                Setting::SigningKey => "0123456789abcdef0123456789abcdef",
                Setting::R2Endpoint | Setting::PublicUrl => "http://localhost:8787",
                Setting::R2AccessKeyId | Setting::R2SecretAccessKey | Setting::R2BucketName => "r2",
                _ => return None,
            };
            Some(value.to_owned())
        })
        .unwrap()
    }

    #[allow(clippy::unnecessary_wraps, reason = "as a verification answers")]
    fn user_of(subject: &str, scopes: &str) -> Result<Rc<VerifiedUser>, Problem> {
        let (subject, scopes) = (Subject::parse(subject).unwrap(), Scopes::parse(scopes).unwrap());
        Ok(Rc::new(VerifiedUser { subject, scopes, issued_at: None, expires_at: NOW }))
    }

    fn called_by(name: &str) -> Caller {
        Caller::Service { name: name.to_owned(), acting_for: None }
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
        let link = WatchLink { generation: 0, expires_at_s: 1_769_850_360 };
        assert_eq!(download(format!("output/{ID}/1/video.mp4")), Ok(Caller::Watcher(link)));
        assert_eq!(download(format!("input/{ID}/video.mp4")), Err(401));
        assert_eq!(download("output/else/1/video.mp4".to_owned()), Err(401));
        assert_eq!(status(&config, "/api/jobs", shows), Err(401));
    }

    #[test]
    fn a_watch_token_only_reads_and_nothing_but_health_is_open_to_everybody() {
        for row in ROUTES {
            let path = row.path_with(|name| match name {
                "job_id" | "webhook_id" => ID.to_owned(),
                "delivery_id" => "3.url".to_owned(),
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
            assert_eq!(status(&config, &path, shows("localhost:8787")), Ok(called_by("(open)")));
            assert_eq!(status(&config, &path, shows("api.example")), Err(503));
        }
        assert_eq!(status(&config, "/health", shows("api.example")), Ok(Caller::Anyone));
        let callback = config.signer.sign(Purpose::Callback, id(), 2, NOW, DurationMs::minutes(1));
        let path = format!("/api/jobs/{ID}/do/{callback}/claim");
        assert_eq!(status(&config, &path, shows("api.example")), Ok(Caller::Attempt(2)));
    }

    #[test]
    fn a_user_may_do_what_the_scope_of_their_token_says_and_nothing_of_services() {
        let (all, reads) = (user_of("u", "read write"), user_of("u", "read"));
        let expired = Err(Problem::invalid_token(JwtError::Expired));
        for api_key in [Some(KEY), None] {
            let config = config(api_key);
            let status = |method: &str, path: &str, user| {
                let shows = Presented { host: "localhost", user: Some(user), ..Presented::default() };
                let route = Route::parse(method, path).unwrap();
                authorize(&route, &shows, &config, NOW).map_err(|problem| problem.code.status())
            };
            let caller = |user: &Result<Rc<VerifiedUser>, Problem>| {
                let user = user.as_ref().unwrap();
                Ok(Caller::User(Rc::clone(user), config.id_key.owner_id(&user.subject)))
            };
            assert_eq!(status("POST", "/api/jobs", &all), caller(&all));
            assert_eq!(status("GET", "/api/jobs", &reads), caller(&reads));
            assert_eq!(status("POST", "/api/jobs", &reads), Err(403));
            assert_eq!(status("POST", "/api/jobs", &expired), Err(401));
            assert_eq!(status("POST", "/api/tokens", &all), Err(401));
        }
        let elsewhere = Presented { host: "api.example", user: Some(&all), ..Presented::default() };
        assert_eq!(super::tests::status(&config(None), "/api/jobs", elsewhere), Err(503));
    }

    #[test]
    fn an_upload_of_a_user_asks_for_that_user_or_a_service() {
        let config = config(Some(KEY));
        let (alice, bob) = (user_of("alice", "write"), user_of("bob", "write"));
        let (reader, expired) = (user_of("alice", "read"), Err(Problem::invalid_token(JwtError::Expired)));
        let owner = config.id_key.owner_id(&Subject::parse("alice").unwrap());
        let upload = UploadId::from_random([3; 16]);
        let status = |owner, user, authorization| {
            let key = ObjectKey::input(owner, id(), "a.mp4");
            let token = config.signer.upload_token(upload, &key);
            let path = format!("/api/videos/multipart/{token}/parts");
            let route = Route::parse("GET", &path).unwrap();
            let shows =
                Presented { video_key: Some(key.as_str()), user, authorization, ..Presented::default() };
            authorize(&route, &shows, &config, NOW).map_err(|problem| problem.code.status())
        };
        let service = format!("Bearer {KEY}");
        let good = Ok(Caller::Uploader(upload));
        for (owner, user, authorization, expected) in [
            (None, None, None, good.clone()),
            (Some(owner), None, None, Err(401)),
            (Some(owner), Some(&alice), None, good.clone()),
            (Some(owner), None, Some(&*service), good),
            (Some(owner), Some(&bob), None, Err(403)),
            (Some(owner), Some(&reader), None, Err(403)),
            (Some(owner), Some(&expired), None, Err(401)),
            (Some(owner), None, Some("Bearer wrong"), Err(401)),
        ] {
            assert_eq!(status(owner, user, authorization), expected, "{owner:?} {user:?} {authorization:?}");
        }
        let key = ObjectKey::input(None, id(), "a.mp4");
        let token = config.signer.upload_token(upload, &key);
        let route = Route::parse("GET", "/api/videos/multipart/-/parts").unwrap();
        for (upload_token, open) in [(None, false), (Some("x"), false), (Some(&*token), true)] {
            let shows = Presented { upload_token, video_key: Some(key.as_str()), ..Presented::default() };
            assert_eq!(authorize(&route, &shows, &config, NOW).is_ok(), open, "{upload_token:?}");
        }
    }

    #[test]
    fn a_service_acts_for_a_user_and_a_user_for_nobody_else() {
        let config = config(Some(KEY));
        let route = Route::parse("GET", "/api/jobs").unwrap();
        let service = format!("Bearer {KEY}");
        let acting = |on_behalf_of| {
            let shows = Presented { authorization: Some(&service), on_behalf_of, ..Presented::default() };
            authorize(&route, &shows, &config, NOW)
                .map(|caller| caller.visibility())
                .map_err(|problem| problem.code.status())
        };
        let owner = |subject| config.id_key.owner_id(&Subject::parse(subject).unwrap());
        assert_eq!(acting(None), Ok(Visibility::All));
        assert_eq!(acting(Some("auth0|5f")), Ok(Visibility::Owner(owner("auth0|5f"))));
        assert_eq!(acting(Some("J%C3%B6rg")), Ok(Visibility::Owner(owner("Jörg"))));
        for wrong in ["", "a%0Ab", "%", "%FF"] {
            assert_eq!(acting(Some(wrong)), Err(422), "{wrong}");
        }
        let user = user_of("alice", "read write");
        let shows = Presented { user: Some(&user), on_behalf_of: Some("bob"), ..Presented::default() };
        assert_eq!(authorize(&route, &shows, &config, NOW).unwrap_err().code.status(), 403);
    }

    #[test]
    fn a_refused_token_is_named_and_a_watch_token_beside_it_still_opens() {
        let config = config(Some(KEY));
        let expired = Err(Problem::invalid_token(JwtError::Expired));
        let token = config.signer.sign(Purpose::Watch, id(), 0, NOW, DurationMs::minutes(1));
        let path = format!("/api/jobs/{ID}");
        let route = Route::parse("GET", &path).unwrap();
        let shows = Presented { user: Some(&expired), ..Presented::default() };
        let refusal = authorize(&route, &shows, &config, NOW).unwrap_err();
        assert_eq!(
            refusal.challenge().unwrap(),
            "Bearer error=\"invalid_token\", error_description=\"The token has expired. Log in again for a new one.\""
        );
        let shows = Presented { token: Some(&token), ..shows };
        assert!(matches!(authorize(&route, &shows, &config, NOW), Ok(Caller::Watcher(_))));
    }

    #[test]
    fn only_a_token_that_may_open_the_route_is_verified() {
        const DOTTED_KEY: &str = "0123456789abcdef.0123456789abcdef.x";
        let find = |api_key, method: &str, path: &str, header: &str| {
            let shows = Presented { authorization: Some(header), ..Presented::default() };
            user_token(&Route::parse(method, path).unwrap(), &shows, &config(api_key)).map(str::to_owned)
        };
        assert_eq!(find(Some(KEY), "GET", "/api/jobs", "Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(find(None, "GET", "/api/jobs", "Bearer a.b.c").as_deref(), Some("a.b.c"));
        assert_eq!(
            find(Some(DOTTED_KEY), "GET", "/api/jobs", &format!("Bearer {DOTTED_KEY}")),
            None,
            "that is the API key"
        );
        assert_eq!(find(Some(KEY), "GET", "/api/jobs", "Bearer api-key"), None);
        for (method, path) in [
            ("POST", "/api/tokens".to_owned()),
            ("GET", "/health".to_owned()),
            ("POST", format!("/api/jobs/{ID}/do/1.2.ab/claim")),
        ] {
            assert_eq!(find(Some(KEY), method, &path, "Bearer a.b.c"), None, "{path}");
        }
    }

    #[test]
    fn a_service_calls_by_the_name_of_its_key() {
        let (old, new) = (KEY, "new-key-0123456789abcdef0123456789");
        let config = config(Some(&format!("web-2:{new},web-1:{old}")));
        for (key, caller) in [(old, Ok(called_by("web-1"))), (new, Ok(called_by("web-2"))), ("k", Err(401))] {
            let bearer = format!("Bearer {key}");
            let shows = Presented { authorization: Some(&bearer), ..Presented::default() };
            assert_eq!(status(&config, "/api/jobs", shows), caller);
        }
    }

    #[test]
    fn development_says_where_its_key_lies_and_refuses_foreign_hosts() {
        let config = config(Some(KEY));
        let route = Route::parse("GET", "/api/jobs").unwrap();
        let refusal = authorize(&route, &Presented::default(), &config, NOW).unwrap_err();
        assert!(refusal.detail.contains(".dev.vars"));
        assert!(admit_host(&config, "localhost:9123").is_ok());
        assert_eq!(admit_host(&config, "evil.example").unwrap_err().code, ProblemCode::NotConfigured);
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
