//! Whose a job, an upload or a project is.
//!
//! Invariant: nothing here says who somebody is. An [`OwnerId`] is a keyed hash of the `sub` of a token, so that a key of
//! the bucket, a row and a log line tell nobody whose they are, and everything of one owner is found by it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::base::hex::hex;

/// An owner: 8 bytes of an HMAC of their subject, written as 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnerId([u8; 8]);

/// The text is no owner's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 16 lower-case hex digits")]
pub struct ParseOwnerIdError;

impl OwnerId {
    /// The owner of this hash.
    pub const fn new(hash: [u8; 8]) -> Self {
        Self(hash)
    }
}

impl FromStr for OwnerId {
    type Err = ParseOwnerIdError;

    fn from_str(text: &str) -> Result<Self, ParseOwnerIdError> {
        let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match u64::from_str_radix(text, 16) {
            Ok(number) if lower && text.len() == 16 => Ok(Self(number.to_be_bytes())),
            _ => Err(ParseOwnerIdError),
        }
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnerId({self})")
    }
}

impl Serialize for OwnerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OwnerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whose things a caller sees. What it does not see is, for it, not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody's: a service, or the holder of a link to one thing.
    All,
    /// One owner's: an end user, or a service that acts for one.
    Owner(OwnerId),
}

impl Visibility {
    /// Whether it includes what this owner has; `None` is what no end user owns.
    pub fn includes(self, owner: Option<OwnerId>) -> bool {
        match self {
            Self::All => true,
            Self::Owner(own) => owner == Some(own),
        }
    }

    /// The owner of what such a caller makes.
    pub const fn owner(self) -> Option<OwnerId> {
        match self {
            Self::All => None,
            Self::Owner(owner) => Some(owner),
        }
    }

    /// As one word.
    pub fn to_word(self) -> String {
        self.owner().map_or_else(|| ALL.to_owned(), |owner| owner.to_string())
    }

    /// Reads what [`Visibility::to_word`] wrote; `None` for anything else.
    pub fn from_word(word: &str) -> Option<Self> {
        if word == ALL { Some(Self::All) } else { word.parse().ok().map(Self::Owner) }
    }
}

const ALL: &str = "all";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_16_lower_case_hex_digits_are_an_owner() {
        let owner: OwnerId = "00ff0a1b2c3d4e5f".parse().unwrap();
        assert_eq!(owner.to_string(), "00ff0a1b2c3d4e5f");
        for bad in ["", "0", "00FF0A1B2C3D4E5F", "+0ff0a1b2c3d4e5f", "00ff0a1b2c3d4e5f0", "00ff0a1b2c3d4e5g"]
        {
            assert_eq!(bad.parse::<OwnerId>(), Err(ParseOwnerIdError), "{bad}");
        }
    }

    #[test]
    fn an_owner_sees_their_own_and_a_service_everything() {
        let (own, other) = (OwnerId::new([1; 8]), OwnerId::new([2; 8]));
        let seen = |visibility: Visibility| [Some(own), Some(other), None].map(|of| visibility.includes(of));
        assert_eq!(seen(Visibility::All), [true; 3]);
        assert_eq!(seen(Visibility::Owner(own)), [true, false, false]);
        assert_eq!((Visibility::All.owner(), Visibility::Owner(own).owner()), (None, Some(own)));
    }

    proptest! {
        #[test]
        fn a_written_owner_reads_back(bytes: [u8; 8]) {
            let visibility = Visibility::Owner(OwnerId::new(bytes));
            prop_assert_eq!(Visibility::from_word(&visibility.to_word()), Some(visibility));
            prop_assert_eq!(Visibility::from_word("all"), Some(Visibility::All));
        }
    }
}
