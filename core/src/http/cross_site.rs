//! What a page of another site may not send. One check of every request, before anybody asks who calls.
//!
//! Invariant: a browser names the page's origin in each request that changes something and in each socket
//! that it opens, and the page cannot take it back. Programs name none and pass.

use crate::base::base_url::BaseUrl;
use crate::config::Config;
use crate::http::problem::{Problem, ProblemCode};
use crate::http::route::Route;

/// What of a request says where it comes from and what it carries.
pub trait Arrival {
    /// The method, in capitals.
    fn method(&self) -> &str;
    /// Scheme, host and port that were called.
    fn called_origin(&self) -> &str;
    /// The header `Origin`.
    fn origin(&self) -> Option<&str>;
    /// The header `Content-Type`.
    fn content_type(&self) -> Option<&str>;
    /// The header `Content-Encoding`.
    fn content_encoding(&self) -> Option<&str>;
    /// Whether a body was sent.
    fn has_body(&self) -> bool;
}

/// Refuses what a page of an origin that is not allowed sends, and a body that is not plain JSON.
///
/// # Errors
/// 403 for the origin, 415 for the type of the body or its encoding.
pub fn check_arrival(route: &Route<'_>, arrival: &impl Arrival, config: &Config) -> Result<(), Problem> {
    let changes = !matches!(arrival.method(), "GET" | "HEAD" | "OPTIONS");
    if changes || matches!(route, Route::Watch(_) | Route::WatchLegacy(_)) {
        let own = arrival.called_origin();
        if arrival.origin().is_some_and(|origin| origin != own && !is_allowed(origin, config)) {
            return Err(Problem::new(
                ProblemCode::OriginNotAllowed,
                "Pages of this origin may not call this API. Its operator can add the origin to ALLOWED_ORIGINS.",
            ));
        }
    }
    // RunPod's webhook is not read, whatever it is.
    let is_read = changes && !matches!(route, Route::Webhook(..));
    if is_read && !arrival.content_type().is_some_and(is_json) && arrival.has_body() {
        return Err(Problem::new(
            ProblemCode::UnsupportedMediaType,
            "The body must be JSON. Send it with the header `Content-Type: application/json`.",
        ));
    }
    match arrival.content_encoding() {
        Some(encoding) if is_read && !encoding.eq_ignore_ascii_case("identity") => Err(Problem::new(
            ProblemCode::UnsupportedMediaType,
            "The body is encoded, and this API reads only plain bodies. Send it without `Content-Encoding`.",
        )),
        _ => Ok(()),
    }
}

/// An origin that is configured, or that of the API's own public address.
fn is_allowed(origin: &str, config: &Config) -> bool {
    config.allowed_origins.iter().any(|allowed| allowed == origin)
        || BaseUrl::parse(&config.public_url).is_some_and(|url| url.origin() == origin)
}

/// `application/json` or `application/*+json` (RFC 6839), with or without parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/").unwrap_or_default();
    subtype == "json" || subtype.strip_suffix("+json").is_some_and(|kind| !kind.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;

    const JOB: &str = "/api/jobs/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    struct Sent {
        method: &'static str,
        origin: Option<&'static str>,
        content_type: Option<&'static str>,
        content_encoding: Option<&'static str>,
        has_body: bool,
    }

    impl Arrival for Sent {
        fn method(&self) -> &str {
            self.method
        }

        fn called_origin(&self) -> &'static str {
            "https://api.example:8443"
        }

        fn origin(&self) -> Option<&str> {
            self.origin
        }

        fn content_type(&self) -> Option<&str> {
            self.content_type
        }

        fn content_encoding(&self) -> Option<&'static str> {
            self.content_encoding
        }

        fn has_body(&self) -> bool {
            self.has_body
        }
    }

    fn config() -> Config {
        Config::parse(&|setting| {
            let value = match setting {
                Setting::Environment => "production",
                Setting::WorkersApiKey | Setting::SigningKey => "0123456789abcdef0123456789abcdef",
                Setting::R2Endpoint => "https://r2.example",
                Setting::PublicUrl => "https://public.example/exports",
                Setting::AllowedOrigins => "https://app.example",
                Setting::R2AccessKeyId | Setting::R2SecretAccessKey | Setting::R2BucketName => "r2",
                _ => return None,
            };
            Some(value.to_owned())
        })
        .unwrap()
    }

    fn status(path: &str, sent: &Sent) -> u16 {
        let route = Route::parse(sent.method, path).unwrap();
        check_arrival(&route, sent, &config()).map_or_else(|problem| problem.code.status(), |()| 200)
    }

    #[test]
    fn a_page_of_a_foreign_origin_changes_nothing_and_opens_no_socket() {
        let foreign = [
            "https://evil.example",
            "null",
            "",
            "https://app.example.evil.example",
            "http://app.example",
            "https://app.example:444",
            "https://api.example",
            "http://api.example:8443",
            "https:",
        ];
        let own = [
            None,
            Some("https://app.example"),
            Some("https://api.example:8443"),
            Some("https://public.example"),
        ];
        let guarded = [
            ("POST", "/api/jobs".to_owned()),
            ("DELETE", JOB.to_owned()),
            ("PUT", "/api/projects/7".to_owned()),
            ("POST", format!("{JOB}/do/token/claim")),
            ("POST", "/api/runpod/webhook/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/token".to_owned()),
            ("GET", format!("{JOB}/ws")),
            ("GET", "/ws/export/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".to_owned()),
        ];
        for (method, path) in &guarded {
            let from = |origin| {
                status(
                    path,
                    &Sent { method, origin, content_type: None, content_encoding: None, has_body: false },
                )
            };
            for origin in foreign {
                assert_eq!(from(Some(origin)), 403, "{method} {path} from {origin}");
            }
            for origin in own {
                assert_eq!(from(origin), 200, "{method} {path} from {origin:?}");
            }
        }
        for (method, path) in
            [("GET", JOB), ("GET", "/health"), ("HEAD", "/health"), ("OPTIONS", "/api/jobs")]
        {
            let origin = Some("https://evil.example");
            let seen = status(
                path,
                &Sent { method, origin, content_type: None, content_encoding: None, has_body: false },
            );
            assert_eq!(seen, 200, "{method} {path} changes nothing, and the page cannot read it");
        }
    }

    #[test]
    fn a_body_is_json_by_its_type() {
        let with = |path: &str, content_type, has_body| {
            status(
                path,
                &Sent { method: "POST", origin: None, content_type, content_encoding: None, has_body },
            )
        };
        for json in [
            "application/json",
            "Application/JSON; charset=utf-8",
            " application/json ;x",
            "application/problem+json",
            "application/vnd.reel+json;v=1",
        ] {
            assert_eq!(with("/api/jobs", Some(json), true), 200, "{json}");
        }
        for other in [
            None,
            Some(""),
            Some("text/plain"),
            Some("text/json"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=application/json"),
            Some("application/jsonp"),
            Some("application/+json"),
            Some("application/xml"),
            Some("json"),
        ] {
            assert_eq!(with("/api/jobs", other, true), 415, "{other:?}");
            assert_eq!(with(&format!("{JOB}/cancel"), other, false), 200, "nothing was sent: {other:?}");
            let webhook = "/api/runpod/webhook/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/token";
            assert_eq!(with(webhook, other, true), 200, "nobody reads it: {other:?}");
        }
    }

    #[test]
    fn a_body_that_is_encoded_is_refused_by_name() {
        let status = |content_encoding| {
            let sent = Sent {
                method: "POST",
                origin: None,
                content_type: Some("application/json"),
                content_encoding,
                has_body: true,
            };
            let route = Route::parse("POST", "/api/jobs").unwrap();
            check_arrival(&route, &sent, &config()).map_err(|problem| problem.code.status())
        };
        assert_eq!([None, Some("identity"), Some("Identity")].map(status), [Ok(()); 3]);
        assert_eq!(["gzip", "br", "gzip, identity"].map(|encoding| status(Some(encoding))), [Err(415); 3]);
    }
}
