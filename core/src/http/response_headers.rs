//! Headers that a response has whatever it says: what a browser may do with it, where it may be kept, and
//! which pages may read it.
//!
//! Invariant: without a rule of its own, a response is kept nowhere, shown in no page, and read by no page
//! of another origin.

use std::borrow::Cow;

use crate::config::Config;

/// A header's name and its value.
pub type Header = (&'static str, Cow<'static, str>);

/// What a response is to a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// JSON, or nothing.
    Api,
    /// The answer to a browser that asks before it calls.
    Preflight,
    /// A stored video or picture.
    Media,
}

/// The standing headers of a response to a page of this origin. A response may replace each of them.
///
/// Without settings nothing is known of allowed origins, and none is allowed.
pub fn standing_headers(kind: ContentKind, config: Option<&Config>, origin: Option<&str>) -> Vec<Header> {
    let origins = config.map(|config| config.allowed_origins.as_slice()).unwrap_or_default();
    let fixed = |name, value| (name, Cow::Borrowed(value));
    let mut headers = vec![
        fixed("cache-control", "no-store"),
        fixed("x-content-type-options", "nosniff"),
        fixed("referrer-policy", "no-referrer"),
        fixed(
            "content-security-policy",
            match kind {
                ContentKind::Api | ContentKind::Preflight => "default-src 'none'; frame-ancestors 'none'",
                ContentKind::Media => MEDIA_POLICY,
            },
        ),
        fixed(
            "cross-origin-resource-policy",
            match kind {
                ContentKind::Api | ContentKind::Preflight => "same-origin",
                // A `<video>` of another origin loads without telling its origin: this header only says that
                // some may, and the token in the URL says which video.
                ContentKind::Media if origins.is_empty() => "same-site",
                ContentKind::Media => "cross-origin",
            },
        ),
    ];
    if config.is_some_and(|config| config.environment != "development") {
        headers.push(fixed("strict-transport-security", "max-age=31536000"));
    }
    if origins.is_empty() {
        return headers;
    }
    let allowed = origin.filter(|origin| origins.iter().any(|allowed| allowed == origin));
    // A cache must not give one origin's response to another, with a match or without.
    headers.push(fixed(
        "vary",
        match kind {
            ContentKind::Preflight => "origin, access-control-request-method, access-control-request-headers",
            ContentKind::Api | ContentKind::Media => "origin",
        },
    ));
    let Some(allowed) = allowed else { return headers };
    headers.push(("access-control-allow-origin", Cow::Owned(allowed.to_owned())));
    match kind {
        ContentKind::Preflight => headers.extend([
            fixed("access-control-allow-methods", "GET, POST, PUT, DELETE, HEAD"),
            fixed("access-control-allow-headers", ACCEPTED_HEADERS),
            fixed("access-control-max-age", "3600"),
        ]),
        ContentKind::Api | ContentKind::Media => {
            headers.push(fixed("access-control-expose-headers", EXPOSED_HEADERS));
        }
    }
    headers
}

/// What was uploaded runs nowhere, even where a browser opens it as a page: it may only be played or shown. Such a
/// page asks for its own video once more, as its origin, which the sandbox would take from it.
const MEDIA_POLICY: &str = "sandbox allow-same-origin; default-src 'none'; media-src 'self'; img-src 'self'; \
    style-src 'unsafe-inline'; frame-ancestors 'none'";

/// What a page of an allowed origin may send beyond the headers that it always may.
const ACCEPTED_HEADERS: &str = "authorization, content-type, idempotency-key, range, if-range, if-match, \
    if-none-match, if-modified-since, if-unmodified-since, on-behalf-of, upload-token, video-key";

/// What a page of an allowed origin may read beyond the headers that it always may.
const EXPOSED_HEADERS: &str = "x-request-id, retry-after, ratelimit, ratelimit-policy, etag, last-modified, accept-ranges, content-range, \
    content-length, content-disposition";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Setting;

    const PAGE: &str = "https://app.example";

    fn config(environment: &str, origins: &str) -> Config {
        Config::parse(&|setting| {
            let value = match setting {
                Setting::Environment => environment,
                Setting::WorkersApiKey | Setting::SigningKey => "0123456789abcdef0123456789abcdef",
                Setting::R2Endpoint | Setting::PublicUrl => "https://api.example",
                Setting::AllowedOrigins => origins,
                Setting::R2AccessKeyId | Setting::R2SecretAccessKey | Setting::R2BucketName => "r2",
                _ => return None,
            };
            Some(value.to_owned())
        })
        .unwrap()
    }

    fn value<'h>(headers: &'h [Header], name: &str) -> Option<&'h str> {
        headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_ref())
    }

    const KINDS: [ContentKind; 3] = [ContentKind::Api, ContentKind::Preflight, ContentKind::Media];

    #[test]
    fn every_response_is_closed_to_browsers_even_without_settings() {
        let (open, closed) = (config("production", PAGE), config("production", ""));
        for kind in KINDS {
            for config in [None, Some(&closed), Some(&open)] {
                let headers = standing_headers(kind, config, Some("https://evil.example"));
                assert_eq!(value(&headers, "cache-control"), Some("no-store"));
                assert_eq!(value(&headers, "x-content-type-options"), Some("nosniff"));
                assert_eq!(value(&headers, "referrer-policy"), Some("no-referrer"));
                let policy = value(&headers, "content-security-policy").unwrap();
                assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
                assert_eq!(policy.contains("sandbox"), kind == ContentKind::Media);
                assert!(!policy.contains("script-src") && !policy.contains("allow-scripts"), "{policy}");
                assert_eq!(headers.iter().find(|(name, _)| name.starts_with("access-control")), None);
            }
        }
        let mut names: Vec<_> =
            standing_headers(ContentKind::Api, Some(&open), Some(PAGE)).into_iter().collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup_by_key(|(name, _)| *name);
        assert_eq!(names.len(), all, "each name once");
    }

    #[test]
    fn only_pages_of_an_allowed_origin_may_read_and_none_with_credentials() {
        let config = config("production", "https://app.example, https://b.example");
        for kind in KINDS {
            for origin in
                [None, Some("https://evil.example"), Some("null"), Some("https://app.example.evil.example")]
            {
                let headers = standing_headers(kind, Some(&config), origin);
                assert_eq!(value(&headers, "access-control-allow-origin"), None, "{origin:?}");
                assert!(value(&headers, "vary").unwrap().starts_with("origin"), "{origin:?}");
            }
            let headers = standing_headers(kind, Some(&config), Some("https://b.example"));
            assert_eq!(value(&headers, "access-control-allow-origin"), Some("https://b.example"));
            assert_eq!(value(&headers, "access-control-allow-credentials"), None);
            let cached = (kind == ContentKind::Preflight).then_some("3600");
            assert_eq!(value(&headers, "access-control-max-age"), cached);
        }
        let preflight = standing_headers(ContentKind::Preflight, Some(&config), None);
        assert_eq!(
            value(&preflight, "vary"),
            Some("origin, access-control-request-method, access-control-request-headers")
        );
    }

    #[test]
    fn a_page_of_an_allowed_origin_may_send_its_tokens_in_headers() {
        let config = config("production", PAGE);
        let headers = standing_headers(ContentKind::Preflight, Some(&config), Some(PAGE));
        let accepted: Vec<&str> =
            value(&headers, "access-control-allow-headers").unwrap().split(',').map(str::trim).collect();
        for name in ["authorization", "on-behalf-of", "upload-token", "video-key", "content-type"] {
            assert!(accepted.contains(&name), "{name}: {accepted:?}");
        }
    }

    #[test]
    fn pages_of_other_origins_play_videos_only_where_some_are_allowed() {
        let policy = |kind, origins| {
            let headers = standing_headers(kind, Some(&config("production", origins)), None);
            value(&headers, "cross-origin-resource-policy").unwrap().to_owned()
        };
        assert_eq!(policy(ContentKind::Media, PAGE), "cross-origin");
        assert_eq!(policy(ContentKind::Media, ""), "same-site");
        assert_eq!(policy(ContentKind::Api, PAGE), "same-origin");
    }

    #[test]
    fn browsers_remember_https_outside_of_development() {
        let strict = |environment| {
            let headers = standing_headers(ContentKind::Api, Some(&config(environment, "")), None);
            value(&headers, "strict-transport-security").is_some()
        };
        assert!(strict("production") && strict("staging"));
        assert!(!strict("development"));
    }
}
