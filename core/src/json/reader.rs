//! Readers of JSON values. They collect every error of a body with its pointer, so no error hides another.
//!
//! Invariant: a reader that returns `None` has recorded at least one error.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::json::field_error::FieldContext;
use crate::json::suggest::did_you_mean;

/// The members of one JSON object, read by name.
///
/// [`ObjectReader::finish`] must be called at the end: it reports unknown members.
#[derive(Debug)]
pub struct ObjectReader<'v, 'f> {
    map: &'v Map<String, Value>,
    at: FieldContext<'f>,
    known: Vec<&'static str>,
}

impl<'v, 'f> ObjectReader<'v, 'f> {
    /// Opens an object; anything else is an error.
    pub fn open(value: &'v Value, mut at: FieldContext<'f>) -> Option<Self> {
        at.describe(|| json!({"type": "object"}));
        #[cfg(feature = "describe")]
        if at.is_describing() {
            let map = value.as_object().unwrap_or_else(|| super::description::nothing());
            return Some(Self { map, known: at.known.to_vec(), at });
        }
        match value {
            Value::Object(map) => Some(Self { map, known: at.known.to_vec(), at }),
            other => at.expected("an object", other),
        }
    }

    /// A required member. `null` counts as missing.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value, FieldContext<'_>) -> Option<T>,
    ) -> Option<T> {
        match self.present(name) {
            Some(value) => read(value, self.at.member(name, true)),
            #[cfg(feature = "describe")]
            None if self.at.is_describing() => read(&Value::Null, self.at.member(name, true)),
            None => self.at.child(name).reject("is required"),
        }
    }

    /// An optional member: it may be missing or `null`.
    ///
    /// The outer `None` means that it is present and invalid.
    #[allow(clippy::option_option, reason = "absent and invalid are different results")]
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value, FieldContext<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        if let Some(value) = self.present(name) {
            return read(value, self.at.member(name, false)).map(Some);
        }
        #[cfg(feature = "describe")]
        if self.at.is_describing() {
            read(&Value::Null, self.at.member(name, false));
        }
        Some(None)
    }

    /// Whether the member is present and not `null`. The call also makes it a known member.
    pub fn has(&mut self, name: &'static str) -> bool {
        self.present(name).is_some()
    }

    /// A member that clients send and nobody reads: any value is right.
    pub fn ignored(&mut self, name: &'static str) {
        self.optional(name, |_, mut at| {
            at.describe(|| json!({"description": "Kept by clients; not used."}));
            Some(())
        });
    }

    /// The place of this object, for errors that concern several members.
    pub fn at(&mut self) -> &mut FieldContext<'f> {
        &mut self.at
    }

    /// Reports every unknown member, with the name that was probably meant.
    pub fn finish(mut self) {
        self.at.describe(|| json!({"additionalProperties": false}));
        for name in self.map.keys() {
            if self.known.contains(&name.as_str()) {
                continue;
            }
            let suggestion = did_you_mean(name, self.known.iter().copied());
            self.at.child(name).reject::<()>(format!("is not a known field{suggestion}"));
        }
    }

    fn present(&mut self, name: &'static str) -> Option<&'v Value> {
        if !self.known.contains(&name) {
            self.known.push(name);
        }
        self.map.get(name).filter(|value| !value.is_null())
    }
}

/// A finite number inside `range`.
pub fn number(range: RangeInclusive<f64>) -> impl Fn(&Value, FieldContext<'_>) -> Option<f64> {
    move |value, mut at| {
        at.describe(|| json!({"type": "number", "minimum": range.start(), "maximum": range.end()}));
        match value.as_f64() {
            None => at.expected("a number", value),
            Some(n) if range.contains(&n) => Some(n),
            Some(_) => at.reject(format!("must be between {} and {}", range.start(), range.end())),
        }
    }
}

/// A whole number inside `range`; `3.0` counts as whole, since JSON has one number type.
pub fn integer(range: RangeInclusive<i64>) -> impl Fn(&Value, FieldContext<'_>) -> Option<i64> {
    move |value, mut at| {
        at.describe(|| json!({"type": "integer", "minimum": range.start(), "maximum": range.end()}));
        let whole = value.as_i64().or_else(|| whole_float(value));
        match whole {
            Some(n) if range.contains(&n) => Some(n),
            None if !value.is_number() => at.expected("a whole number", value),
            None if value.as_f64().is_some_and(|n| n.fract() != 0.0) => at.reject("must be a whole number"),
            _ if range.start() == range.end() => at.reject(format!("must be {}", range.start())),
            // Too large for an `i64`, or out of range.
            _ => at.reject(format!("must be between {} and {}", range.start(), range.end())),
        }
    }
}

/// Text of at most `max_chars` characters, not empty and without control characters.
pub fn text(max_chars: usize) -> impl for<'v> Fn(&'v Value, FieldContext<'_>) -> Option<&'v str> {
    fn read<'v>(value: &'v Value, mut at: FieldContext<'_>, max_chars: usize) -> Option<&'v str> {
        at.describe(
            || json!({"type": "string", "minLength": 1, "maxLength": max_chars, "pattern": PRINTABLE}),
        );
        let Value::String(text) = value else { return at.expected("a string", value) };
        if text.trim().is_empty() {
            return at.reject("must not be empty");
        }
        if text.chars().count() > max_chars {
            return at.reject(format!("must have at most {max_chars} characters"));
        }
        if text.chars().any(char::is_control) {
            return at.reject("must not contain control characters");
        }
        Some(text)
    }
    move |value, at| read(value, at, max_chars)
}

/// What [`text`] takes, as a regular expression: no control characters, and one that is no space.
const PRINTABLE: &str = concat!(
    r"^[^\x00-\x1f\x7f-\x9f]*",
    r"[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"[^\x00-\x1f\x7f-\x9f]*$"
);

/// `true` or `false`.
pub fn boolean(value: &Value, mut at: FieldContext<'_>) -> Option<bool> {
    at.describe(|| json!({"type": "boolean"}));
    value.as_bool().or_else(|| at.expected("true or false", value))
}

/// One of a closed list of words, with a suggestion for a misspelt one.
pub fn one_of<T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl Fn(&Value, FieldContext<'_>) -> Option<T> {
    move |value, at| {
        let index = word_index(value, at, &words.iter().map(|(word, _)| *word).collect::<Vec<_>>())?;
        words.get(index).map(|(_, meaning)| *meaning)
    }
}

/// The index of the word. Separate from [`one_of`], so that the compiled code exists once and not for each
/// type.
fn word_index(value: &Value, mut at: FieldContext<'_>, words: &[&str]) -> Option<usize> {
    at.describe(|| json!({"type": "string", "enum": words}));
    let text = value.as_str();
    words.iter().position(|word| Some(*word) == text).or_else(|| {
        let list = format!("one of {}", words.join(", "));
        match text {
            Some(text) => at.reject(format!("must be {list}{}", did_you_mean(text, words.iter().copied()))),
            None => at.expected(&list, value),
        }
    })
}

/// A list of at most `max` items. Each is read separately, so that an invalid item hides no other error.
pub fn list<T>(
    max: usize,
    read: impl Fn(&Value, FieldContext<'_>) -> Option<T>,
) -> impl Fn(&Value, FieldContext<'_>) -> Option<Vec<T>> {
    move |value, mut at| {
        #[cfg(feature = "describe")]
        if let Some(at) = at.described_items() {
            read(value.get(0).unwrap_or_default(), at);
        }
        at.describe(|| json!({"type": "array", "maxItems": max}));
        let items = items(value, at.reborrow(), max)?;
        let read_items: Vec<Option<T>> =
            items.iter().enumerate().map(|(index, item)| read(item, at.child(&index.to_string()))).collect();
        read_items.into_iter().collect()
    }
}

fn items<'v>(value: &'v Value, mut at: FieldContext<'_>, max: usize) -> Option<&'v [Value]> {
    let Value::Array(items) = value else { return at.expected("a list", value) };
    if items.len() > max {
        return at.reject(format!("must have at most {max} items, but has {}", items.len()));
    }
    Some(items)
}

/// The float as a whole number, if it is one and `f64` holds it exactly.
fn whole_float(value: &Value) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let n = value.as_f64()?;
    #[allow(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
    (n.fract() == 0.0 && n.abs() <= EXACT).then_some(n as i64)
}

pub(crate) fn json_type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors_of(body: &Value, read: impl FnOnce(&Value, FieldContext<'_>)) -> Vec<(String, String)> {
        let mut errors = Vec::new();
        read(body, FieldContext::root(&mut errors));
        errors.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn every_error_of_a_body_is_reported() {
        let body = json!({"widht": 3, "items": [1, "x", 99], "flag": "yes"});
        let errors = errors_of(&body, |body, at| {
            let mut fields = ObjectReader::open(body, at).expect("an object");
            fields.required("width", integer(1..=10));
            fields.optional("items", list(5, integer(0..=9)));
            fields.optional("flag", boolean);
            fields.finish();
        });
        let expected = [
            ("/width", "is required"),
            ("/items/1", "must be a whole number, not a string"),
            ("/items/2", "must be between 0 and 9"),
            ("/flag", "must be true or false, not a string"),
            ("/widht", "is not a known field (did you mean \"width\"?)"),
        ];
        assert_eq!(errors, expected.map(|(p, d)| (p.to_owned(), d.to_owned())));
    }

    #[test]
    fn members_of_another_reader_are_not_unknown() {
        let body = json!({"project_id": 1, "project_di": 2, "width": 3});
        let errors = errors_of(&body, |body, at| {
            let mut fields = ObjectReader::open(body, at.with_known_fields(&["project_id"])).expect("object");
            fields.required("width", integer(1..=10));
            fields.finish();
        });
        assert_eq!(errors.len(), 1);
        assert!(errors[0].1.contains("did you mean \"project_id\"?"), "{errors:?}");
    }

    #[test]
    fn pointers_are_escaped_as_rfc_6901_requires() {
        let body = json!({"a/b~c": 1});
        let errors = errors_of(&body, |body, at| ObjectReader::open(body, at).expect("object").finish());
        assert_eq!(errors[0].0, "/a~1b~0c");
    }

    #[test]
    fn numbers_are_checked_against_their_range() {
        for (value, error) in [
            (json!(0.5), None),
            (json!(2), Some("must be between 0 and 1")),
            (json!("1"), Some("must be a number, not a string")),
        ] {
            let errors = errors_of(&value, |value, at| {
                number(0.0..=1.0)(value, at);
            });
            assert_eq!(errors.first().map(|f| f.1.as_str()), error, "{value}");
        }
        let mut none = Vec::new();
        assert_eq!(integer(0..=9)(&json!(3.0), FieldContext::root(&mut none)), Some(3));
        assert_eq!(integer(0..=9)(&json!(3.5), FieldContext::root(&mut none)), None);
    }

    #[test]
    fn only_a_similar_word_is_suggested() {
        assert_eq!(did_you_mean("banana", ["blur", "spotlight"].into_iter()), "");
        assert_eq!(
            did_you_mean("Spotligth", ["blur", "spotlight"].into_iter()),
            " (did you mean \"spotlight\"?)"
        );
    }
}
