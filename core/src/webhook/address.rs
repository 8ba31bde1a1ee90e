//! Which addresses are called.
//!
//! Invariant: a [`WebhookUrl`] of a deployment leads by https to a name of the public DNS, at port 443 or 8443, and
//! every URL parser reads the same host in it. What a name resolves to is not known here: the platform resolves it.

use crate::base::words::word_enum;

/// The URL of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(String);

/// What may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Public names by https.
    Public,
    /// This machine by http as well: development.
    PublicAndLoopback,
}

word_enum! {
    /// Why a URL is refused, as a sentence that follows the field's name.
    pub enum AddressError {
        /// Its length.
        TooLong = "must have at most 2048 characters",
        /// Its scheme.
        NotHttps = "must begin with https://",
        /// Its characters.
        Characters = "must consist of printable ASCII characters as a browser writes them: percent-encode others in the path, and write an international host in its xn-- form",
        /// A user or a password in it.
        UserInfo = "must not have a user name or a password before the host",
        /// A fragment.
        Fragment = "must not have a fragment (#)",
        /// Its host is an IP address, in any spelling.
        IpAddress = "must name a host of the public DNS, not an IP address",
        /// Its host leads to no public server.
        PrivateName = "must name a host of the public DNS, such as hooks.example.com",
        /// Its port.
        Port = "must use port 443 or 8443",
    }
}

impl WebhookUrl {
    /// Checks a URL.
    ///
    /// # Errors
    /// The first reason why it is refused.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, AddressError> {
        use AddressError::{Characters, Fragment, NotHttps, TooLong, UserInfo};
        if text.len() > URL_MAX_BYTES {
            return Err(TooLong);
        }
        // A URL parser drops tabs and line feeds, and reads a backslash as a slash.
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte)) {
            return Err(Characters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(NotHttps)?;
        let is_https = match scheme {
            "https" => true,
            "http" if reach == Reach::PublicAndLoopback => false,
            _ => return Err(NotHttps),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UserInfo);
        }
        if text.contains('#') {
            return Err(Fragment);
        }
        match reach {
            Reach::PublicAndLoopback if is_loopback(authority) => {}
            Reach::Public | Reach::PublicAndLoopback if is_https => check_public(authority)?,
            Reach::Public | Reach::PublicAndLoopback => return Err(NotHttps),
        }
        Ok(Self(text.to_owned()))
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_public(authority: &str) -> Result<(), AddressError> {
    if authority.starts_with('[') {
        return Err(AddressError::IpAddress);
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port),
        None => (authority, "443"),
    };
    if !matches!(port, "443" | "8443") {
        return Err(AddressError::Port);
    }
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let labels: Vec<&str> = name.split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = labels.last().copied().unwrap_or_default();
    // A URL parser takes a host whose last label is a number for an IPv4 address, in decimal, octal or hex.
    let is_number = |label: &str| {
        let hex = label.strip_prefix("0x").unwrap_or("-");
        label.bytes().all(|byte| byte.is_ascii_digit()) || hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if !last.is_empty() && is_number(last) {
        return Err(AddressError::IpAddress);
    }
    if name.len() > NAME_MAX_BYTES || !labels.iter().all(is_label) {
        return Err(if name.is_ascii() { AddressError::PrivateName } else { AddressError::Characters });
    }
    // A name of one label is a machine of somebody's own network.
    let is_private = labels.len() < 2
        || PRIVATE_SUFFIXES.iter().any(|suffix| {
            name.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        });
    if is_private { Err(AddressError::PrivateName) } else { Ok(()) }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

/// Names that no public server has: RFC 6761 and 6762, RFC 8375, RFC 9476, ICANN's `internal`, and what home and
/// office networks call themselves.
const PRIVATE_SUFFIXES: [&str; 17] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "in-addr.arpa",
    "ip6.arpa",
    "test",
    "invalid",
    "example",
    "onion",
    "alt",
];
/// Longer URLs are a mistake.
pub const URL_MAX_BYTES: usize = 2048;
/// RFC 1035 2.3.4.
const NAME_MAX_BYTES: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;
    use AddressError::{Characters, Fragment, IpAddress, NotHttps, Port, PrivateName, TooLong, UserInfo};
    use proptest::prelude::*;

    fn public(text: &str) -> Result<String, AddressError> {
        WebhookUrl::parse(text, Reach::Public).map(|url| url.as_str().to_owned())
    }

    #[test]
    fn names_of_the_public_dns_are_called_by_https() {
        for url in [
            "https://hooks.example.com",
            "https://hooks.example.com/",
            "https://Hooks.Example.com./a/b?c=d%20e",
            "https://hooks.example.com:443/x",
            "https://hooks.example.com:8443/x",
            "https://xn--bcher-kva.example.org/?q=1",
            "https://a_b.example.org",
            "https://10.example.com",
            "https://0x7f.example.com",
            "https://localhost.example.com",
            "https://notlocal.org/internal",
        ] {
            assert_eq!(public(url), Ok(url.to_owned()));
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        for (url, why) in [
            ("http://hooks.example.com/", NotHttps),
            ("ftp://hooks.example.com/", NotHttps),
            ("HTTPS://hooks.example.com/", NotHttps),
            ("hooks.example.com", NotHttps),
            ("javascript:alert(1)", NotHttps),
            ("", NotHttps),
            ("https://user@hooks.example.com/", UserInfo),
            ("https://user:pass@hooks.example.com/", UserInfo),
            ("https://hooks.example.com@127.0.0.1/", UserInfo),
            ("https://hooks.example.com/#x", Fragment),
            ("https://hooks.example.com#@127.0.0.1/", Fragment),
            ("https://hooks.example.com\\@127.0.0.1/", Characters),
            ("https://hooks.example.com/\t", Characters),
            ("https://hooks.example.com/ ", Characters),
            ("https://127\u{3002}0.0.1/", Characters),
            ("https://\u{ff11}27.0.0.1/", Characters),
            ("https://b\u{fc}cher.example.org/", Characters),
            ("https://hooks.example.com:80/", Port),
            ("https://hooks.example.com:22/", Port),
            ("https://hooks.example.com:0443/", Port),
            ("https://hooks.example.com:/", Port),
            ("https://hooks.example.com:443:443/", Port),
            ("https:///", PrivateName),
            ("https://", PrivateName),
            ("https://.", PrivateName),
            ("https://..example.com", PrivateName),
            ("https://a..example.com", PrivateName),
            ("https://127%2e0.0.1/", IpAddress),
            ("https://%6c%6f%63%61%6c%68%6f%73%74/", PrivateName),
        ] {
            assert_eq!(public(url), Err(why), "{url}");
        }
        let long = format!("https://hooks.example.com/{}", "a".repeat(URL_MAX_BYTES));
        assert_eq!(public(&long), Err(TooLong));
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer",
            "printer.local",
            "db.internal",
            "metadata.google.internal",
            "router.lan",
            "x.home.arpa",
            "1.0.0.127.in-addr.arpa",
            "a.test",
            "home",
            "intranet",
            "x.corp",
            "example",
            "a.invalid",
            "x.onion",
        ] {
            assert_eq!(public(&format!("https://{host}/")), Err(PrivateName), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.0.1.",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "0",
            "0x",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "8.8.8.8",
            "0.0.0.0",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[fd00::1]",
            "[fe80::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::7f00:1]",
            "[2606:4700::1]",
            "1.2.3.0x4",
            "example.1",
            "example.0XFF",
        ] {
            assert_eq!(public(&format!("https://{host}/")), Err(IpAddress), "{host}");
        }
    }

    #[test]
    fn development_also_calls_this_machine() {
        let development = |text: &str| WebhookUrl::parse(text, Reach::PublicAndLoopback).map(drop);
        for url in
            ["http://localhost:3000/x", "http://127.0.0.1:3000", "http://[::1]:3000/", "https://localhost/"]
        {
            assert_eq!(development(url), Ok(()), "{url}");
            assert!(public(url).is_err(), "{url}");
        }
        assert_eq!(development("https://hooks.example.com/"), Ok(()));
        for url in
            ["http://hooks.example.com/", "http://10.0.0.1/", "http://127.0.0.2/", "http://a@localhost/"]
        {
            assert!(development(url).is_err(), "{url}");
        }
    }

    /// What every browser and the platform do with a URL.
    fn host_of(text: &str) -> url::Host<String> {
        url::Url::parse(text).expect("a URL").host().expect("a host").to_owned()
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_read_alike_by_a_url_parser(
            host in "[a-z0-9x.%_\\[\\]:@-]{1,24}(\\.com|\\.local|\\.1|)", port in "(:[0-9]{0,5})?", path in "[/?#@\\\\a-z.%0-9]{0,12}"
        ) {
            let text = format!("https://{host}{port}{path}");
            if public(&text).is_ok() {
                let Ok(parsed) = url::Url::parse(&text) else { return Ok(()) };
                prop_assert_eq!(parsed.scheme(), "https");
                prop_assert!(parsed.username().is_empty() && parsed.password().is_none());
                prop_assert!(matches!(parsed.port_or_known_default(), Some(443 | 8443)));
                let url::Host::Domain(name) = host_of(&text) else { return Err(TestCaseError::fail(text)) };
                let authority = text[8..].split(['/', '?']).next().unwrap().to_owned();
                let written = authority.split(':').next().unwrap().to_ascii_lowercase();
                prop_assert_eq!(name, written);
            }
        }

        #[test]
        fn no_ipv4_address_is_accepted_in_any_spelling(address: [u8; 4], form in 0..6_u8) {
            let [a, b, c, d] = address;
            let number = u32::from_be_bytes(address);
            let host = match form {
                0 => format!("{a}.{b}.{c}.{d}"),
                1 => number.to_string(),
                2 => format!("0x{number:x}"),
                3 => format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
                4 => format!("{a}.{}", number & 0x00ff_ffff),
                _ => format!("[::ffff:{a}.{b}.{c}.{d}]"),
            };
            prop_assert_eq!(public(&format!("https://{host}/")), Err(IpAddress));
        }

        #[test]
        fn any_text_is_read_without_a_fault(text in "\\PC{0,60}") {
            let _ = public(&text);
            let _ = WebhookUrl::parse(&format!("https://{text}"), Reach::PublicAndLoopback);
        }
    }
}
