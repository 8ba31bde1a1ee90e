//! `GET /health`: whether the API can work, and with what. Never a secret, and to strangers never a fault.

use std::rc::Rc;

use reel_core::config::{ApiAccess, Config, OPEN_DEVELOPMENT_WARNING};
use reel_core::http::problem::Problem;

use crate::platform::http::HttpResponse;

/// 200 while the API can serve, 503 with the faults while it cannot.
pub fn show(config: Result<Rc<Config>, Problem>) -> HttpResponse {
    match config {
        Ok(config) => HttpResponse::json(200, json_of(&config)),
        Err(problem) => {
            let body = serde_json::json!({ "status": "not_configured", "version": VERSION, "detail": problem.detail });
            HttpResponse::json(503, body.to_string())
        }
    }
}

/// What a working API says of itself.
pub fn json_of(config: &Config) -> String {
    let mut body = serde_json::json!({
        "status": "ok",
        "env": config.environment,
        "version": VERSION,
        "runpod": config.runpod.is_some(),
        "api_key": matches!(config.access, ApiAccess::Keys(_)),
    });
    if let (ApiAccess::Open, Some(body)) = (&config.access, body.as_object_mut()) {
        body.insert("warning".to_owned(), OPEN_DEVELOPMENT_WARNING.into());
    }
    body.to_string()
}

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("REVISION"));
