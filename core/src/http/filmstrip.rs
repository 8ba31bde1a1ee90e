//! `GET /api/jobs/{id}/filmstrip.vtt`: from the job JSON to `WebVTT`.

use serde_json::Value;

use crate::http::problem::{Problem, ProblemCode};
use crate::job::filmstrip::FilmstripLayout;

/// The `WebVTT` of a job's filmstrip, with the presigned URL that its JSON has.
///
/// # Errors
/// 404 when the job has no filmstrip.
pub fn filmstrip_vtt(job_json: &str) -> Result<String, Problem> {
    let job: Value = serde_json::from_str(job_json).map_err(|_| Problem::internal())?;
    let sheet = job.get("filmstrip");
    match (sheet.and_then(FilmstripLayout::read), sheet.and_then(|sheet| sheet.get("url")?.as_str())) {
        (Some(layout), Some(url)) => {
            let duration_ms = job.pointer("/output/duration_ms").and_then(Value::as_u64);
            Ok(layout.vtt(url, duration_ms.unwrap_or_else(|| layout.covered_ms())))
        }
        _ => Err(Problem::new(
            ProblemCode::FilmstripNotFound,
            "The job has no filmstrip, or is not complete yet. One is made when params have \"filmstrip\": true.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_vtt_of_a_complete_job_names_its_sheet() {
        let sheet = json!({"url": "https://r2.example/s.jpg?X-Amz-Signature=0", "tile_width": 90,
            "tile_height": 160, "columns": 2, "tiles": 2, "interval_ms": 1000});
        let job = json!({"filmstrip": sheet, "output": {"duration_ms": 1500}});
        let vtt = filmstrip_vtt(&job.to_string()).expect("a filmstrip");
        let last =
            "00:00:01.000 --> 00:00:01.500\nhttps://r2.example/s.jpg?X-Amz-Signature=0#xywh=90,0,90,160\n";
        assert!(vtt.starts_with("WEBVTT\n") && vtt.ends_with(last), "{vtt}");
        let unmeasured = json!({"filmstrip": sheet, "output": null});
        assert!(filmstrip_vtt(&unmeasured.to_string()).expect("a filmstrip").contains("--> 00:00:02.000"));
    }

    #[test]
    fn a_job_without_a_filmstrip_has_no_vtt() {
        for job in [json!({"filmstrip": null}), json!({"output": null}), json!({"filmstrip": {"url": "x"}})] {
            let problem = filmstrip_vtt(&job.to_string()).expect_err("none");
            assert_eq!(problem.code, ProblemCode::FilmstripNotFound);
        }
    }
}
