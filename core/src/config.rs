//! A deployment's settings: one table of names, parsed once, every error at once, secrets that cannot be
//! printed.
//!
//! To add a setting: one line in the table, and its reader in [`Config::parse`].

use crate::auth::token::Signer;
use crate::base::base_url::BaseUrl;
use crate::base::secret::Secret;
use crate::base::words::word_enum;
use crate::job::timeouts::Timeouts;
use crate::s3::Presigner;

word_enum! {
    /// The settings of a deployment, by their names in the environment. README.md and
    /// scripts/worker-settings.mjs list the same names.
    pub enum Setting {
        /// `development`, or any other name.
        Environment = "ENVIRONMENT",
        /// Bearer key of the API.
        WorkersApiKey = "WORKERS_API_KEY",
        /// Key of the tokens in callback, webhook and watch URLs, at least 32 bytes.
        SigningKey = "SIGNING_KEY",
        /// Such as `https://api.runpod.ai/v2/abc123`.
        RunpodEndpoint = "RUNPOD_ENDPOINT",
        /// RunPod's API key.
        RunpodApiKey = "RUNPOD_API_KEY",
        /// S3 endpoint of the bucket's account.
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
        /// Where GPU workers reach this API from outside.
        PublicUrl = "PUBLIC_URL",
        /// Development only: divides every deadline, so that tests need not wait.
        ClockSpeed = "CLOCK_SPEED",
    }
}

/// Who may call `/api`.
#[derive(Clone, Debug)]
pub enum ApiAccess {
    /// Everybody on this machine: only in development, and only at a loopback address.
    Open,
    /// Holders of this bearer key.
    Key(Secret),
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
    /// Who may call.
    pub access: ApiAccess,
    /// Makes and checks tokens.
    pub signer: Signer,
    /// `None` while RunPod is not configured: jobs are then refused before anything is created.
    pub runpod: Option<RunpodConfig>,
    /// Signs uploads and downloads.
    pub presigner: Presigner,
    /// Origins that get CORS headers, exactly these.
    pub allowed_origins: Vec<String>,
    /// Base of callback URLs, without a slash at the end.
    pub public_url: String,
    /// Every deadline of a job.
    pub timeouts: Timeouts,
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
        let signer = settings.required(Setting::SigningKey).and_then(|key| {
            if key.len() < SIGNING_KEY_MIN_BYTES {
                return settings.reject(Setting::SigningKey, "must have at least 32 bytes");
            }
            Some(Signer::new(key.as_bytes()))
        });
        let runpod = settings.runpod();
        let presigner = settings.presigner();
        let public_url = settings.required_url(Setting::PublicUrl);
        let allowed_origins = settings.origins();
        let timeouts = settings.timeouts(development);
        match (access, signer, runpod, presigner, public_url, timeouts) {
            (Some(access), Some(signer), Some(runpod), Some(presigner), Some(public_url), Some(timeouts))
                if settings.errors.is_empty() =>
            {
                Ok(Self {
                    environment: environment.unwrap_or_else(|| "unnamed".to_owned()),
                    access,
                    signer,
                    runpod,
                    presigner,
                    allowed_origins,
                    public_url: public_url.into(),
                    timeouts,
                })
            }
            _ => Err(settings.errors),
        }
    }
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

    fn required_url(&mut self, setting: Setting) -> Option<BaseUrl> {
        self.required(setting).and_then(|text| self.url(setting, &text))
    }

    fn url(&mut self, setting: Setting, text: &str) -> Option<BaseUrl> {
        BaseUrl::parse(text).or_else(|| self.reject(setting, "is not an http or https URL"))
    }

    fn reject<T>(&mut self, setting: Setting, why: &str) -> Option<T> {
        self.errors.push(format!("{setting} {why}"));
        None
    }

    fn access(&mut self, development: bool) -> Option<ApiAccess> {
        match self.optional(Setting::WorkersApiKey) {
            Some(key) => Some(ApiAccess::Key(Secret::new(key))),
            None if development => Some(ApiAccess::Open),
            None => self.reject(Setting::WorkersApiKey, "is required unless ENVIRONMENT is `development`"),
        }
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

    fn presigner(&mut self) -> Option<Presigner> {
        let endpoint = self.required_url(Setting::R2Endpoint);
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

    fn origins(&mut self) -> Vec<String> {
        let text = self.optional(Setting::AllowedOrigins).unwrap_or_default();
        let origins: Vec<String> =
            text.split(',').map(|origin| origin.trim().to_owned()).filter(|o| !o.is_empty()).collect();
        let exact = |origin: &String| BaseUrl::parse(origin).is_some_and(|url| url.origin() == origin);
        if !origins.iter().all(exact) {
            let why = "must list origins such as https://app.reelballers.com, separated by commas";
            return self.reject(Setting::AllowedOrigins, why).unwrap_or_default();
        }
        origins
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

/// Whether a request's host, with or without a port, is this machine. An open API answers nowhere else, so
/// that development settings that were deployed by mistake open nothing.
pub fn is_loopback(host: &str) -> bool {
    let name = host
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or_else(|| host.split(':').next().unwrap_or_default(), |(address, _)| address);
    matches!(name, "localhost" | "127.0.0.1" | "::1")
}

/// Where wrangler serves its local bucket.
const LOCAL_BUCKET_PATH: &str = "/cdn-cgi/local/r2/s3";
const SIGNING_KEY_MIN_BYTES: usize = 32;
/// At this speed the three days of an upload are over in seconds.
const CLOCK_SPEED_MAX: i64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_key::ObjectKey;
    use crate::base::time::{DurationMs, Timestamp};

    const KEY: &str = "0123456789abcdef0123456789abcdef";

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
            Setting::WorkersApiKey | Setting::R2RefuseCopies | Setting::ClockSpeed => return None,
        })
    }

    /// The good settings, with these instead.
    fn parse(others: &[(Setting, &str)]) -> Result<Config, Vec<String>> {
        Config::parse(&|setting| {
            let other = others.iter().find(|(name, _)| *name == setting).map(|(_, value)| *value);
            other.or(good(setting)).map(str::to_owned)
        })
    }

    #[test]
    fn a_development_config_parses_and_trims_slashes() {
        let config = parse(&[]).unwrap();
        assert!(matches!(config.access, ApiAccess::Open));
        assert_eq!(config.public_url, "http://localhost:8787");
        assert_eq!(config.runpod.unwrap().endpoint, "http://127.0.0.1:8788/v2/local");
        assert_eq!(config.allowed_origins, ["http://localhost:5173", "http://localhost:3000"]);
    }

    #[test]
    fn every_missing_setting_is_named_at_once() {
        assert_eq!(
            Config::parse(&|_| None).unwrap_err(),
            [
                "WORKERS_API_KEY is required unless ENVIRONMENT is `development`",
                "SIGNING_KEY is missing",
                "R2_ENDPOINT is missing",
                "R2_ACCESS_KEY_ID is missing",
                "R2_SECRET_ACCESS_KEY is missing",
                "R2_BUCKET_NAME is missing",
                "PUBLIC_URL is missing",
            ]
        );
    }

    #[test]
    fn each_wrong_setting_is_refused_by_its_name() {
        for (setting, value) in [
            (Setting::SigningKey, "short"),
            (Setting::RunpodEndpoint, "ftp://x"),
            (Setting::RunpodApiKey, " "),
            (Setting::R2Endpoint, "x"),
            (Setting::R2BucketName, "a b"),
            (Setting::R2RefuseCopies, "yes"),
            (Setting::PublicUrl, "localhost"),
            (Setting::AllowedOrigins, "*"),
            (Setting::ClockSpeed, "0"),
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
    fn outside_of_development_the_api_never_fails_open() {
        for environment in ["", "production", "Development", "staging"] {
            assert!(parse(&[(Setting::Environment, environment)]).is_err(), "{environment:?}");
        }
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
        let production = [fast, (Setting::Environment, "production"), (Setting::WorkersApiKey, "k")];
        assert_eq!(
            parse(&production).unwrap_err(),
            ["CLOCK_SPEED is allowed only when ENVIRONMENT is `development`"]
        );
    }

    #[test]
    fn secrets_do_not_print() {
        let printed = format!("{:?}", parse(&[(Setting::WorkersApiKey, "api-secret")]).unwrap());
        for secret in ["api-secret", "rp-secret", "r2-secret", KEY] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
