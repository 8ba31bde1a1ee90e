//! The API's document, from the code that serves it.
//!
//! Paths and methods are the core's routes, security is its access table, bodies are described by the readers that
//! check them and answers by the types that are written. Here are only sentences. Nothing of it is in the Worker.

mod answers;
pub mod document;
pub mod examples;
mod guide;
mod operations;
mod parameters;
mod problems;
pub mod requests;
pub mod schemas;

use document::document;
use schemas::params_schemas;

/// Every file that is made, by its path in the repository.
pub fn files() -> Vec<(String, String)> {
    let document = document();
    let params = params_schemas(&document).into_iter();
    let params = params.map(|(job_type, schema)| (format!("schemas/{job_type}.json"), schema));
    let all = params.chain([("openapi.json".to_owned(), document)]);
    let json = all.map(|(path, json)| (path, format!("{json:#}\n")));
    json.chain([(guide::ERRORS.to_owned(), guide::errors())]).collect()
}
