//! A deployment's settings: parsed once, all faults at once, secrets that cannot be printed.

use crate::base::secret::Secret;

use crate::auth::token::Signer;
use crate::base::base_url::BaseUrl;
use crate::job::timeouts::Timeouts;
use crate::s3::Presigner;

/// The raw settings, as the environment has them (names: design.md 5). Empty counts as unset.
#[derive(Clone, Default)]
pub struct RawConfig {
    /// `development`, or any other name.
    pub environment: Option<String>,
    /// Bearer key of the API.
    pub workers_api_key: Option<String>,
    /// Key of the tokens in callback, webhook and watch URLs, at least 32 bytes.
    pub signing_key: Option<String>,
    /// Such as `https://api.runpod.ai/v2/abc123`.
    pub runpod_endpoint: Option<String>,
    /// RunPod's API key.
    pub runpod_api_key: Option<String>,
    /// S3 endpoint of the bucket's account.
    pub r2_endpoint: Option<String>,
    /// S3 access key id.
    pub r2_access_key_id: Option<String>,
    /// S3 secret.
    pub r2_secret_access_key: Option<String>,
    /// Bucket name.
    pub r2_bucket_name: Option<String>,
    /// Origins of browsers that may call, separated by commas.
    pub allowed_origins: Option<String>,
    /// Where GPU workers reach this API from outside.
    pub public_url: Option<String>,
    /// Development only: divides every deadline, so that tests need not wait.
    pub clock_speed: Option<String>,
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
    /// Checks every setting. The faults name settings and never show values.
    pub fn parse(raw: RawConfig) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let environment = non_empty(raw.environment);
        let development = environment.as_deref() == Some("development");
        let access = match non_empty(raw.workers_api_key) {
            Some(key) => Some(ApiAccess::Key(Secret::new(key))),
            None if development => Some(ApiAccess::Open),
            None => config_error(
                &mut faults,
                "WORKERS_API_KEY is missing: the API stays closed outside of development",
            ),
        };
        let signer = match non_empty(raw.signing_key) {
            Some(key) if key.len() >= SIGNING_KEY_MIN_BYTES => Some(Signer::new(key.as_bytes())),
            Some(_) => config_error(&mut faults, "SIGNING_KEY is shorter than 32 bytes"),
            None => config_error(&mut faults, "SIGNING_KEY is missing"),
        };
        let gpu = match (non_empty(raw.runpod_endpoint), non_empty(raw.runpod_api_key)) {
            (None, _) => Some(None),
            (Some(_), None) => {
                config_error(&mut faults, "RUNPOD_API_KEY is missing, and RUNPOD_ENDPOINT is set")
            }
            (Some(endpoint), Some(key)) => web_url("RUNPOD_ENDPOINT", &endpoint, &mut faults)
                .map(|url| Some(RunpodConfig { endpoint: url.into(), key: Secret::new(key) })),
        };
        let endpoint = required("R2_ENDPOINT", raw.r2_endpoint, &mut faults)
            .and_then(|text| web_url("R2_ENDPOINT", &text, &mut faults));
        let key_id = required("R2_ACCESS_KEY_ID", raw.r2_access_key_id, &mut faults);
        let secret = required("R2_SECRET_ACCESS_KEY", raw.r2_secret_access_key, &mut faults);
        let bucket = required("R2_BUCKET_NAME", raw.r2_bucket_name, &mut faults);
        let presigner = match (endpoint, key_id, secret, bucket) {
            (Some(endpoint), Some(id), Some(secret), Some(bucket)) => {
                Presigner::new(&endpoint, &bucket, id, secret).or_else(|| {
                    config_error(
                        &mut faults,
                        "R2_BUCKET_NAME may have letters, digits, '.', '-' and '_' only",
                    )
                })
            }
            _ => None,
        };
        let public_url = required("PUBLIC_URL", raw.public_url, &mut faults)
            .and_then(|text| web_url("PUBLIC_URL", &text, &mut faults));
        let allowed_origins = origins(raw.allowed_origins, &mut faults);
        let timing = timing(non_empty(raw.clock_speed), development, &mut faults);
        match (access, signer, gpu, presigner, public_url, timing) {
            (Some(access), Some(signer), Some(gpu), Some(presigner), Some(public_url), Some(timing))
                if faults.is_empty() =>
            {
                Ok(Self {
                    environment: environment.unwrap_or_else(|| "unnamed".to_owned()),
                    access,
                    signer,
                    runpod: gpu,
                    presigner,
                    allowed_origins,
                    public_url: public_url.into(),
                    timeouts: timing,
                })
            }
            _ => Err(faults),
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

fn non_empty(value: Option<String>) -> Option<String> {
    value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn config_error<T>(faults: &mut Vec<String>, text: impl Into<String>) -> Option<T> {
    faults.push(text.into());
    None
}

fn required(name: &str, value: Option<String>, faults: &mut Vec<String>) -> Option<String> {
    non_empty(value).or_else(|| config_error(faults, format!("{name} is missing")))
}

fn web_url(name: &str, text: &str, faults: &mut Vec<String>) -> Option<BaseUrl> {
    BaseUrl::parse(text).or_else(|| config_error(faults, format!("{name} is not an http or https URL")))
}

fn origins(value: Option<String>, faults: &mut Vec<String>) -> Vec<String> {
    let list: Vec<String> = non_empty(value)
        .map(|text| {
            text.split(',').map(|origin| origin.trim().to_owned()).filter(|o| !o.is_empty()).collect()
        })
        .unwrap_or_default();
    for origin in &list {
        let exact = BaseUrl::parse(origin).is_some_and(|url| url.origin() == origin);
        if !exact {
            faults.push(
                "ALLOWED_ORIGINS must list origins such as https://app.reelballers.com, separated by commas"
                    .into(),
            );
            break;
        }
    }
    list
}

fn timing(speed: Option<String>, development: bool, faults: &mut Vec<String>) -> Option<Timeouts> {
    let Some(text) = speed else { return Some(Timeouts::STANDARD) };
    if !development {
        return config_error(faults, "CLOCK_SPEED is for development only");
    }
    match text.parse::<i64>() {
        Ok(times) if (1..=CLOCK_SPEED_MAX).contains(&times) => Some(Timeouts::STANDARD.scaled_by(times)),
        _ => config_error(faults, "CLOCK_SPEED must be a whole number from 1 to 100000"),
    }
}

const SIGNING_KEY_MIN_BYTES: usize = 32;
/// At this speed the three days of an upload are over in seconds.
const CLOCK_SPEED_MAX: i64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> RawConfig {
        let text = |value: &str| Some(value.to_owned());
        RawConfig {
            environment: text("development"),
            workers_api_key: None,
            signing_key: text("0123456789abcdef0123456789abcdef"),
            runpod_endpoint: text("http://127.0.0.1:8788/v2/local/"),
            runpod_api_key: text("rp-secret"),
            r2_endpoint: text("http://localhost:8787/cdn-cgi/local/r2/s3"),
            r2_access_key_id: text("id"),
            r2_secret_access_key: text("r2-secret"),
            r2_bucket_name: text("reel-ballers-videos"),
            allowed_origins: text("http://localhost:5173, http://localhost:3000"),
            public_url: text("http://localhost:8787/"),
            clock_speed: None,
        }
    }

    #[test]
    fn a_development_config_parses_and_trims_slashes() {
        let config = Config::parse(good()).unwrap();
        assert!(matches!(config.access, ApiAccess::Open));
        assert_eq!(config.public_url, "http://localhost:8787");
        assert_eq!(config.runpod.unwrap().endpoint, "http://127.0.0.1:8788/v2/local");
        assert_eq!(config.allowed_origins, ["http://localhost:5173", "http://localhost:3000"]);
    }

    #[test]
    fn every_missing_setting_is_named_at_once() {
        let faults = Config::parse(RawConfig::default()).unwrap_err();
        for name in [
            "WORKERS_API_KEY",
            "SIGNING_KEY",
            "R2_ENDPOINT",
            "R2_ACCESS_KEY_ID",
            "R2_SECRET_ACCESS_KEY",
            "R2_BUCKET_NAME",
            "PUBLIC_URL",
        ] {
            assert!(faults.iter().any(|fault| fault.contains(name)), "{name}: {faults:?}");
        }
    }

    #[test]
    fn outside_of_development_the_api_never_fails_open() {
        for environment in [None, Some(""), Some("production"), Some("Development"), Some("staging")] {
            let raw = RawConfig { environment: environment.map(str::to_owned), ..good() };
            assert!(Config::parse(raw).is_err(), "{environment:?}");
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
        let fast = RawConfig { clock_speed: Some("20".into()), ..good() };
        assert_eq!(Config::parse(fast.clone()).unwrap().timeouts.heartbeat_timeout.0, 3_000);
        let production =
            RawConfig { environment: Some("production".into()), workers_api_key: Some("k".into()), ..fast };
        assert_eq!(Config::parse(production).unwrap_err(), ["CLOCK_SPEED is for development only"]);
    }

    #[test]
    fn secrets_do_not_print() {
        let config =
            Config::parse(RawConfig { workers_api_key: Some("api-secret".into()), ..good() }).unwrap();
        let printed = format!("{config:?}");
        for secret in ["api-secret", "rp-secret", "r2-secret", "0123456789abcdef"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn a_wildcard_is_no_origin() {
        let raw = RawConfig { allowed_origins: Some("*".into()), ..good() };
        assert!(Config::parse(raw).unwrap_err().iter().any(|fault| fault.contains("ALLOWED_ORIGINS")));
    }
}
