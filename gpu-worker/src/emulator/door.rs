//! Who may call the server: what every request must show before any route reads it.
//!
//! A browser on this machine reaches a server on loopback, whatever page it shows. So a request of another
//! site's page is refused by what browsers always send, and a key is compared in constant time.
//!
//! Invariant: pure; it reads headers and decides.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq;

/// What a server asks of its callers.
#[derive(Clone, Debug)]
pub struct Door {
    api_key: Option<String>,
    loopback_only: bool,
}

/// Why a request is refused, and with which status.
pub type Refusal = (StatusCode, &'static str);

impl Door {
    /// The door of a server that listens on this address, with this key.
    pub const fn new(address: IpAddr, api_key: Option<String>) -> Self {
        Self { api_key, loopback_only: address.is_loopback() }
    }

    /// Why this request is refused; `None` lets it in.
    pub fn refusal(&self, has_body: bool, headers: &HeaderMap) -> Option<Refusal> {
        if let Some(reason) = self.key_refusal(headers) {
            return Some((StatusCode::UNAUTHORIZED, reason));
        }
        let host = text(headers, header::HOST);
        // A foreign name that was made to resolve to this machine.
        if self.loopback_only && !host.is_some_and(is_loopback_host) {
            return Some((StatusCode::FORBIDDEN, "this server answers only to a loopback host"));
        }
        if is_foreign_page(headers, host) {
            return Some((StatusCode::FORBIDDEN, "requests of web pages are refused"));
        }
        // A page may send any other type to any host without asking first.
        if has_body && !text(headers, header::CONTENT_TYPE).is_some_and(is_json) {
            return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type must be application/json"));
        }
        None
    }

    /// RunPod takes the bare key, too.
    fn key_refusal(&self, headers: &HeaderMap) -> Option<&'static str> {
        let key = self.api_key.as_deref()?;
        if !headers.contains_key(header::AUTHORIZATION) {
            return Some("no token provided");
        }
        let given = text(headers, header::AUTHORIZATION).unwrap_or_default();
        let given = given.strip_prefix("Bearer ").unwrap_or(given);
        (!bool::from(given.as_bytes().ct_eq(key.as_bytes()))).then_some("unauthorized")
    }
}

/// Whether a browser sends this for a page that is not this server's own.
fn is_foreign_page(headers: &HeaderMap, host: Option<&str>) -> bool {
    let is_own = |origin: &str| origin.strip_prefix("http://").is_some_and(|own| Some(own) == host);
    if headers.contains_key(header::ORIGIN) && !text(headers, header::ORIGIN).is_some_and(is_own) {
        return true;
    }
    let site = headers.get("sec-fetch-site");
    site.is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"))
}

fn is_loopback_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// A header that is there once, as text. Of two, nobody knows which one another reader takes.
fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (header::HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn status(door: &Door, has_body: bool, pairs: &[(&'static str, &'static str)]) -> u16 {
        door.refusal(has_body, &headers(pairs)).map_or(200, |(status, _)| status.as_u16())
    }

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    #[test]
    fn a_page_of_another_site_is_refused_without_a_key_too() {
        let door = Door::new([127, 0, 0, 1].into(), None);
        let own = ("host", "127.0.0.1:8788");
        assert_eq!(status(&door, true, &[own, JSON]), 200);
        assert_eq!(status(&door, false, &[own]), 200);
        assert_eq!(status(&door, true, &[own, JSON, ("origin", "http://127.0.0.1:8788")]), 200);
        for foreign in ["http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1:8788", ""]
        {
            assert_eq!(status(&door, true, &[own, JSON, ("origin", foreign)]), 403, "{foreign}");
        }
        for site in ["cross-site", "same-site", "something-new"] {
            assert_eq!(status(&door, false, &[own, ("sec-fetch-site", site)]), 403, "{site}");
        }
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
            assert_eq!(status(&door, true, &[own, ("content-type", content_type)]), 415, "{content_type}");
        }
        assert_eq!(status(&door, true, &[own]), 415);
    }

    #[test]
    fn a_name_that_resolves_to_loopback_is_not_loopback() {
        let door = Door::new([127, 0, 0, 1].into(), None);
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1", "127.9.9.9:1", "[::1]:8788", "[::1]"] {
            let map = [(header::HOST, HeaderValue::from_static(host))].into_iter().collect();
            assert_eq!(door.refusal(false, &map), None, "{host}");
        }
        for host in ["evil.example", "evil.example:8788", "127.0.0.1.evil.example", "0.0.0.0", "10.0.0.1", ""]
        {
            let map = [(header::HOST, HeaderValue::from_static(host))].into_iter().collect();
            assert!(door.refusal(false, &map).is_some(), "{host}");
        }
        assert_eq!(status(&door, false, &[]), 403, "no host at all");
        let both = headers(&[("host", "localhost"), ("host", "evil.example")]);
        assert!(door.refusal(false, &both).is_some());
    }

    #[test]
    fn the_key_opens_a_server_that_others_can_reach() {
        let door = Door::new([0, 0, 0, 0].into(), Some("a-key-of-some-length".into()));
        let host = ("host", "gpu.example");
        assert_eq!(status(&door, false, &[host, ("authorization", "Bearer a-key-of-some-length")]), 200);
        assert_eq!(status(&door, false, &[host, ("authorization", "a-key-of-some-length")]), 200);
        for wrong in ["", "Bearer ", "Bearer a-key-of-some-lengt", "Bearer a-key-of-some-length2"] {
            assert_eq!(status(&door, false, &[host, ("authorization", wrong)]), 401, "{wrong}");
        }
        assert_eq!(status(&door, false, &[host]), 401);
    }
}
