//! A deployment's settings: one table of names, parsed once, every error at once, secrets that cannot be
//! printed.
//!
//! To add a setting: one line in the table, and its reader in [`Config::parse`].

mod auth;
pub mod limits;

use crate::auth::id_key::IdKey;
use crate::auth::jwt::settings::AuthConfig;
use crate::auth::service_keys::{KEY_MIN_BYTES, ServiceKeys};
use crate::auth::token::Signer;
use crate::base::base_url::BaseUrl;
use crate::base::secret::Secret;
use crate::base::words::word_enum;
use crate::config::limits::Limits;
use crate::job::timeouts::Timeouts;
use crate::s3::Presigner;

word_enum! {
    /// The settings of a deployment, by their names in the environment. docs/settings.md
    /// and scripts/worker-settings.mjs list the same names.
    pub enum Setting {
        /// `development`, or any other name.
        Environment = "ENVIRONMENT",
        /// Keys of services: one, or several as `name:key,name:key`, each of at least 32 bytes.
        WorkersApiKey = "WORKERS_API_KEY",
        /// Key of the tokens in URLs, at least 32 bytes; two as `new,old` while it is replaced.
        SigningKey = "SIGNING_KEY",
        /// Key of derived ids, at least 32 bytes. It is never replaced.
        IdKey = "ID_KEY",
        /// Such as `https://api.runpod.ai/v2/abc123`.
        RunpodEndpoint = "RUNPOD_ENDPOINT",
        /// RunPod's API key.
        RunpodApiKey = "RUNPOD_API_KEY",
        /// S3 endpoint of the bucket's account. In development it follows the address that was called.
        R2Endpoint = "R2_ENDPOINT",
        /// S3 access key id.
        R2AccessKeyId = "R2_ACCESS_KEY_ID",
        /// S3 secret.
        R2SecretAccessKey = "R2_SECRET_ACCESS_KEY",
        /// Bucket name.
        R2BucketName = "R2_BUCKET_NAME",
        /// `true` when the bucket takes presigned uploads that sign an empty `x-amz-copy-source` which the client
        /// does not send: no upload can copy another object then. wrangler's local bucket does.
        R2RefuseCopies = "R2_REFUSE_COPIES",
        /// Origins of browsers that may call, separated by commas.
        AllowedOrigins = "ALLOWED_ORIGINS",
        /// Where GPU workers reach this API from outside. In development it follows the address that was called.
        PublicUrl = "PUBLIC_URL",
        /// Development only: `true` opens the API without a key, at a loopback address.
        OpenDevelopment = "OPEN_DEVELOPMENT",
        /// Development only: divides every deadline, so that tests need not wait.
        ClockSpeed = "CLOCK_SPEED",
        /// Where the identity provider of end users publishes its keys.
        AuthJwksUrl = "AUTH_JWKS_URL",
        /// Secret that the identity provider signs with (HS256), at least 32 bytes.
        AuthJwtSecret = "AUTH_JWT_SECRET",
        /// Accepted issuers of users' tokens, separated by commas.
        AuthIssuer = "AUTH_ISSUER",
        /// Accepted audiences of users' tokens, separated by commas.
        AuthAudience = "AUTH_AUDIENCE",
        /// Requests of an owner in a minute.
        LimitRequestsPerMinute = "LIMIT_REQUESTS_PER_MINUTE",
        /// Requests by a service's key in a minute.
        LimitServiceRequestsPerMinute = "LIMIT_SERVICE_REQUESTS_PER_MINUTE",
        /// Refused credentials from an address in a minute.
        LimitRefusalsPerMinute = "LIMIT_REFUSALS_PER_MINUTE",
        /// Jobs of an owner that have not ended.
        LimitJobsInFlight = "LIMIT_JOBS_IN_FLIGHT",
        /// Bytes that an owner may begin to upload in a day.
        LimitUploadBytesPerDay = "LIMIT_UPLOAD_BYTES_PER_DAY",
        /// Open sockets of one job.
        LimitSocketsPerJob = "LIMIT_SOCKETS_PER_JOB",
        /// Open sockets of an owner, over all jobs.
        LimitSocketsPerOwner = "LIMIT_SOCKETS_PER_OWNER",
        /// Retries by hand of one job.
        LimitRetriesByHand = "LIMIT_RETRIES_BY_HAND",
        /// Days that the audit log is kept.
        AuditDays = "AUDIT_DAYS",
    }
}

/// Who may call `/api`.
#[derive(Clone, Debug)]
pub enum ApiAccess {
    /// Everybody on this machine: only in development where `OPEN_DEVELOPMENT` asks for it, and only at a
    /// loopback address.
    Open,
    /// Holders of one of these keys.
    Keys(ServiceKeys),
}

/// Where this API is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// At `PUBLIC_URL`.
    Set,
    /// Where the call came in that these settings serve: development without `PUBLIC_URL`.
    Called,
    /// As before, and no call has come in yet: URLs of this API would lead nowhere.
    NotCalledYet,
}

/// The GPU endpoint.
#[derive(Clone, Debug)]
pub struct RunpodConfig {
    /// Base URL without a slash at the end; `/run`, `/status/{id}` and `/cancel/{id}` follow.
    pub endpoint: String,
    /// Sent as `Authorization: Bearer`.
    pub key: Secret,
}

/// All settings, valid.
#[derive(Clone, Debug)]
pub struct Config {
    /// Shown by `/health`.
    pub environment: String,
    /// Whether `ENVIRONMENT` is `development`.
    pub development: bool,
    /// Who may call.
    pub access: ApiAccess,
    /// Makes and checks tokens.
    pub signer: Signer,
    /// Derives ids.
    pub id_key: IdKey,
    /// `None` while RunPod is not configured: jobs are then refused before anything is created.
    pub runpod: Option<RunpodConfig>,
    /// Signs uploads and downloads.
    pub presigner: Presigner,
    /// Origins that get CORS headers, exactly these.
    pub allowed_origins: Vec<String>,
    /// Base of callback URLs, without a slash at the end.
    pub public_url: String,
    /// Whether `public_url` is known.
    pub address: Address,
    /// The host of `PUBLIC_URL`, when that is set.
    public_host: Option<String>,
    /// Whether presigned URLs lead to the local bucket at the address that was called.
    local_bucket: bool,
    /// Every deadline of a job.
    pub timeouts: Timeouts,
    /// Which tokens of end users are valid.
    pub auth: AuthConfig,
    /// How much one caller may do.
    pub limits: Limits,
    /// Sentences for whoever runs this: what works, and must be changed before something else is.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads and checks every setting. A value that is empty or blank counts as unset.
    ///
    /// # Errors
    /// Every error at once. They name settings and never show values.
    pub fn parse(read: &dyn Fn(Setting) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut settings = SettingsReader { read, errors: Vec::new() };
        let environment = settings.optional(Setting::Environment);
        let development = environment.as_deref() == Some("development");
        let access = settings.access(development);
        let signing = settings.signing_keys();
        let id_key = settings.id_key();
        let runpod = settings.runpod();
        let public_url = settings.url_or(Setting::PublicUrl, development.then_some(WRANGLER_DEFAULT));
        let local_bucket = development && settings.optional(Setting::R2Endpoint).is_none();
        let bucket_url = public_url.as_ref().filter(|_| local_bucket).and_then(local_bucket_at);
        let presigner = settings.presigner(bucket_url);
        let public_url_set = settings.optional(Setting::PublicUrl).is_some();
        let allowed_origins = settings.origins(development);
        let timeouts = settings.timeouts(development);
        let auth = settings.auth(development);
        let limits = settings.limits();
        match (access, signing, runpod, presigner, public_url, timeouts, auth, limits) {
            (
                Some(access),
                Some((signer, last_key)),
                Some(runpod),
                Some(presigner),
                Some(public_url),
                Some(timeouts),
                Some(auth),
                Some(limits),
            ) if settings.errors.is_empty() => {
                let mut warnings = Vec::new();
                if matches!(access, ApiAccess::Open) {
                    warnings.push(OPEN_DEVELOPMENT_WARNING.to_owned());
                }
                let id_key = id_key.unwrap_or_else(|| {
                    warnings.push(ID_KEY_UNSET.to_owned());
                    last_key
                });
                Ok(Self {
                    environment: environment.unwrap_or_else(|| "unnamed".to_owned()),
                    development,
                    access,
                    signer,
                    id_key,
                    runpod,
                    presigner,
                    allowed_origins,
                    public_host: public_url_set.then(|| public_url.host().to_owned()),
                    public_url: public_url.into(),
                    address: if public_url_set { Address::Set } else { Address::NotCalledYet },
                    local_bucket,
                    timeouts,
                    auth,
                    limits,
                    warnings,
                })
            }
            _ => Err(settings.errors),
        }
    }

    /// The settings for a call at this origin: where they follow the address that was called, it is in them.
    /// `None` where nothing of them does, or the host is none of ours.
    pub fn at(&self, origin: &str) -> Option<Self> {
        if !self.local_bucket && self.address == Address::Set {
            return None;
        }
        let called = BaseUrl::parse(origin)?;
        let through_tunnel = self.public_host.as_deref() == Some(called.host());
        if !through_tunnel && !is_loopback(called.host()) {
            return None;
        }
        let mut config = self.clone();
        if self.address != Address::Set {
            called.origin().clone_into(&mut config.public_url);
            config.address = Address::Called;
        }
        if self.local_bucket {
            // A tunnel ends TLS, so the scheme of the call is not the one that its clients need.
            let base = if through_tunnel { BaseUrl::parse(&self.public_url)? } else { called };
            config.presigner = self.presigner.at(&local_bucket_at(&base)?);
        }
        Some(config)
    }

    /// Whether a request to this host, with or without a port, is meant for this API. In development only
    /// this machine and the host of `PUBLIC_URL` are: a page may have a name of its own lead here.
    pub fn admits_host(&self, host: &str) -> bool {
        !self.development || is_loopback(host) || self.public_host.as_deref() == Some(host)
    }
}

/// Wrangler serves the local bucket beside the Worker.
fn local_bucket_at(base: &BaseUrl) -> Option<BaseUrl> {
    BaseUrl::parse(&format!("{}/cdn-cgi/local/r2/s3", base.origin()))
}

/// Reads settings and collects what is wrong with them.
///
/// Invariant: a method that answers `None` for a setting that is wrong has recorded an error.
struct SettingsReader<'r> {
    read: &'r dyn Fn(Setting) -> Option<String>,
    errors: Vec<String>,
}

impl SettingsReader<'_> {
    fn optional(&self, setting: Setting) -> Option<String> {
        (self.read)(setting).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn required(&mut self, setting: Setting) -> Option<String> {
        self.optional(setting).or_else(|| self.reject(setting, "is missing"))
    }

    /// The setting, or this default where there is one.
    fn url_or(&mut self, setting: Setting, default: Option<&str>) -> Option<BaseUrl> {
        let text = self.optional(setting).or_else(|| default.map(str::to_owned));
        let text = text.or_else(|| self.reject(setting, "is missing"))?;
        self.url(setting, &text)
    }

    fn url(&mut self, setting: Setting, text: &str) -> Option<BaseUrl> {
        BaseUrl::parse(text).or_else(|| self.reject(setting, "is not an http or https URL"))
    }

    fn reject<T>(&mut self, setting: Setting, why: &str) -> Option<T> {
        self.errors.push(format!("{setting} {why}"));
        None
    }

    fn access(&mut self, development: bool) -> Option<ApiAccess> {
        match self.optional(Setting::OpenDevelopment).as_deref() {
            None | Some("false") => {}
            Some("true") if development => return Some(ApiAccess::Open),
            Some("true") => {
                let why = "is allowed only when ENVIRONMENT is `development`";
                return self.reject(Setting::OpenDevelopment, why);
            }
            Some(_) => return self.reject(Setting::OpenDevelopment, "must be `true` or `false`"),
        }
        let Some(keys) = self.optional(Setting::WorkersApiKey) else {
            let why = if development {
                "is missing: `node scripts/dev-vars.mjs` makes one in .dev.vars"
            } else {
                "is missing: make one with `openssl rand -hex 32`"
            };
            return self.reject(Setting::WorkersApiKey, why);
        };
        match ServiceKeys::parse(&keys) {
            Ok(keys) => Some(ApiAccess::Keys(keys)),
            Err(why) => self.reject(Setting::WorkersApiKey, &why),
        }
    }

    /// Of the one or two signing keys: the signer, and what derives ids while `ID_KEY` is unset.
    fn signing_keys(&mut self) -> Option<(Signer, IdKey)> {
        let text = self.required(Setting::SigningKey)?;
        let (current, previous) = text
            .split_once(',')
            .map_or((text.as_str(), None), |(current, previous)| (current.trim(), Some(previous.trim())));
        let keys = [Some(current), previous];
        if keys.iter().flatten().any(|key| key.len() < KEY_MIN_BYTES || key.contains(',')) {
            let why = "must be one key, or two as `new,old`, each with at least 32 bytes: make one with `openssl rand -hex 32`";
            return self.reject(Setting::SigningKey, why);
        }
        let signer = Signer::new(current.as_bytes());
        Some(match previous {
            Some(previous) => (signer.accepting(previous.as_bytes()), IdKey::new(previous.as_bytes())),
            None => (signer, IdKey::new(current.as_bytes())),
        })
    }

    fn id_key(&mut self) -> Option<IdKey> {
        let key = self.optional(Setting::IdKey)?;
        if key.len() < KEY_MIN_BYTES {
            let why = "must have at least 32 bytes: make one with `openssl rand -hex 32`";
            return self.reject(Setting::IdKey, why);
        }
        Some(IdKey::new(key.as_bytes()))
    }

    /// The outer `None` means that the settings are wrong.
    #[allow(clippy::option_option, reason = "absent and wrong are different answers")]
    fn runpod(&mut self) -> Option<Option<RunpodConfig>> {
        let Some(endpoint) = self.optional(Setting::RunpodEndpoint) else { return Some(None) };
        let Some(key) = self.optional(Setting::RunpodApiKey) else {
            return self.reject(Setting::RunpodApiKey, "is required when RUNPOD_ENDPOINT is set");
        };
        let url = self.url(Setting::RunpodEndpoint, &endpoint)?;
        Some(Some(RunpodConfig { endpoint: url.into(), key: Secret::new(key) }))
    }

    /// `local` is the endpoint of a bucket that wrangler serves.
    fn presigner(&mut self, local: Option<BaseUrl>) -> Option<Presigner> {
        let endpoint = local.or_else(|| self.url_or(Setting::R2Endpoint, None));
        let key_id = self.required(Setting::R2AccessKeyId);
        let secret = self.required(Setting::R2SecretAccessKey);
        let bucket = self.required(Setting::R2BucketName);
        let refuse_copies = self.refuse_copies(endpoint.as_ref());
        let presigner = Presigner::new(&endpoint?, &bucket?, key_id?, secret?).or_else(|| {
            self.reject(Setting::R2BucketName, "may contain only letters, digits, '.', '-' and '_'")
        })?;
        Some(if refuse_copies? { presigner.refusing_copies() } else { presigner })
    }

    fn refuse_copies(&mut self, endpoint: Option<&BaseUrl>) -> Option<bool> {
        match self.optional(Setting::R2RefuseCopies).as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => self.reject(Setting::R2RefuseCopies, "must be `true` or `false`"),
            None => Some(endpoint.is_some_and(|endpoint| endpoint.path() == LOCAL_BUCKET_PATH)),
        }
    }

    fn origins(&mut self, development: bool) -> Vec<String> {
        let text = self.optional(Setting::AllowedOrigins).unwrap_or_default();
        let origins: Vec<String> =
            text.split(',').map(|origin| origin.trim().to_owned()).filter(|o| !o.is_empty()).collect();
        let exact = |origin: &String| BaseUrl::parse(origin).is_some_and(|url| url.origin() == origin);
        if !origins.iter().all(exact) {
            let why = "must list origins such as https://app.reelballers.com, separated by commas";
            return self.reject(Setting::AllowedOrigins, why).unwrap_or_default();
        }
        let hosts = ["localhost", "127.0.0.1"].into_iter().filter(|_| development);
        let dev_servers = hosts.flat_map(|host| DEV_SERVER_PORTS.map(|port| format!("http://{host}:{port}")));
        let new = |origin: &String| !origins.contains(origin);
        let more: Vec<String> = dev_servers.filter(new).collect();
        origins.into_iter().chain(more).collect()
    }

    fn timeouts(&mut self, development: bool) -> Option<Timeouts> {
        let Some(text) = self.optional(Setting::ClockSpeed) else { return Some(Timeouts::STANDARD) };
        if !development {
            return self.reject(Setting::ClockSpeed, "is allowed only when ENVIRONMENT is `development`");
        }
        match text.parse::<i64>() {
            Ok(times) if (1..=CLOCK_SPEED_MAX).contains(&times) => Some(Timeouts::STANDARD.scaled_by(times)),
            _ => self.reject(Setting::ClockSpeed, "must be a whole number from 1 to 100000"),
        }
    }
}

/// Where the dev servers of Next and Create React App, Angular, Astro, Vite, Django and webpack listen: their pages
/// may call an API in development.
const DEV_SERVER_PORTS: [u16; 8] = [3000, 3001, 4200, 4321, 5173, 5174, 8000, 8080];

/// Whether a request's host, with or without a port, is this machine. Development answers nowhere else, so
/// that its settings open nothing when they were deployed by mistake.
pub fn is_loopback(host: &str) -> bool {
    let name = host
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or_else(|| host.split(':').next().unwrap_or_default(), |(address, _)| address);
    matches!(name, "localhost" | "127.0.0.1" | "::1")
}

/// Where `wrangler dev` listens unless it is told otherwise.
const WRANGLER_DEFAULT: &str = "http://localhost:8787";
/// Said at the start and by `/health`.
pub const OPEN_DEVELOPMENT_WARNING: &str = "OPEN_DEVELOPMENT is set, so whoever reaches this port may do \
    everything: any program on this machine, and through it a web page. Unset it to require the key in .dev.vars.";
const ID_KEY_UNSET: &str = "ID_KEY is not set, so the last key of SIGNING_KEY derives ids. Set ID_KEY to that \
    key before you remove it from SIGNING_KEY: with another key, a repeated Idempotency-Key makes a second job.";
/// Where wrangler serves its local bucket.
const LOCAL_BUCKET_PATH: &str = "/cdn-cgi/local/r2/s3";
/// At this speed the three days of an upload are over in seconds.
const CLOCK_SPEED_MAX: i64 = 100_000;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::auth::token::Purpose;
    use crate::base::id::JobId;
    use crate::base::object_key::ObjectKey;
    use crate::base::time::{DurationMs, Timestamp};

    const KEY: &str = "0123456789abcdef0123456789abcdef";
    const OTHER_KEY: &str = "another key with 32 bytes or more";
    const API_KEY: &str = "api-secret-of-32-bytes-0123456789";

    fn good(setting: Setting) -> Option<&'static str> {
        Some(match setting {
            Setting::Environment => "development",
            Setting::SigningKey => KEY,
            Setting::RunpodEndpoint => "http://127.0.0.1:8788/v2/local/",
            Setting::RunpodApiKey => "rp-secret",
            Setting::R2Endpoint => "http://localhost:8787/cdn-cgi/local/r2/s3",
            Setting::R2AccessKeyId => "id",
            Setting::R2SecretAccessKey => "r2-secret",
            Setting::R2BucketName => "reel-ballers-videos",
            Setting::AllowedOrigins => "http://localhost:5173, http://localhost:3000",
            Setting::PublicUrl => "http://localhost:8787/",
            Setting::WorkersApiKey => API_KEY,
            Setting::IdKey
            | Setting::R2RefuseCopies
            | Setting::OpenDevelopment
            | Setting::ClockSpeed
            | Setting::AuthJwksUrl
            | Setting::AuthJwtSecret
            | Setting::AuthIssuer
            | Setting::AuthAudience
            | Setting::LimitRequestsPerMinute
            | Setting::LimitServiceRequestsPerMinute
            | Setting::LimitRefusalsPerMinute
            | Setting::LimitJobsInFlight
            | Setting::LimitUploadBytesPerDay
            | Setting::LimitSocketsPerJob
            | Setting::LimitSocketsPerOwner
            | Setting::LimitRetriesByHand
            | Setting::AuditDays => return None,
        })
    }

    /// The good settings, with these instead.
    pub(crate) fn parse(others: &[(Setting, &str)]) -> Result<Config, Vec<String>> {
        Config::parse(&|setting| {
            let other = others.iter().find(|(name, _)| *name == setting).map(|(_, value)| *value);
            other.or(good(setting)).map(str::to_owned)
        })
    }

    #[test]
    fn a_development_config_parses_and_trims_slashes() {
        let config = parse(&[]).unwrap();
        assert!(matches!(config.access, ApiAccess::Keys(_)));
        assert_eq!(config.public_url, "http://localhost:8787");
        assert_eq!(config.runpod.unwrap().endpoint, "http://127.0.0.1:8788/v2/local");
        assert_eq!(config.allowed_origins[..2], ["http://localhost:5173", "http://localhost:3000"]);
        assert_eq!(config.allowed_origins.len(), 16, "and the other usual dev servers");
        assert!(config.allowed_origins.contains(&"http://127.0.0.1:4200".to_owned()));
    }

    #[test]
    fn every_missing_setting_is_named_at_once() {
        assert_eq!(
            Config::parse(&|_| None).unwrap_err(),
            [
                "WORKERS_API_KEY is missing: make one with `openssl rand -hex 32`",
                "SIGNING_KEY is missing",
                "PUBLIC_URL is missing",
                "R2_ENDPOINT is missing",
                "R2_ACCESS_KEY_ID is missing",
                "R2_SECRET_ACCESS_KEY is missing",
                "R2_BUCKET_NAME is missing",
            ]
        );
    }

    #[test]
    fn each_wrong_setting_is_refused_by_its_name() {
        for (setting, value) in [
            (Setting::WorkersApiKey, "k"),
            (Setting::SigningKey, "short"),
            (Setting::SigningKey, "0123456789abcdef0123456789abcdef,short"),
            (Setting::IdKey, "short"),
            (Setting::RunpodEndpoint, "ftp://x"),
            (Setting::RunpodApiKey, " "),
            (Setting::R2Endpoint, "x"),
            (Setting::R2BucketName, "a b"),
            (Setting::R2RefuseCopies, "yes"),
            (Setting::PublicUrl, "localhost"),
            (Setting::AllowedOrigins, "*"),
            (Setting::ClockSpeed, "0"),
            (Setting::OpenDevelopment, "yes"),
            (Setting::WorkersApiKey, " "),
        ] {
            let errors = parse(&[(setting, value)]).unwrap_err();
            assert!(matches!(errors.as_slice(), [only] if only.starts_with(setting.as_str())), "{errors:?}");
        }
    }

    #[test]
    fn uploads_refuse_copies_where_the_bucket_is_known_to_allow_it() {
        let key = ObjectKey::parse_input("input/a/b.mp4").unwrap();
        let refuses = |others: &[(Setting, &str)]| {
            let presigner = parse(others).unwrap().presigner;
            let url = presigner.put(&key, "video/mp4", None, DurationMs::minutes(1), Timestamp(0));
            url.contains("x-amz-copy-source")
        };
        let elsewhere = (Setting::R2Endpoint, "https://account.r2.cloudflarestorage.com");
        assert!(refuses(&[]) && !refuses(&[elsewhere]));
        assert!(refuses(&[elsewhere, (Setting::R2RefuseCopies, "true")]));
        assert!(!refuses(&[(Setting::R2RefuseCopies, "false")]));
    }

    #[test]
    fn no_environment_is_open_unless_a_developer_asks_for_it() {
        let (no_key, open) = ((Setting::WorkersApiKey, ""), (Setting::OpenDevelopment, "true"));
        for environment in ["", "production", "Development", "staging"] {
            let environment = (Setting::Environment, environment);
            assert!(parse(&[no_key, environment]).is_err(), "{environment:?}");
            assert!(parse(&[no_key, open, environment]).is_err(), "{environment:?}");
            assert!(parse(&[open, environment]).is_err(), "{environment:?}");
        }
        assert!(parse(&[no_key]).is_err());
        assert!(parse(&[no_key, (Setting::OpenDevelopment, "false")]).is_err());
        for settings in [&[no_key, open][..], &[open]] {
            let config = parse(settings).unwrap();
            assert!(matches!(config.access, ApiAccess::Open));
            assert!(config.warnings.iter().any(|warning| warning.contains("OPEN_DEVELOPMENT")));
        }
    }

    #[test]
    fn in_development_addresses_follow_the_call_and_nowhere_else() {
        let unset = [(Setting::PublicUrl, ""), (Setting::R2Endpoint, "")];
        let url = |config: &Config| {
            let key = ObjectKey::parse_input("input/a/b.mp4").unwrap();
            let minute = DurationMs::minutes(1);
            config.presigner.get(&key, None, minute, Timestamp(0))
        };
        let config = parse(&unset).unwrap();
        assert_eq!(config.address, Address::NotCalledYet);
        for origin in ["http://localhost:9123", "http://127.0.0.1:1", "https://[::1]:9123"] {
            let called = config.at(origin).unwrap();
            assert_eq!((called.public_url.as_str(), called.address), (origin, Address::Called));
            assert!(url(&called).starts_with(&format!("{origin}/cdn-cgi/local/r2/s3/")));
            let again = called.at("http://localhost:1").unwrap();
            assert_eq!(again.public_url, "http://localhost:1", "another port after a restart");
        }
        for foreign in ["http://evil.example", "http://localhost.evil.example:9123", "x", ""] {
            assert!(config.at(foreign).is_none(), "{foreign}");
        }
        // What is set stays.
        assert!(parse(&[]).unwrap().at("http://localhost:9123").is_none());
        let bucket_unset = parse(&unset[1..]).unwrap().at("http://localhost:9123").unwrap();
        assert_eq!(
            (bucket_unset.public_url.as_str(), bucket_unset.address),
            ("http://localhost:8787", Address::Set)
        );
        assert!(url(&bucket_unset).starts_with("http://localhost:9123/cdn-cgi/"));
        for unset in unset {
            assert!(parse(&[unset, (Setting::Environment, "production")]).is_err());
        }
        let production = parse(&[(Setting::Environment, "production")]).unwrap();
        assert!(production.at("http://localhost:9123").is_none(), "Host is never followed");
    }

    #[test]
    fn development_answers_to_this_machine_and_to_the_host_of_its_tunnel() {
        let tunnel = [(Setting::PublicUrl, "https://tunnel.example"), (Setting::R2Endpoint, "")];
        let config = parse(&tunnel).unwrap();
        for host in ["localhost:8787", "127.0.0.1:9123", "tunnel.example"] {
            assert!(config.admits_host(host), "{host}");
        }
        for host in ["evil.example", "tunnel.example.evil.example", "tunnel.example:81", ""] {
            assert!(!config.admits_host(host), "{host}");
        }
        // The tunnel ends TLS: the Worker sees http, its clients must not.
        let called = config.at("http://tunnel.example").unwrap();
        assert_eq!(format!("{:?}", called.presigner), "Presigner(reel-ballers-videos)");
        let key = ObjectKey::parse_input("input/a/b.mp4").unwrap();
        let url = called.presigner.get(&key, None, DurationMs::minutes(1), Timestamp(0));
        assert!(url.starts_with("https://tunnel.example/cdn-cgi/local/r2/s3/"), "{url}");
        assert!(parse(&[(Setting::Environment, "production")]).unwrap().admits_host("api.example"));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "localhost:8787", "127.0.0.1:1", "[::1]:8787", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "api.workers.dev",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "10.0.0.1",
            "[::2]:1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn the_clock_is_sped_up_in_development_only() {
        let fast = (Setting::ClockSpeed, "20");
        assert_eq!(parse(&[fast]).unwrap().timeouts.heartbeat_timeout.0, 3_000);
        let production = [fast, (Setting::Environment, "production")];
        assert_eq!(
            parse(&production).unwrap_err(),
            ["CLOCK_SPEED is allowed only when ENVIRONMENT is `development`"]
        );
    }

    #[test]
    fn the_first_signing_key_signs_and_both_verify() {
        let (job, now) = (JobId::from_random([1; 16]), Timestamp(0));
        let sign = |config: &Config| {
            let lifetime = DurationMs::minutes(1);
            config.signer.sign(Purpose::Watch, job, 0, now, lifetime)
        };
        let (old, both) = (KEY.to_owned(), format!("{OTHER_KEY} , {KEY}"));
        let [old, both, new] =
            [&old, &both, OTHER_KEY].map(|keys| parse(&[(Setting::SigningKey, keys)]).unwrap());
        assert_eq!(sign(&both), sign(&new));
        for token in [sign(&old), sign(&new)] {
            assert_eq!(both.signer.verify(Purpose::Watch, job, &token, now), Ok(0));
        }
    }

    #[test]
    fn ids_stay_the_same_while_the_signing_key_is_replaced() {
        let both = format!("{OTHER_KEY},{KEY}");
        let id = |others: &[(Setting, &str)]| parse(others).unwrap().id_key.derive_job_id(None, "order-4711");
        let before = id(&[]);
        assert_eq!(id(&[(Setting::SigningKey, &both)]), before);
        assert_eq!(id(&[(Setting::SigningKey, OTHER_KEY), (Setting::IdKey, KEY)]), before);
        assert_ne!(id(&[(Setting::SigningKey, OTHER_KEY)]), before);
        assert!(parse(&[]).unwrap().warnings.iter().any(|warning| warning.starts_with("ID_KEY is not set")));
        assert!(parse(&[(Setting::IdKey, KEY)]).unwrap().warnings.is_empty());
    }

    #[test]
    fn secrets_do_not_print() {
        let printed = format!("{:?}", parse(&[]).unwrap());
        for secret in [API_KEY, "rp-secret", "r2-secret", KEY] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
