//! The keys of services, as `WORKERS_API_KEY` lists them: each has a name, so that a key can be replaced while
//! the old one is still in use, and the log says whose key it was.
//!
//! Invariant: of a key only its SHA-256 is kept. Every comparison looks at every key, and takes as long for a
//! wrong key as for a right one.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The name of a key that was given without one.
const DEFAULT_NAME: &str = "service";
/// Shorter keys can be guessed.
pub const KEY_MIN_BYTES: usize = 32;
const NAME_MAX_BYTES: usize = 32;

/// All keys that open the API, at least one.
#[derive(Clone)]
pub struct ServiceKeys(Vec<ServiceKey>);

#[derive(Clone)]
struct ServiceKey {
    name: String,
    digest: [u8; 32],
}

impl fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceKeys").field(&self.names().collect::<Vec<_>>()).finish()
    }
}

impl ServiceKeys {
    /// Reads one key, or several as `name:key,name:key`.
    ///
    /// # Errors
    /// A sentence that begins after the setting's name and says what to do. It never has a part of a key:
    /// what looks like a name may be one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let several = text.contains(',');
        let mut keys: Vec<ServiceKey> = Vec::new();
        for (at, entry) in entries(text).enumerate() {
            let at = at + 1;
            let (name, key) = match entry {
                (None, _) if several => {
                    return Err(format!(
                        "has several keys, and key {at} has no name: write `name:key,name:key`"
                    ));
                }
                (name, key) => (name.unwrap_or(DEFAULT_NAME), key),
            };
            let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
            if !(1..=NAME_MAX_BYTES).contains(&name.len()) || !name.bytes().all(letters) {
                return Err(format!(
                    "has a wrong name before key {at}: a name has 1 to {NAME_MAX_BYTES} of the characters a-z, 0-9, `_` and `-`"
                ));
            }
            if keys.iter().any(|other| other.name == name) {
                return Err(format!("has the name of key {at} twice: give each key a name of its own"));
            }
            if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(format!("may have only visible ASCII characters in key {at}"));
            }
            if key.len() < KEY_MIN_BYTES {
                return Err(format!(
                    "must have at least {KEY_MIN_BYTES} bytes in key {at}: make one with `openssl rand -hex 32`"
                ));
            }
            keys.push(ServiceKey { name: name.to_owned(), digest: Sha256::digest(key).into() });
        }
        Ok(Self(keys))
    }

    /// The name of the key that an `Authorization` header carries: `Bearer {key}`.
    pub fn caller(&self, authorization: Option<&str>) -> Option<&str> {
        let (scheme, credentials) = authorization?.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let shown: [u8; 32] = Sha256::digest(credentials.trim()).into();
        let mut found = None;
        for key in &self.0 {
            if bool::from(key.digest.ct_eq(&shown)) {
                found = Some(key.name.as_str());
            }
        }
        found
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.name.as_str())
    }
}

/// The first key of the setting `WORKERS_API_KEY`, for a client that reads the setting of the server.
pub fn first_key(setting: &str) -> &str {
    entries(setting.trim()).next().map_or("", |(_, key)| key)
}

/// Each entry's name, when it has one, and its key.
fn entries(text: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    text.split(',').map(|entry| match entry.trim().split_once(':') {
        Some((name, key)) => (Some(name), key),
        None => (None, entry.trim()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OLD: &str = "old-0123456789abcdef0123456789abcdef";
    const NEW: &str = "new-0123456789abcdef0123456789abcdef";

    fn caller<'k>(keys: &'k ServiceKeys, header: &str) -> Option<&'k str> {
        keys.caller(Some(header))
    }

    #[test]
    fn a_lone_key_is_called_service_and_several_by_their_names() {
        let lone = ServiceKeys::parse(OLD).unwrap();
        assert_eq!(caller(&lone, &format!("Bearer {OLD}")), Some("service"));
        let both = ServiceKeys::parse(&format!("web-2:{NEW}, web_1:{OLD}")).unwrap();
        assert_eq!(caller(&both, &format!("Bearer {NEW}")), Some("web-2"));
        assert_eq!(caller(&both, &format!("bearer  {OLD} ")), Some("web_1"));
        assert_eq!(both.names().collect::<Vec<_>>(), ["web-2", "web_1"]);
        assert_eq!(first_key(&format!("web-2:{NEW}, web_1:{OLD}")), NEW);
        assert_eq!(first_key(OLD), OLD);
    }

    #[test]
    fn only_an_exact_key_is_a_caller() {
        let keys = ServiceKeys::parse(&format!("a:{OLD},b:{NEW}")).unwrap();
        assert_eq!(keys.caller(None), None);
        for wrong in [
            String::new(),
            OLD.to_owned(),
            format!("Basic {OLD}"),
            format!("Bearer a:{OLD}"),
            format!("Bearer {OLD},{NEW}"),
            format!("Bearer {OLD}x"),
            format!("Bearer {}", &OLD[1..]),
            "Bearer ".to_owned(),
        ] {
            assert_eq!(caller(&keys, &wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_of_one_letter_is_a_fault_that_says_what_to_do() {
        for (wrong, says) in [
            ("k".to_owned(), "openssl rand -hex 32"),
            (format!("a:{OLD},b:short"), "in key 2"),
            (format!("{OLD},{NEW}"), "`name:key,name:key`"),
            (format!("a:{OLD},"), "key 2 has no name"),
            (format!("A:{OLD}"), "a-z"),
            (format!(":{OLD}"), "a-z"),
            (format!("{}:{OLD}", "n".repeat(33)), "1 to 32"),
            (format!("a:{OLD},a:{NEW}"), "twice"),
            (format!("ä{OLD}"), "visible ASCII"),
            (format!("{OLD} {OLD}"), "visible ASCII"),
        ] {
            let sentence = ServiceKeys::parse(&wrong).unwrap_err();
            assert!(sentence.contains(says), "{wrong}: {sentence}");
            assert!(!sentence.contains("0123456789"), "{sentence}");
        }
    }

    #[test]
    fn keys_are_not_printed_nor_kept() {
        let printed = format!("{:?}", ServiceKeys::parse(&format!("a:{OLD}")).unwrap());
        assert_eq!(printed, "ServiceKeys([\"a\"])");
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_key(header in ".{0,80}", setting in ".{0,80}") {
            let keys = ServiceKeys::parse(OLD).unwrap();
            prop_assert_eq!(keys.caller(Some(&header)), None);
            let _ = ServiceKeys::parse(&setting);
            let _ = first_key(&setting);
        }

        #[test]
        fn each_of_several_keys_opens_by_its_own_name(
            keys in proptest::collection::btree_map("[a-z0-9_-]{1,32}", "[!-+.-~]{32,64}", 1..5)
        ) {
            let setting: Vec<String> = keys.iter().map(|(name, key)| format!("{name}:{key}")).collect();
            let parsed = ServiceKeys::parse(&setting.join(",")).unwrap();
            for key in keys.values() {
                let found = parsed.caller(Some(&format!("Bearer {key}")));
                prop_assert!(found.is_some_and(|name| keys[name] == *key));
            }
        }
    }
}
