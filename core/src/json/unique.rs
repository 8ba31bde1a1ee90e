//! JSON values in which no object has a name twice.
//!
//! `serde_json` keeps the last of two members, and another reader keeps the first. A request must mean the same to
//! everybody who reads it (RFC 8259 4 leaves it open), so one with such an object is refused.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads a text.
///
/// # Errors
/// Where the text is no JSON, or which name stands twice.
pub fn parse_unique(text: &str) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = UniqueValue.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct UniqueValue;

impl<'de> DeserializeSeed<'de> for UniqueValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                let name: String = name.chars().take(40).collect();
                return Err(A::Error::custom(format_args!("the member {name:?} stands twice")));
            }
            let value = members.next_value_seed(Self)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_named_with_its_place() {
        for (text, name) in [
            (r#"{"a":1,"a":1}"#, "a"),
            (r#"{"b":[{"x":{"y":1,"\u0079":2}}]}"#, "y"),
            (r#"{"params":{},"type":"overlay","params":{"a":1}}"#, "params"),
        ] {
            let error = parse_unique(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("the member {name:?} stands twice at line 1 column")),
                "{error}"
            );
        }
        assert!(parse_unique(r#"[{"a":1},{"a":1}]"#).is_ok());
    }

    proptest! {
        #[test]
        fn every_other_text_is_read_as_usual(text in r#"[\[\]{}:,"a-c0-9.eE+\- tfnul]{0,24}"#) {
            match (parse_unique(&text), serde_json::from_str::<Value>(&text)) {
                (Ok(ours), Ok(usual)) => prop_assert_eq!(ours, usual),
                (Err(_), Err(_)) => {}
                (Err(error), Ok(_)) => prop_assert!(error.to_string().contains("stands twice")),
                (Ok(_), Err(error)) => prop_assert!(false, "{}", error),
            }
        }
    }
}
