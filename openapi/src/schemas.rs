//! A JSON Schema of each job type's params that stands alone, so that an editor completes a params file.

use std::collections::BTreeSet;

use reel_core::edit::JobType;
use serde_json::{Map, Value, json};

/// The schema of each job type, by the type's word.
pub fn params_schemas(document: &Value) -> Vec<(&'static str, Value)> {
    let schema = |job_type: JobType| {
        let name = match job_type {
            JobType::Overlay => "OverlayParams",
            JobType::Framing => "FramingParams",
            JobType::Annotate => "AnnotateParams",
        };
        (job_type.as_str(), alone(document, name))
    };
    JobType::ALL.map(schema).to_vec()
}

/// A schema of the document with everything that it refers to.
fn alone(document: &Value, name: &str) -> Value {
    let schemas = &document["components"]["schemas"];
    let mut needed = BTreeSet::new();
    collect(&schemas[name], schemas, &mut needed);
    let definitions: Map<String, Value> =
        needed.into_iter().map(|name| (name.clone(), moved(schemas[&name].clone()))).collect();
    let mut schema = moved(schemas[name].clone());
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = name.into();
    if !definitions.is_empty() {
        schema["$defs"] = definitions.into();
    }
    schema
}

fn collect(schema: &Value, schemas: &Value, needed: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) =
                members.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next())
                && needed.insert(name.to_owned())
            {
                collect(&schemas[name], schemas, needed);
            }
            members.values().for_each(|member| collect(member, schemas, needed));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, schemas, needed)),
        _ => {}
    }
}

fn moved(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                *member = match (name.as_str(), member.as_str()) {
                    ("$ref", Some(path)) => path.replace("#/components/schemas/", "#/$defs/").into(),
                    _ => moved(member.take()),
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = moved(item.take())),
        _ => {}
    }
    schema
}
