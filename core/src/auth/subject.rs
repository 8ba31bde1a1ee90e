//! Who an end user is: the `sub` of a token, as the identity provider writes it.

use std::fmt;

/// The name of a user: 1 to 255 bytes without control characters, compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(String);

impl Subject {
    /// Reads a subject.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (1..=SUBJECT_MAX_BYTES).contains(&text.len())
            && !text.chars().any(char::is_control)
            && !text.trim().is_empty();
        valid.then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `OpenID` Connect allows (Core 1.0, section 2).
const SUBJECT_MAX_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_a_short_text_on_one_line() {
        for text in ["user_2abc", "auth0|5f7c", "google-oauth2|1", "a b", "é", &"x".repeat(255)] {
            assert_eq!(Subject::parse(text).unwrap().as_str(), text);
        }
        for text in ["", " ", "\t", "a\nb", "a\0", "\u{85}", &"x".repeat(256), &"é".repeat(128)] {
            assert_eq!(Subject::parse(text), None, "{text:?}");
        }
    }
}
