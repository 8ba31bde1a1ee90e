//! The WebSocket subprotocol by which a page sends its token: a browser cannot send headers with a socket, and
//! tokens in URLs end in logs and traces.
//!
//! A page opens `new WebSocket(url, ['reel.v1', 'bearer.' + token])`. The server answers with `reel.v1`, which
//! a browser requires (RFC 6455 4.2.2), and never with the token.

/// The subprotocol that the server speaks.
pub const SUBPROTOCOL: &str = "reel.v1";

/// What a client offers in `Sec-WebSocket-Protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfferedProtocols<'h> {
    /// Whether [`SUBPROTOCOL`] is offered, and must be answered.
    pub ours: bool,
    /// A user's token, a service's key or a job's watch token.
    pub token: Option<&'h str>,
}

impl<'h> OfferedProtocols<'h> {
    /// Reads the header. Protocols that we do not know are none of ours.
    pub fn parse(header: &'h str) -> Self {
        let mut offered = Self::default();
        for protocol in header.split(',').map(str::trim) {
            if protocol == SUBPROTOCOL {
                offered.ours = true;
            } else if let Some(token) = protocol.strip_prefix("bearer.").filter(|token| !token.is_empty()) {
                offered.token = offered.token.or(Some(token));
            }
        }
        offered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_beside_our_protocol() {
        for (header, ours, token) in [
            ("reel.v1, bearer.a.b.c", true, Some("a.b.c")),
            ("bearer.0.1769850300.ab,reel.v1", true, Some("0.1769850300.ab")),
            ("bearer.first, bearer.second", false, Some("first")),
            ("reel.v1", true, None),
            ("bearer., reel.v2", false, None),
            ("", false, None),
        ] {
            assert_eq!(OfferedProtocols::parse(header), OfferedProtocols { ours, token }, "{header}");
        }
    }
}
