//! URLs of servers, as settings name them.
//!
//! Invariant: the text is exactly what a WHATWG URL parser writes, except for the slash of an empty path.
//! So a signature over the host is valid for every client. A full URL parser would add a tenth to the
//! Worker's size, for a handful of addresses in the settings.

use std::fmt::Write as _;

/// An absolute http or https URL without user, query, fragment and trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host_at: usize,
    path_at: usize,
}

impl BaseUrl {
    /// Reads a URL. Host and scheme are ASCII (other hosts have an `xn--` form), the path consists of
    /// letters, digits, `-`, `.`, `_`, `~` and slashes.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let default_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        let (host, port) = match authority.rfind(':') {
            Some(at) if !authority.ends_with(']') => (authority.get(..at)?, Some(authority.get(at + 1..)?)),
            _ => (authority, None),
        };
        let host = host.to_ascii_lowercase();
        if !is_host(&host) || !path.split('/').all(is_segment) {
            return None;
        }
        let mut text = format!("{scheme}://{host}");
        match port {
            None => {}
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => match port.parse::<u16>() {
                Ok(0) | Err(_) => return None,
                Ok(port) if port == default_port => {}
                Ok(port) => {
                    let _ = write!(text, ":{port}");
                }
            },
            Some(_) => return None,
        }
        let path_at = text.len();
        text.push_str(path);
        Some(Self { text, host_at: scheme.len() + 3, path_at })
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, as a browser's `Origin` header writes them.
    pub fn origin(&self) -> &str {
        self.text.get(..self.path_at).unwrap_or_default()
    }

    /// Host, and port unless it is the scheme's own: what the `Host` header says.
    pub fn host(&self) -> &str {
        self.text.get(self.host_at..self.path_at).unwrap_or_default()
    }

    /// The path, with a slash in front unless it is empty.
    pub fn path(&self) -> &str {
        self.text.get(self.path_at..).unwrap_or_default()
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.text
    }
}

/// Names, IPv4 addresses and the IPv6 loopback: other IPv6 addresses have many spellings.
fn is_host(host: &str) -> bool {
    if host == "[::1]" {
        return true;
    }
    let mut labels = host.rsplit('.');
    let numeric = labels.next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
    if numeric {
        return host.split('.').count() == 4
            && host.split('.').all(|part| part.parse::<u8>().is_ok_and(|byte| byte.to_string() == part));
    }
    host.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

fn is_segment(segment: &str) -> bool {
    !matches!(segment, "." | "..")
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use url::Url;

    #[test]
    fn a_url_is_normalized_and_split() {
        for (text, origin, host, path) in [
            (
                "http://localhost:8787/cdn-cgi/local/r2/s3/",
                "http://localhost:8787",
                "localhost:8787",
                "/cdn-cgi/local/r2/s3",
            ),
            (
                "https://Abc.R2.cloudflarestorage.com",
                "https://abc.r2.cloudflarestorage.com",
                "abc.r2.cloudflarestorage.com",
                "",
            ),
            ("https://x.example:443/", "https://x.example", "x.example", ""),
            ("http://x.example:0080", "http://x.example", "x.example", ""),
            ("https://x.example:80", "https://x.example:80", "x.example:80", ""),
            ("http://[::1]:8788/v2/local", "http://[::1]:8788", "[::1]:8788", "/v2/local"),
            ("http://127.0.0.1:1//a//", "http://127.0.0.1:1", "127.0.0.1:1", "//a"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example", ""),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!((url.origin(), url.host(), url.path()), (origin, host, path), "{text}");
            assert_eq!(url.as_str(), format!("{origin}{path}"));
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            "localhost:8787",
            "//x.example",
            "http://",
            "http:///a",
            "http://:80",
            "ftp://x.example",
            "javascript://x.example",
            "http://x.example:",
            "http://x.example:0",
            "http://x.example:65536",
            "http://x.example:+80",
            "http://user@x.example",
            "http://user:p@x.example",
            "http://x.example?a",
            "http://x.example/?a",
            "http://x.example/#a",
            "http://x.example#a",
            "http://x.example/a b",
            "http://x.example/..",
            "http://x.example/a/./b",
            "http://x.example/%2e%2e",
            "http://x.example/\\a",
            "http://x.example\\a",
            "http://bücher.example",
            "http://127.1",
            "http://0x7f.0.0.1",
            "http://127.0.0.01",
            "http://256.0.0.1",
            "http://2130706433",
            "http://x.example.",
            "http://x..y",
            "http://[::2]",
            "http://[::1",
            "http://*",
            "null",
            "*",
            " http://x.example",
            "http://x.example\n",
        ] {
            assert_eq!(BaseUrl::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_url_crate_reads_the_same_parts(text in "https?://[a-zA-Z0-9_.:-]{1,12}(:[0-9]{1,5})?(/[a-zA-Z0-9._~/-]{0,12})?") {
            if let Some(ours) = BaseUrl::parse(&text) {
                let known = Url::parse(&text).unwrap();
                prop_assert_eq!(ours.origin(), known.origin().ascii_serialization());
                prop_assert_eq!(ours.path(), known.path().trim_end_matches('/'));
                let again = Url::parse(ours.as_str()).unwrap();
                prop_assert_eq!(again.as_str().trim_end_matches('/'), ours.as_str());
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(http://)?.{0,40}") {
            if let Some(ours) = BaseUrl::parse(&text) {
                let written = format!("{}{}", ours.origin(), ours.path());
                prop_assert_eq!(ours.as_str(), written);
            }
        }
    }
}
