//! The readers and their schemas agree: on examples, on every bound, and on bodies that were changed at random.

#![allow(clippy::cast_possible_truncation, reason = "lengths of a few thousand")]

use jsonschema::Validator;
use openapi::document::document;
use openapi::examples::example;
use openapi::requests::{DEFAULTS, gaps};
use proptest::prelude::*;
use reel_core::http::requests::description::read_as;
use serde_json::{Value, json};

/// Every schema of a body that a reader of its own checks.
const BODIES: [&str; 18] = [
    "CreateBatch",
    "OverlayParams",
    "FramingParams",
    "AnnotateParams",
    "CreateJob",
    "CreateOverlayJob",
    "CreateFramingJob",
    "CreateAnnotateJob",
    "CreateUploadUrl",
    "CreateUpload",
    "SignParts",
    "ConfirmParts",
    "CompleteUpload",
    "ExportOverlay",
    "ExportFraming",
    "PutProject",
    "PutClip",
    "CreateToken",
];

fn validator(document: &Value, name: &str) -> Validator {
    let schema =
        json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
    jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
}

#[test]
fn every_member_has_a_sentence_and_every_sentence_its_member() {
    assert_eq!(gaps(), Vec::<String>::new());
}

#[test]
fn every_example_is_right_for_the_reader_and_for_the_schema() {
    let document = document();
    for name in BODIES {
        let example = example(name).unwrap_or_else(|| panic!("{name} has no example"));
        assert_eq!(read_as(name, &example), Ok(()), "{name}");
        assert!(validator(&document, name).is_valid(&example), "{name}: {example}");
    }
}

#[test]
fn a_default_is_what_a_member_is_that_is_left_out() {
    use reel_core::edit::{Edit, JobType};
    let params = |name: &str| match name {
        "OverlayParams" | "FixedRegion" | "EllipseKeyframe" => JobType::Overlay,
        "AnnotateParams" => JobType::Annotate,
        _ => JobType::Framing,
    };
    for (schema, member, default) in DEFAULTS.iter().filter(|(schema, _, _)| *schema != "CreateToken") {
        let (mut with, pointer) = match *schema {
            "Segment" => (example("ClipFraming").expect("an example"), "/segments/0"),
            "EllipseKeyframe" => {
                (example("OverlayParams").expect("an example"), "/highlight_regions/0/keyframes/0")
            }
            "FixedRegion" => {
                let region =
                    json!({"start_frame": 0, "end_frame": 9, "x": 5, "y": 5, "radius_x": 2, "radius_y": 2});
                (json!({"highlight_regions": [region]}), "/highlight_regions/0")
            }
            name => (example(name).expect("an example"), ""),
        };
        let mut without = with.clone();
        with.pointer_mut(pointer).expect("an object")[*member] = default();
        without.pointer_mut(pointer).and_then(Value::as_object_mut).expect("an object").remove(*member);
        let read = |body: &Value| Edit::parse(params(schema), &body.to_string()).expect("an edit");
        assert_eq!(read(&with), read(&without), "{schema}.{member}");
    }
}

/// Every place of a body with the schema that stands for it, where only one can.
fn bounds(document: &Value, schema: &Value, body: &Value, place: &str, found: &mut Vec<(String, Value)>) {
    let schema = resolved(document, schema);
    if let Some(forms) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        let fits = forms.iter().find(|form| {
            let whole = json!({"allOf": [form], "components": document["components"]});
            jsonschema::is_valid(&whole, body)
        });
        return fits.into_iter().for_each(|form| bounds(document, form, body, place, found));
    }
    for wrong in beyond(schema, body) {
        found.push((place.to_owned(), wrong));
    }
    if let (Value::Object(members), Some(schemas)) = (body, schema["properties"].as_object()) {
        for (name, member) in members {
            bounds(document, &schemas[name], member, &format!("{place}/{name}"), found);
        }
    }
    if let Value::Array(items) = body {
        for (index, item) in items.iter().enumerate() {
            bounds(document, &schema["items"], item, &format!("{place}/{index}"), found);
        }
    }
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(path) => document.pointer(&path[1..]).expect("a schema"),
        None => schema,
    }
}

/// Values that break one rule of a schema each.
fn beyond(schema: &Value, body: &Value) -> Vec<Value> {
    let mut wrong = vec![json!({"no": "such thing"}), json!([[]])];
    let number = |name: &str| schema[name].as_f64();
    let step = if schema["type"].to_string().contains("integer") { 1.0 } else { 0.001 };
    wrong.extend(number("minimum").map(|least| json!(least - step)));
    wrong.extend(number("maximum").map(|most| json!(most + step)));
    wrong.extend(schema["multipleOf"].as_f64().map(|_| json!(17)));
    if schema["type"].to_string().contains("string") {
        wrong.push(json!(7));
        wrong.extend(schema["maxLength"].as_u64().map(|most| json!("x".repeat(most as usize + 1))));
        wrong.extend(schema["minLength"].as_u64().map(|_| json!("")));
        wrong.extend(schema["pattern"].as_str().map(|_| json!("\u{7}")));
        wrong.extend(schema["enum"].as_array().map(|_| json!("no-such-word")));
    }
    if let (Value::Array(items), Some(most)) = (body, schema["maxItems"].as_u64()) {
        wrong.push(json!(vec![items[0].clone(); most as usize + 1]));
        wrong.extend(schema["minItems"].as_u64().map(|_| json!([])));
    }
    if let (Value::Object(members), true) = (body, schema["additionalProperties"] == false) {
        let mut more = members.clone();
        more.insert("no_such_member".to_owned(), json!(1));
        wrong.push(more.into());
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut less = members.clone();
            less.remove(name);
            wrong.push(less.into());
        }
    }
    let validator = jsonschema::validator_for(&without_refs(schema)).expect("a schema");
    wrong.into_iter().filter(|wrong| !validator.is_valid(wrong)).collect()
}

/// The schema with anything in the place of what it refers to.
fn without_refs(schema: &Value) -> Value {
    match schema {
        Value::Object(members) if members.contains_key("$ref") => json!({}),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), without_refs(member)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_refs).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

#[test]
fn the_reader_refuses_what_is_beyond_a_bound_of_its_schema() {
    let document = document();
    let mut count = 0;
    for name in BODIES {
        let good = example(name).expect("an example");
        let mut found = Vec::new();
        bounds(&document, &document["components"]["schemas"][name], &good, "", &mut found);
        for (place, wrong) in found {
            let mut body = good.clone();
            *body.pointer_mut(&place).expect("a place") = wrong.clone();
            let shown = wrong.to_string().chars().take(80).collect::<String>();
            assert!(read_as(name, &body).is_err(), "{name}{place} takes {shown}");
            count += 1;
        }
    }
    assert!(count > 500, "only {count} bounds were tried");
}

/// A body with one place changed to something that JSON can hold.
fn changed(name: &'static str) -> impl Strategy<Value = Value> {
    let body = example(name).expect("an example");
    let mut places = Vec::new();
    collect_places(&body, "", &mut places);
    let values = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        (-20_000..20_000_i64).prop_map(|n| json!(n)),
        (-100_000.0..100_000.0_f64).prop_map(|n| json!(n)),
        "[ -~\u{80}-\u{ff}]{0,40}".prop_map(|text| json!(text)),
        prop::sample::select(vec![
            "blur",
            "overlay",
            "linear",
            "#ffffff",
            "input/a/b.mp4",
            "output/a/1/v.mp4",
            "1"
        ])
        .prop_map(|word| json!(word)),
        Just(json!([])),
        Just(json!({})),
    ];
    (prop::sample::select(places), values, any::<bool>()).prop_map(move |(place, value, remove)| {
        let mut body = body.clone();
        let (parent, last) = place.rsplit_once('/').unwrap_or(("", ""));
        match body.pointer_mut(parent).and_then(Value::as_object_mut) {
            Some(members) if remove && !last.is_empty() => drop(members.remove(last)),
            _ => *body.pointer_mut(&place).expect("a place") = value,
        }
        body
    })
}

fn collect_places(body: &Value, place: &str, places: &mut Vec<String>) {
    places.push(place.to_owned());
    match body {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, member)| collect_places(member, &format!("{place}/{name}"), places));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, item)| collect_places(item, &format!("{place}/{n}"), places));
        }
        _ => {}
    }
}

#[test]
fn what_a_reader_takes_its_schema_takes() {
    let document = document();
    for name in BODIES {
        let validator = validator(&document, name);
        proptest!(ProptestConfig::with_cases(400), |(body in changed(name))| {
            if read_as(name, &body).is_ok() {
                prop_assert!(validator.is_valid(&body), "{} takes {}", name, body);
            }
        });
    }
}
