//! What the readers of bodies take, as JSON Schema: a reader is run without a body and writes down what it asks for.
//!
//! Invariant: a bound stands in one place, the reader that checks it. Only the document is made with this; the
//! Worker is built without it.

#![allow(
    clippy::indexing_slicing,
    reason = "never in the Worker; and an index of a schema makes what is missing"
)]

use serde_json::{Map, Value, json};

use crate::json::field_error::FieldContext;

/// The schema of what `read` takes.
///
/// A reader that looks at a member before it decides what else to read shows one form for each of `probes`; a
/// probe holds just that member. Forms of one object stand beside each other as `anyOf`.
pub fn schema_of<T>(probes: &[Value], read: impl Fn(&Value, FieldContext<'_>) -> Option<T>) -> Value {
    let schemas = probes.iter().map(|probe| {
        let (mut errors, mut schema) = (Vec::new(), json!({}));
        read(probe, FieldContext::describing(&mut errors, &mut schema));
        mark_nullable(&mut schema);
        schema
    });
    schemas.reduce(merged).unwrap_or_else(|| json!({}))
}

/// Adds keywords to a schema.
pub(crate) fn add(known: &mut Value, more: Value) {
    let (Value::Object(known), Value::Object(more)) = (known, more) else { return };
    for (keyword, value) in more {
        match (known.get_mut(&keyword), value) {
            // Two readers of one object each require their own members.
            (Some(Value::Array(names)), Value::Array(more)) if keyword == "required" => names.extend(more),
            (_, value) => {
                known.insert(keyword, value);
            }
        }
    }
}

/// The schema of a member, which is new unless another reader has read it before.
pub(crate) fn property<'s>(schema: &'s mut Value, name: &str, required: bool) -> &'s mut Value {
    if required && let Some(names) = list_of(schema, "required") {
        names.push(name.into());
    }
    let property = &mut schema["properties"][name];
    *property = json!({});
    if !required {
        property[OPTIONAL] = true.into();
    }
    property
}

/// The schema of a list's items.
pub(crate) fn items(schema: &mut Value) -> &mut Value {
    schema["items"] = json!({});
    &mut schema["items"]
}

/// The schema of an object's values, whatever their names.
pub(crate) fn values(schema: &mut Value) -> &mut Value {
    schema["additionalProperties"] = json!({});
    &mut schema["additionalProperties"]
}

/// An object without members, for readers that are only asked what they take.
pub(crate) fn nothing() -> &'static Map<String, Value> {
    static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    &NOTHING
}

fn list_of<'s>(schema: &'s mut Value, keyword: &str) -> Option<&'s mut Vec<Value>> {
    if schema.get(keyword).is_none() {
        schema[keyword] = json!([]);
    }
    schema[keyword].as_array_mut()
}

/// A keyword of ours, while a schema is made: the member may be left out, or be `null`.
const OPTIONAL: &str = "x-optional";

/// Replaces [`OPTIONAL`] by what JSON Schema calls it.
fn mark_nullable(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_optional = members.remove(OPTIONAL).is_some();
            members.values_mut().for_each(mark_nullable);
            if !is_optional {
                return;
            }
            if let Some(words) = members.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
            if let Some(name) = members.get_mut("type") {
                *name = json!([name.clone(), "null"]);
            }
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(mark_nullable),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One schema of two: what differs in an object or in the items of a list stands beside each other.
fn merged(a: Value, b: Value) -> Value {
    if a == b {
        return a;
    }
    let names = |schema: &Value| -> Option<Vec<String>> {
        Some(schema.get("properties")?.as_object()?.keys().cloned().collect())
    };
    match (names(&a), names(&b)) {
        (Some(of_a), Some(of_b)) if of_a == of_b && a["required"] == b["required"] => {
            let mut both = a;
            for name in of_a {
                let (of_a, of_b) = (both["properties"][&name].take(), b["properties"][&name].clone());
                both["properties"][&name] = merged(of_a, of_b);
            }
            both
        }
        _ if a["items"]["properties"].is_object() && names(&a["items"]) == names(&b["items"]) => {
            let (mut both, mut b) = (a, b);
            both["items"] = merged(both["items"].take(), b["items"].take());
            both
        }
        _ => beside(a, b),
    }
}

/// A schema for what is either of two.
pub(crate) fn beside(a: Value, b: Value) -> Value {
    let forms = |schema: Value| match schema.get("anyOf").and_then(Value::as_array) {
        Some(forms) => forms.clone(),
        None => vec![schema],
    };
    let mut all = forms(a);
    for form in forms(b) {
        if !all.contains(&form) {
            all.push(form);
        }
    }
    json!({ "anyOf": all })
}
