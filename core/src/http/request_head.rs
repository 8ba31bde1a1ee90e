//! What routing and access read of a request, as one text from the entry module: one crossing from JavaScript
//! instead of one for each part.
//!
//! The text has a line for the method, one for the URL, one for each of [`HEAD_HEADERS`], in their order, and
//! one that says whether there is a body. A header that was sent has `=` before its value; the line of one that
//! was not is empty. No part can hold a line break.

use crate::http::cross_site::Arrival;

/// The headers that every request is asked for. `src/entry.mjs` has the same list; a test compares them.
pub const HEAD_HEADERS: [&str; 6] =
    ["authorization", "origin", "content-type", "content-length", "on-behalf-of", "content-encoding"];

/// The head of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestHead<'t> {
    /// The method, in capitals.
    pub method: &'t str,
    /// Scheme, host and port that were called.
    pub called_origin: &'t str,
    /// The path, still percent-encoded: no segment of ours needs decoding.
    pub path: &'t str,
    /// The query, without its question mark.
    pub query: &'t str,
    headers: [Option<&'t str>; HEAD_HEADERS.len()],
    has_body: bool,
}

impl<'t> RequestHead<'t> {
    /// Reads the text of the entry module; `None` for anything else.
    pub fn parse(text: &'t str) -> Option<Self> {
        let mut lines = text.split('\n');
        let (method, url) = (lines.next()?, lines.next()?);
        let mut headers = [None; HEAD_HEADERS.len()];
        for header in &mut headers {
            *header = lines.next()?.strip_prefix('=');
        }
        let has_body = lines.next()? == "body";
        let after_scheme = url.find("://").map_or(0, |at| at + "://".len());
        let rest = url.get(after_scheme..)?;
        let host_end = after_scheme + rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (called_origin, target) = url.split_at_checked(host_end)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = if path.is_empty() { "/" } else { path };
        lines.next().is_none().then_some(Self { method, called_origin, path, query, headers, has_body })
    }

    /// One of [`HEAD_HEADERS`], if it was sent; `None` for every other name.
    pub fn header(&self, name: &str) -> Option<&'t str> {
        let at = HEAD_HEADERS.iter().position(|known| *known == name)?;
        self.headers.get(at).copied().flatten()
    }

    /// Host and port that the request was sent to.
    pub fn host(&self) -> &'t str {
        self.called_origin.split_once("://").map_or("", |(_, host)| host)
    }

    /// A query parameter, as it was sent.
    pub fn query(&self, name: &str) -> Option<&'t str> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }

    /// How many bytes the client says that the body has.
    pub fn content_length(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }
}

impl Arrival for RequestHead<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn called_origin(&self) -> &str {
        self.called_origin
    }

    fn origin(&self) -> Option<&str> {
        self.header("origin")
    }

    fn content_type(&self) -> Option<&str> {
        self.header("content-type")
    }

    fn content_encoding(&self) -> Option<&str> {
        self.header("content-encoding")
    }

    fn has_body(&self) -> bool {
        self.has_body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "POST\nhttps://api.example:8443/api/jobs?a=1&token=x\n=Bearer k\n\n=application/json\n=12\n\n\nbody";

    #[test]
    fn a_head_is_read_from_one_text() {
        let head = RequestHead::parse(TEXT).unwrap();
        assert_eq!((head.method, head.path, head.query), ("POST", "/api/jobs", "a=1&token=x"));
        assert_eq!((head.called_origin, head.host()), ("https://api.example:8443", "api.example:8443"));
        assert_eq!((head.query("token"), head.query("b")), (Some("x"), None));
        assert_eq!((head.header("authorization"), head.header("origin")), (Some("Bearer k"), None));
        assert_eq!((head.header("cookie"), head.content_length()), (None, Some(12)));
        assert!(head.has_body());
    }

    #[test]
    fn an_empty_header_was_sent() {
        let head = RequestHead::parse("GET\nhttp://h\n=\n\n\n=x\n\n\n").unwrap();
        assert_eq!((head.header("authorization"), head.header("origin")), (Some(""), None));
        assert_eq!((head.path, head.query, head.content_length(), head.has_body), ("/", "", None, false));
    }

    #[test]
    fn what_the_entry_module_did_not_write_is_no_head() {
        for text in ["", "GET", "GET\nhttp://h/", "GET\nhttp://h/\n\n\n\n\n\n", &format!("{TEXT}\n")] {
            assert_eq!(RequestHead::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_entry_module_sends_the_same_headers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/entry.mjs");
        let entry = std::fs::read_to_string(path).unwrap();
        let list = HEAD_HEADERS.map(|name| format!("{name:?}")).join(", ");
        assert!(entry.contains(&format!("const HEAD_HEADERS = [{list}];")), "{list}");
    }
}
