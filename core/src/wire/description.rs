//! The schemas of all answers that have a type here.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::job::error_code::ErrorCode;
use crate::wire::gpu_worker::{
    CallbackResponse, ClaimRequest, ClaimResponse, CompleteReport, ErrorReport, ProgressReport, RunInput,
};
use crate::wire::job::JobJson;
use crate::wire::job_list::Page;
use crate::wire::problem::Wire;
use crate::wire::upload::{CompletedUpload, ConfirmedParts, SignedParts, UploadJson};

/// A generator for what is answered, whose names are those of the document.
pub fn generator() -> SchemaGenerator {
    settings().for_serialize().into_generator()
}

/// The reports of a GPU worker, which may leave out what has a default.
pub fn reports() -> Map<String, Value> {
    let mut generator = settings().for_deserialize().into_generator();
    generator.subschema_for::<ClaimRequest>();
    generator.subschema_for::<ProgressReport>();
    generator.subschema_for::<CompleteReport>();
    generator.subschema_for::<ErrorReport>();
    definitions(generator)
}

fn settings() -> SchemaSettings {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings
}

/// Adds every type to the generator's definitions.
pub fn add_answers(generator: &mut SchemaGenerator) {
    generator.subschema_for::<JobJson<'_>>();
    generator.subschema_for::<Page<'_>>();
    generator.subschema_for::<Wire<'_>>();
    generator.subschema_for::<ErrorCode>();
    generator.subschema_for::<UploadJson>();
    generator.subschema_for::<SignedParts>();
    generator.subschema_for::<ConfirmedParts>();
    generator.subschema_for::<CompletedUpload>();
    generator.subschema_for::<RunInput>();
    generator.subschema_for::<ClaimResponse>();
    generator.subschema_for::<CallbackResponse>();
}

/// The definitions that a generator has collected.
pub fn definitions(mut generator: SchemaGenerator) -> Map<String, Value> {
    generator.take_definitions(true)
}
