//! Percent-encoding and decoding (RFC 3986 2.1).

use std::fmt::Write as _;

/// Percent-encodes every byte of the UTF-8 text except RFC 3986's unreserved characters. The form encoding
/// of HTML writes `+` for a space, which would break a signature.
pub fn encode(text: &str, keep_slashes: bool, into: &mut String) {
    for byte in text.bytes() {
        let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if unreserved || (keep_slashes && byte == b'/') {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// Decodes a path. `None` when an escape is incomplete or the result is not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (high, low) = (hex(rest.next()?)?, hex(rest.next()?)?);
            bytes.push(high << 4 | low);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Decodes the value of a query parameter: as in a path, and `+` is a space, as HTML forms send it.
pub fn decode_query(value: &str) -> Option<String> {
    decode(&value.replace('+', " "))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_decoded_or_rejected() {
        for (text, decoded) in [
            ("input/a.mp4", Some("input/a.mp4")),
            ("input%2Fa%2fb", Some("input/a/b")),
            ("%D0%9B%d1%96", Some("Лі")),
            ("a+b", Some("a+b")),
            ("%2525", Some("%25")),
            ("%00", Some("\0")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
            ("%ff", None),
        ] {
            assert_eq!(decode(text).as_deref(), decoded, "{text}");
        }
        assert_eq!(decode_query("a+b%2Bc").as_deref(), Some("a b+c"));
    }

    proptest! {
        #[test]
        fn an_encoded_text_decodes_to_itself(text in ".{0,60}") {
            let mut encoded = String::new();
            encode(&text, false, &mut encoded);
            let _ = decode(&text);
            prop_assert_eq!(decode(&encoded), Some(text));
        }
    }
}
