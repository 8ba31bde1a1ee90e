//! Base64url without padding (RFC 4648 5), in its one canonical spelling.

/// Three bytes are four digits.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=chunk.len() {
            let sextet = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap_or(0);
            text.push(ALPHABET.get(sextet).map_or('A', |letter| char::from(*letter)));
        }
    }
    text
}

/// The bytes. `None` for padding, for any other letter, and for bits behind the last byte that are not zero:
/// two texts never mean the same bytes.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0;
        for digit in chunk {
            bits = bits << 6 | u32::from(sextet(*digit)?);
        }
        // One digit alone is less than a byte.
        let unused_bits = match chunk.len() {
            4 => 0,
            3 => 2,
            2 => 4,
            _ => return None,
        };
        if bits & ((1 << unused_bits) - 1) != 0 {
            return None;
        }
        let [_, whole @ ..] = (bits >> unused_bits).to_be_bytes();
        bytes.extend_from_slice(whole.get(4 - chunk.len()..)?);
    }
    Some(bytes)
}

const fn sextet(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_texts_of_rfc_4648_are_read_and_written_without_padding() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!((encode(bytes.as_bytes()), decode(text)), (text.to_owned(), Some(bytes.into())));
        }
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn every_other_spelling_is_refused() {
        for text in ["Z", "Zg==", "Zm8=", "Zh", "Zm9", "Zm9v\n", " Zg", "Z+8", "Z/8", "Zm9vY", "Zg.", "Zgé"]
        {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn bytes_have_one_text(bytes in prop::collection::vec(any::<u8>(), 0..60), text in "[A-Za-z0-9_-]{0,9}") {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
            if let Some(decoded) = decode(&text) {
                prop_assert_eq!(encode(&decoded), text);
            }
        }
    }
}
