//! What a token allows its user to do.

use crate::base::words::word_enum;

word_enum! {
    /// One thing that a token allows.
    pub enum Scope {
        /// What changes nothing.
        Read = "read",
        /// Everything that changes something.
        Write = "write",
    }
}

/// The scopes of a token; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes {
    read: bool,
    write: bool,
}

impl Scopes {
    /// What an identity provider's token has: its own `scope` words are not ours.
    pub const ALL: Self = Self { read: true, write: true };

    /// Scopes from a list; `None` for an empty one.
    pub fn new(scopes: &[Scope]) -> Option<Self> {
        let has = |scope| scopes.contains(&scope);
        (!scopes.is_empty()).then(|| Self { read: has(Scope::Read), write: has(Scope::Write) })
    }

    /// Reads a `scope` claim: words with a space in between (RFC 8693 4.2).
    pub fn parse(text: &str) -> Option<Self> {
        let scopes: Option<Vec<Scope>> = text.split(' ').map(Scope::from_word).collect();
        Self::new(&scopes?)
    }

    /// Whether this scope is among them.
    pub const fn allow(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read,
            Scope::Write => self.write,
        }
    }

    /// Each of them, in the order of the declaration.
    pub fn list(self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| self.allow(*scope)).collect()
    }

    /// As a `scope` claim.
    pub fn claim(self) -> String {
        self.list().into_iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for text in ["read", "write", "read write"] {
            assert_eq!(Scopes::parse(text).unwrap().claim(), text);
        }
        assert_eq!(Scopes::parse("write read"), Some(Scopes::ALL));
        for text in ["", " ", "read ", "READ", "admin", "read admin"] {
            assert_eq!(Scopes::parse(text), None, "{text}");
        }
        assert_eq!(Scopes::new(&[]), None);
    }
}
