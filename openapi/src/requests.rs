//! Bodies that clients send: the schemas that the readers write, with names, sentences, defaults and examples.
//!
//! Invariant: no bound stands here. A member without a sentence, and a sentence without its member, fail a test.

use std::collections::BTreeSet;

use reel_core::http::requests::description::request_schemas;
use serde_json::{Map, Value, json};

use crate::examples::example;

/// Parts of the schemas that have a name of their own, innermost first: the schema and the place where each is
/// found.
const PARTS: &[(&str, &str, &str)] = &[
    (
        "EllipseKeyframe",
        "OverlayParams",
        "/properties/highlight_regions/anyOf/1/items/properties/keyframes/items",
    ),
    ("FixedRegion", "OverlayParams", "/properties/highlight_regions/anyOf/0/items"),
    ("MovingRegion", "OverlayParams", "/properties/highlight_regions/anyOf/1/items"),
    ("CropAtFrame", "OverlayParams", "/properties/crop_keyframes/anyOf/0/items"),
    ("CropAtTime", "OverlayParams", "/properties/crop_keyframes/anyOf/1/items"),
    ("FurtherOutput", "OverlayParams", "/properties/outputs/items"),
    ("Segment", "FramingParams", "/anyOf/0/properties/segments/items"),
    ("ReelClip", "FramingParams", "/anyOf/1/properties/clips/items"),
    ("ClipFraming", "FramingParams", "/anyOf/0"),
    ("ReelFraming", "FramingParams", "/anyOf/1"),
    ("AnnotatedClip", "AnnotateParams", "/properties/clips/items"),
    ("SentPart", "ConfirmParts", "/properties/parts/items"),
    ("Transition", "ReelFraming", "/properties/transition"),
];

/// What a schema is, in a sentence.
const SENTENCES: &[(&str, &str)] = &[
    ("OverlayParams", "Highlight players in a finished clip."),
    ("FramingParams", "Crop one clip and change its speed, or several clips that become one reel."),
    ("AnnotateParams", "Join annotated clips of a game."),
    ("CreateJob", "A new job."),
    ("CreateBatch", "Several new jobs."),
    ("CreateOverlayJob", "A new overlay."),
    ("CreateFramingJob", "A new framing."),
    ("CreateAnnotateJob", "A new compilation of annotated clips."),
    ("CreateUploadUrl", "A video that is to be uploaded by one PUT."),
    ("CreateUpload", "A video that is to be uploaded in parts."),
    ("SignParts", "Parts that are to be sent."),
    ("ConfirmParts", "Parts that were sent."),
    ("CompleteUpload", "Parts that were sent and not confirmed yet."),
    ("ExportOverlay", "An overlay of a project's working video."),
    ("ExportFraming", "A framing of a project's clip."),
    ("PutProject", "A project. What is left out stays as it is."),
    ("PutClip", "A clip of a project."),
    ("CreateToken", "A token for one end user."),
    ("CreateWebhook", "A server that is to hear of jobs."),
    ("UpdateWebhook", "A change of a webhook. What is left out stays as it is."),
    ("EllipseKeyframe", "Where the ellipse is at one moment."),
    ("FixedRegion", "An ellipse that does not move, by frames."),
    ("MovingRegion", "An ellipse that moves between keyframes, by time."),
    ("CropAtFrame", "What is shown at one frame. A crop that extends beyond the picture is moved inside."),
    ("CropAtTime", "What is shown at one moment. A crop that extends beyond the picture is cut off."),
    (
        "FurtherOutput",
        "One more video of the same edit. It has a `preset`, or a `width`, a `height` or both.",
    ),
    ("Segment", "A part of the source and its speed."),
    ("ReelClip", "One clip of a reel."),
    ("ClipFraming", "One clip, cropped."),
    ("ReelFraming", "Several clips that become one reel."),
    ("AnnotatedClip", "One clip of a game, with the coach's words."),
    ("SentPart", "A part with the ETag that the storage answered."),
    ("Transition", "How each clip leads to the next."),
];

/// What a member means. A schema's own sentence goes before that of every schema (`*`).
const MEMBERS: &[(&str, &str, &str)] = &[
    ("*", "project_id", "The project, as the client numbers it."),
    ("*", "type", "What is rendered."),
    ("*", "input_video_key", "The `video_key` of the upload that is read."),
    ("*", "jobs", "The jobs. Each is created, or refused, by itself."),
    (
        "*",
        "labels",
        "Short texts of the caller's own, by which lists find the job. Who reads the job reads them.",
    ),
    ("*", "job_id", "An id of the client's own. The same request with the same id gets the same job."),
    ("*", "params", "The edit."),
    ("*", "filename", "The name of the file, as the user calls it."),
    ("*", "content_type", "What the browser says of the file. Left out, the name decides."),
    ("*", "size_bytes", "The length of the file. A user's upload must say it."),
    ("CreateUpload", "size_bytes", "The length of the file."),
    ("CreateUpload", "job_id", "The job it is for, when the client has chosen its id."),
    ("CreateUploadUrl", "job_id", "The job it is for, when the client has chosen its id."),
    ("*", "part_size", "The length of each part but the last. Left out, it follows from the file's length."),
    ("*", "part_numbers", "Numbers of parts, from 1."),
    ("*", "parts", "The parts."),
    ("*", "part_number", "From 1."),
    ("*", "etag", "The header `ETag` of the storage's answer, with or without quotes."),
    (
        "*",
        "highlight_regions",
        "Where the players are. All of one form. Without any, the clip is not changed.",
    ),
    ("*", "effect_type", "How the players are set apart."),
    ("*", "crop_keyframes", "What is shown, in ascending order, all by `frame` or all by `time`."),
    ("OverlayParams", "crop_keyframes", "What is shown. Without any, the whole picture."),
    ("ExportOverlay", "crop_keyframes", "What is shown. Without any, the whole picture."),
    (
        "FurtherOutput",
        "crop_keyframes",
        "What it shows. Without any, it follows the main crop in its own shape.",
    ),
    ("*", "output_width", "Pixels across. One side is enough: the other follows from the aspect."),
    ("*", "output_height", "Pixels down."),
    (
        "*",
        "fit",
        "What is done when the aspects differ: all is shown with black beside it, the output is filled, or the \
        picture is stretched.",
    ),
    ("FurtherOutput", "fit", "The same for this output. Left out, as the main one."),
    ("*", "audio_track", "Which sound track of the video is heard, from 1. Left out, the renderer chooses."),
    ("*", "interpolation", "How crops and ellipses move between keyframes."),
    ("*", "outputs", "Further videos of the same edit, made of the same decoded frames."),
    ("*", "filmstrip", "Whether a sheet of small pictures is made of the result."),
    ("*", "frame", "The frame of the source, from 0."),
    ("*", "time", "Seconds of the source."),
    ("*", "x", "Left edge, in pixels of the source."),
    ("*", "y", "Upper edge, in pixels of the source."),
    ("FixedRegion", "x", "Centre, in pixels of the source."),
    ("FixedRegion", "y", "Centre, in pixels of the source."),
    ("EllipseKeyframe", "x", "Centre, in pixels of the source."),
    ("EllipseKeyframe", "y", "Centre, in pixels of the source."),
    ("*", "width", "Pixels across."),
    ("*", "height", "Pixels down."),
    ("*", "radius_x", "Half its width, in pixels."),
    ("*", "radius_y", "Half its height, in pixels."),
    ("*", "radiusX", "Half its width, in pixels."),
    ("*", "radiusY", "Half its height, in pixels."),
    ("*", "opacity", "How strong it is drawn."),
    ("*", "color", "As the web writes it."),
    ("*", "start_frame", "The first frame in which it is drawn."),
    ("*", "end_frame", "The last frame in which it is drawn."),
    ("*", "start_time", "Where it starts, in seconds of the source."),
    ("*", "end_time", "Where it ends, after `start_time`."),
    ("*", "keyframes", "Where it is, in ascending order of time."),
    ("*", "id", "The client's own name of it; not used."),
    ("*", "origin", "Who placed it; not used."),
    ("*", "name", "What it is called. In a reel it is the title of the clip's chapter."),
    ("FurtherOutput", "name", "Unique in its job: lower-case letters, digits, `-` and `_`."),
    ("*", "preset", "A size that has a name."),
    ("*", "clip_index", "The clip's index in its project."),
    ("*", "segments", "Parts to show with their speed, in source order. What lies between them is left out."),
    ("*", "start", "Seconds of the source."),
    ("*", "end", "Seconds of the source, after `start`."),
    ("*", "speed", "0.5 is half speed and takes twice as long."),
    ("*", "target_fps", "Frames a second. Left out, those of the first clip's video."),
    ("*", "include_audio", "Whether the result has sound if a source has."),
    ("*", "clips", "The clips, in the order of the result."),
    ("*", "transition", "How each clip leads to the next."),
    ("*", "video_key", "The video it is cut from."),
    ("ReelClip", "video_key", "The clip's video. Left out, the job's own input."),
    ("*", "notes", "A second line."),
    ("*", "rating", "How good the play was, from 1 to 5."),
    ("*", "tags", "Search words; they are not drawn."),
    ("Transition", "type", "The kind."),
    ("*", "duration", "Its length, in seconds of the reel. A cut has none."),
    ("*", "set_working_video", "Whether the result becomes the project's working video."),
    ("*", "working_video_key", "The video that the project's overlays are made of; `null` clears it."),
    ("*", "subject", "The user, as the service names them."),
    ("*", "scopes", "What the token allows."),
    ("*", "expires_in_s", "How long it is valid, in seconds."),
    ("*", "webhook_url", "A URL that hears of this job's events, beside the webhooks of its owner."),
    ("*", "url", "Where events are sent: https, a name of the public DNS, port 443 or 8443."),
    ("*", "event_types", "What it hears of. Left out, everything."),
    ("*", "description", "A person's words."),
    ("*", "enabled", "Whether anything is sent to it."),
];

/// A schema, its member, and what that is when it is left out.
pub type Default = (&'static str, &'static str, fn() -> Value);

/// What members are when they are left out. A test leaves each out and compares.
pub const DEFAULTS: &[Default] = &[
    ("OverlayParams", "effect_type", || json!("blur")),
    ("OverlayParams", "fit", || json!("contain")),
    ("OverlayParams", "interpolation", || json!("linear")),
    ("OverlayParams", "filmstrip", || json!(false)),
    ("ClipFraming", "fit", || json!("contain")),
    ("ClipFraming", "interpolation", || json!("linear")),
    ("ClipFraming", "filmstrip", || json!(false)),
    ("ClipFraming", "include_audio", || json!(true)),
    ("ReelFraming", "fit", || json!("contain")),
    ("ReelFraming", "interpolation", || json!("linear")),
    ("ReelFraming", "filmstrip", || json!(false)),
    ("ReelFraming", "include_audio", || json!(true)),
    ("AnnotateParams", "filmstrip", || json!(false)),
    ("Segment", "speed", || json!(1)),
    ("FixedRegion", "opacity", || json!(1)),
    ("EllipseKeyframe", "opacity", || json!(0.15)),
    ("CreateToken", "scopes", || json!(["read", "write"])),
    ("CreateToken", "expires_in_s", || json!(3600)),
];

/// All schemas of bodies, by name.
pub fn schemas() -> Map<String, Value> {
    let mut schemas: Map<String, Value> = Map::new();
    for (name, mut schema) in request_schemas() {
        make_whole(&mut schema);
        schemas.insert(name.to_owned(), schema);
    }
    split_job_types(&mut schemas);
    for &(name, schema, place) in PARTS {
        take_part(&mut schemas, name, schema, place);
    }
    let named: Vec<String> = schemas.keys().cloned().collect();
    for name in named {
        if let Some(schema) = schemas.get_mut(&name) {
            describe(&name, schema);
        }
    }
    schemas
}

/// One schema for each type of job, so that the type says what the params are.
fn split_job_types(schemas: &mut Map<String, Value>) {
    let Some(any) = schemas.remove("CreateJob") else { return };
    let mut mapping = Map::new();
    for (word, name, params) in [
        ("overlay", "CreateOverlayJob", "OverlayParams"),
        ("framing", "CreateFramingJob", "FramingParams"),
        ("annotate", "CreateAnnotateJob", "AnnotateParams"),
    ] {
        let mut one = any.clone();
        one["properties"]["type"] = json!({"type": "string", "const": word});
        one["properties"]["params"] = json!({"$ref": reference(params)});
        schemas.insert(name.to_owned(), one);
        mapping.insert(word.to_owned(), reference(name).into());
    }
    let forms: Vec<Value> = mapping.values().map(|name| json!({"$ref": name})).collect();
    let create = json!({"oneOf": forms, "discriminator": {"propertyName": "type", "mapping": mapping}});
    schemas.insert("CreateJob".to_owned(), create);
    if let Some(batch) = schemas.get_mut("CreateBatch") {
        batch["properties"]["jobs"]["items"] = json!({"$ref": reference("CreateJob")});
    }
}

/// Gives the schema at this place a name, and puts the name wherever the same schema stands.
fn take_part(schemas: &mut Map<String, Value>, name: &str, schema: &str, place: &str) {
    let part = schemas.get(schema).and_then(|schema| schema.pointer(place)).cloned();
    let part = part.unwrap_or_else(|| panic!("{schema}{place} is {name}"));
    for schema in schemas.values_mut() {
        replace(schema, &part, name);
    }
    let mut part = part;
    // What may be null may be so where it stands, not in itself.
    if part["type"] == json!(["object", "null"]) {
        part["type"] = json!("object");
    }
    schemas.insert(name.to_owned(), part);
}

fn replace(schema: &mut Value, part: &Value, name: &str) {
    if schema == part {
        let is_nullable = part["type"] == json!(["object", "null"]);
        let named = json!({"$ref": reference(name)});
        *schema = if is_nullable { json!({"anyOf": [named, {"type": "null"}]}) } else { named };
        return;
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, part, name)),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, part, name)),
        _ => {}
    }
}

/// Numbers without a fraction are written without one.
fn make_whole(schema: &mut Value) {
    match schema {
        Value::Object(members) => members.values_mut().for_each(make_whole),
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Number(number) => {
            #[allow(clippy::cast_possible_truncation, reason = "bounds of a few millions")]
            if let Some(whole) = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 1e15) {
                *schema = (whole as i64).into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn describe(name: &str, schema: &mut Value) {
    if let Some(sentence) = sentence(name) {
        schema["description"] = sentence.into();
    }
    if let Some(example) = example(name) {
        schema["examples"] = json!([example]);
    }
    // Forms that have no name of their own are the schema's.
    if let Some(forms) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        for form in forms {
            describe_members(name, form);
        }
    }
    describe_members(name, schema);
}

fn describe_members(name: &str, schema: &mut Value) {
    let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (member, schema) in members {
        if let Some(sentence) = member_sentence(name, member) {
            schema["description"] = sentence.into();
        }
        if let Some((_, _, default)) = DEFAULTS.iter().find(|(of, known, _)| *of == name && known == member) {
            schema["default"] = default();
        }
    }
}

fn sentence(name: &str) -> Option<&'static str> {
    let mut all = SENTENCES.iter();
    all.find(|(of, _)| *of == name).map(|(_, sentence)| *sentence)
}

fn member_sentence(schema: &str, member: &str) -> Option<&'static str> {
    let all = || MEMBERS.iter().filter(|(_, known, _)| *known == member);
    let own = all().find(|(of, _, _)| *of == schema);
    own.or_else(|| all().find(|(of, _, _)| *of == "*")).map(|(_, _, sentence)| *sentence)
}

/// The path of a schema in the document.
pub fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// Sentences that belong to nothing, and schemas or members that have none.
pub fn gaps() -> Vec<String> {
    let schemas = schemas();
    let mut gaps = Vec::new();
    let mut used = BTreeSet::new();
    for (name, schema) in &schemas {
        if sentence(name).is_none() {
            gaps.push(format!("{name} has no sentence"));
        }
        let forms = schema["anyOf"].as_array().into_iter().flatten().chain([schema]);
        for member in forms.filter_map(|form| form["properties"].as_object()).flat_map(Map::keys) {
            match member_sentence(name, member) {
                Some(sentence) => drop(used.insert(sentence)),
                None => gaps.push(format!("{name}.{member} has no sentence")),
            }
        }
    }
    let unused = MEMBERS.iter().filter(|(_, _, sentence)| !used.contains(sentence));
    gaps.extend(unused.map(|(schema, member, _)| format!("{schema}.{member} is no member")));
    let no_schema = SENTENCES.iter().filter(|(name, _)| !schemas.contains_key(*name));
    gaps.extend(no_schema.map(|(name, _)| format!("{name} is no schema")));
    gaps
}
