//! The schemas of all bodies that clients send, from the readers that check them.

use serde_json::{Value, json};

use crate::edit::{Edit, JobType};
use crate::http::problem::Problem;
use crate::http::requests::batch::BatchRequest;
use crate::http::requests::exports::{ExportRequest, ExportType};
use crate::http::requests::jobs::CreateJobRequest;
use crate::http::requests::tokens::MintRequest;
use crate::http::requests::upload_url::UploadUrlRequest;
use crate::http::requests::uploads::{
    CreateUploadRequest, UploadAction, parse_part_numbers, parse_parts, read_part_numbers, read_parts,
};
use crate::json::description::{beside, schema_of};
use crate::project::{PutClipRequest, PutProjectRequest};
use crate::sql::webhooks::WebhookFields;
use crate::upload::{PART_MAX_COUNT, PartLayout};
use crate::webhook::address::Reach;

/// Each body with its name in the document.
pub fn request_schemas() -> Vec<(&'static str, Value)> {
    let export = |export_type, probes: &[Value]| {
        schema_of(probes, |body, at| ExportRequest::read(body, at, export_type))
    };
    let [single_export, reel_export] =
        [SINGLE, REEL].map(|forms| export(ExportType::Framing, &probes(forms)));
    // Of a file with as many parts as there can be.
    let plan = PartLayout::new(u64::from(PART_MAX_COUNT) << 23, Some(1 << 23)).ok();
    let parts = |action| schema_of(&[json!({})], |body, at| read_parts(body, at, plan.as_ref()?, action));
    let webhook =
        |is_new| schema_of(&[json!({})], |body, at| WebhookFields::read(body, at, Reach::Public, is_new));
    vec![
        ("OverlayParams", params_schema(JobType::Overlay)),
        ("FramingParams", params_schema(JobType::Framing)),
        ("AnnotateParams", params_schema(JobType::Annotate)),
        ("CreateJob", schema_of(&[json!({})], |body, at| CreateJobRequest::read(body, at, Reach::Public))),
        ("CreateBatch", schema_of(&[json!({})], |body, at| BatchRequest::read(body, at, Reach::Public))),
        ("CreateUploadUrl", schema_of(&[json!({})], UploadUrlRequest::read)),
        ("CreateUpload", schema_of(&[json!({})], CreateUploadRequest::read)),
        ("SignParts", schema_of(&[json!({})], |body, at| read_part_numbers(body, at, plan.as_ref()?))),
        ("ConfirmParts", parts(UploadAction::Confirm)),
        ("CompleteUpload", parts(UploadAction::Complete)),
        ("ExportOverlay", export(ExportType::Overlay, &probes(SINGLE))),
        ("ExportFraming", beside(single_export, reel_export)),
        ("PutProject", schema_of(&[json!({})], PutProjectRequest::read)),
        ("PutClip", schema_of(&[json!({})], PutClipRequest::read)),
        ("CreateToken", schema_of(&[json!({})], MintRequest::read)),
        ("CreateWebhook", webhook(true)),
        ("UpdateWebhook", webhook(false)),
    ]
}

/// The params of a job of this type.
fn params_schema(job_type: JobType) -> Value {
    let params = |probes: &[Value]| schema_of(probes, |params, at| Edit::read(job_type, params, at));
    match job_type {
        JobType::Overlay => params(&probes(SINGLE)),
        JobType::Framing => beside(params(&probes(SINGLE)), params(&probes(REEL))),
        JobType::Annotate => params(&[json!({})]),
    }
}

/// A form of an edit, with these crop keyframes and this region.
type Probe = fn(crop: &Value, region: &Value) -> Value;

const SINGLE: Probe = |crop, region| json!({"crop_keyframes": crop, "outputs": [{"crop_keyframes": crop}], "highlight_regions": [region]});
const REEL: Probe =
    |crop, _| json!({"clips": [{"crop_keyframes": crop}], "outputs": [{"crop_keyframes": crop}]});

/// Keyframes and regions have two units, and the readers look which of them is there.
fn probes(form: Probe) -> [Value; 2] {
    [
        form(&json!([{"frame": 0}]), &json!({"start_frame": 0})),
        form(&json!([{"time": 0}]), &json!({"start_time": 0, "keyframes": []})),
    ]
}

/// What the reader of one of these bodies says of it: every fault.
///
/// # Errors
/// The faults of a body that is refused.
pub fn read_as(name: &str, body: &Value) -> Result<(), Problem> {
    let bytes = body.to_string().into_bytes();
    let plan =
        PartLayout::new(u64::from(PART_MAX_COUNT) << 23, Some(1 << 23)).map_err(|_| Problem::internal())?;
    let params = |job_type| {
        let read = Edit::parse(job_type, &body.to_string());
        read.map(drop).map_err(Problem::invalid)
    };
    match name {
        "OverlayParams" => params(JobType::Overlay),
        "FramingParams" => params(JobType::Framing),
        "AnnotateParams" => params(JobType::Annotate),
        "CreateBatch" => match BatchRequest::parse(&bytes, Reach::Public) {
            Ok(batch) => batch.jobs.into_iter().find_map(Result::err).map_or(Ok(()), Err),
            Err(problem) => Err(problem),
        },
        "CreateUploadUrl" => UploadUrlRequest::parse(&bytes).map(drop),
        "CreateUpload" => CreateUploadRequest::parse(&bytes).map(drop),
        "SignParts" => parse_part_numbers(&bytes, &plan).map(drop),
        "ConfirmParts" => parse_parts(&bytes, &plan, UploadAction::Confirm).map(drop),
        "CompleteUpload" => parse_parts(&bytes, &plan, UploadAction::Complete).map(drop),
        "ExportOverlay" => ExportRequest::parse(ExportType::Overlay, &bytes).map(drop),
        "ExportFraming" => ExportRequest::parse(ExportType::Framing, &bytes).map(drop),
        "PutProject" => PutProjectRequest::parse(&bytes).map(drop),
        "PutClip" => PutClipRequest::parse(&bytes).map(drop),
        "CreateToken" => MintRequest::parse(&bytes).map(drop),
        "CreateWebhook" => WebhookFields::parse(&bytes, Reach::Public, true).map(drop),
        "UpdateWebhook" => WebhookFields::parse(&bytes, Reach::Public, false).map(drop),
        _ => CreateJobRequest::parse(&bytes, Reach::Public).map(drop),
    }
}
