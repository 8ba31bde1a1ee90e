//! JSON in which each name of an object stands once.
//!
//! `serde_json` keeps the last of two members with one name, and another reader may keep the first. What is
//! signed must mean the same to everybody, so such an object is refused.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The members of an object.
#[derive(Clone, Debug)]
pub struct UniqueMembers(Map<String, Value>);

impl UniqueMembers {
    /// Reads a text. `None` when it is no object or a name stands twice in it.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_str(std::str::from_utf8(text).ok()?).ok()
    }

    /// A member. `null` is a value like another.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = UniqueMembers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueMembers, A::Error> {
        let mut members = Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(UniqueMembers(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let members = UniqueMembers::parse(br#"{"a":1,"b":null}"#).unwrap();
        assert_eq!(
            (members.get("a").and_then(Value::as_i64), members.get("b")),
            (Some(1), Some(&Value::Null))
        );
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"alg":"RS256","\u0061lg":"none"}"#,
            "[]",
            "1",
            "",
            "{",
            r#"{"a":1"#,
            r#"{"a":1}{}"#,
        ] {
            assert!(UniqueMembers::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(UniqueMembers::parse(b"{\"a\":\"\xff\"}").is_none());
    }
}
