//! Every binding by its name, once, and the environment as a [`Config`].

use crate::platform::log::log;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use std::cell::RefCell;
use std::rc::Rc;

use reel_core::config::{Config, Setting};
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::settings_faults;
use worker::{Bucket, D1Database, Env, ObjectNamespace, RateLimiter};

/// Durable Objects of jobs.
pub const EXPORT_JOB: &str = "EXPORT_JOB";
/// Durable Objects of uploads in parts.
pub const UPLOAD: &str = "UPLOAD";
/// The bucket of inputs and outputs.
pub const VIDEOS: &str = "VIDEOS";
/// The index of jobs.
pub const DB: &str = "DB";

/// A parsed configuration, or the errors that keep the API closed.
type Parsed = Result<Rc<Config>, Rc<[String]>>;

thread_local! {
    // Settings do not change while an isolate lives: parsed by the first request, kept for the rest.
    static CONFIG: RefCell<Option<Parsed>> = const { RefCell::new(None) };
    // In development, the settings at the address of the last authorized call. Objects run in the isolate
    // that was called, and an address that was stored would be wrong after a restart on another port.
    static CALLED: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

/// The deployment's settings, as an object sees them.
///
/// # Errors
/// 503 that names every setting that is missing or wrong, never a value; see [`may_read_faults`].
pub fn config(env: &Env) -> Result<Rc<Config>, Problem> {
    match CALLED.with_borrow(Clone::clone) {
        Some(called) => Ok(called),
        None => settings(env),
    }
}

/// The settings for a call at this origin.
///
/// # Errors
/// As for [`config`].
pub fn config_at(env: &Env, origin: &str) -> Result<Rc<Config>, Problem> {
    let config = settings(env)?;
    Ok(config.at(origin).map_or(config, Rc::new))
}

/// Reads the settings, once an isolate. What is wrong with them is told to whoever needs them.
pub fn read_settings(env: &Env) {
    let _kept = settings(env);
}

/// The settings for a call at this origin, if they were read before and are right.
pub fn kept_config(origin: &str) -> Option<Rc<Config>> {
    let config = any_kept_config()?;
    Some(config.at(origin).map_or(config, Rc::new))
}

/// The settings, wherever the call came in, if they were read before and are right.
pub fn any_kept_config() -> Option<Rc<Config>> {
    CONFIG.with_borrow(|kept| kept.as_ref()?.as_ref().ok().cloned())
}

/// Has objects follow the address of this call. Only for a caller with a credential: anybody can send any
/// `Host`.
pub fn follow(config: &Rc<Config>) {
    if config.development {
        CALLED.set(Some(Rc::clone(config)));
    }
}

fn settings(env: &Env) -> Result<Rc<Config>, Problem> {
    let parsed = CONFIG.with(|kept| kept.borrow_mut().get_or_insert_with(|| parse(env)).clone());
    parsed.map_err(|errors| {
        Problem::new(
            ProblemCode::NotConfigured,
            format!("This deployment is not configured: {}.", errors.join("; ")),
        )
    })
}

/// Whether a caller may read what keeps the API closed.
pub fn may_read_faults(env: &Env, host: &str, authorization: Option<&str>) -> bool {
    settings_faults::may_read_faults(&|setting| setting_text(env, setting), host, authorization)
}

fn setting_text(env: &Env, setting: Setting) -> Option<String> {
    env.var(setting.as_str()).ok().map(|value| value.to_string())
}

fn parse(env: &Env) -> Parsed {
    match Config::parse(&|setting| setting_text(env, setting)) {
        Ok(config) => {
            for warning in &config.warnings {
                log(LogSubject::Startup, LogEvent::SettingsWarning, warning);
            }
            Ok(Rc::new(config))
        }
        Err(errors) => {
            log(LogSubject::Startup, LogEvent::NotConfigured, &errors.join("; "));
            Err(errors.into())
        }
    }
}

/// The platform's limiter of requests, where it is bound.
pub fn rate_limiter(env: &Env) -> Option<RateLimiter> {
    env.rate_limiter("RATE_LIMITER").ok()
}

/// The namespace of job objects.
pub fn jobs(env: &Env) -> Result<ObjectNamespace, Problem> {
    env.durable_object(EXPORT_JOB).map_err(|_| unbound(EXPORT_JOB))
}

/// The namespace of upload objects.
pub fn uploads(env: &Env) -> Result<ObjectNamespace, Problem> {
    env.durable_object(UPLOAD).map_err(|_| unbound(UPLOAD))
}

/// The bucket.
pub fn videos(env: &Env) -> Result<Bucket, Problem> {
    env.bucket(VIDEOS).map_err(|_| unbound(VIDEOS))
}

/// The index.
pub fn database(env: &Env) -> Result<D1Database, Problem> {
    env.d1(DB).map_err(|_| unbound(DB))
}

fn unbound(name: &str) -> Problem {
    Problem::new(
        ProblemCode::NotConfigured,
        format!("This deployment is not configured: binding `{name}` is missing."),
    )
}
