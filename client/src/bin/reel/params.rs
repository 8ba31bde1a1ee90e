//! From options to the API's `params`.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::args::{ExportArgs, JobTypeArg};
use crate::error::CliError;

/// The params of an export: what the options say, overridden by the members of `--params`.
///
/// Only what would waste an upload is refused here; everything else is the API's to judge.
pub fn params(export: &ExportArgs) -> Result<Value, CliError> {
    let mut params = from_options(export)?;
    if let Some(path) = &export.params {
        let Value::Object(members) = read_json(path)? else {
            return Err(CliError::Usage(format!("{}: must be a JSON object", path.display())));
        };
        params.extend(members);
    }
    match export.job_type {
        JobTypeArg::Framing if !params.contains_key("crop_keyframes") => {
            Err(CliError::Usage("framing needs a crop: give --crop, --crop-keyframes or --params".to_owned()))
        }
        JobTypeArg::Annotate if !params.contains_key("clips") => {
            Err(CliError::Usage("annotate needs --params with the list \"clips\"".to_owned()))
        }
        _ => Ok(Value::Object(params)),
    }
}

/// The size of the reel, when the params tell it: an overlay without a crop keeps the clip's size.
pub fn resolution(export: &ExportArgs, params: &Value) -> Option<(u64, u64)> {
    let cropped = params.get("crop_keyframes").is_some_and(|keyframes| !keyframes.is_null());
    let told = match export.job_type {
        JobTypeArg::Framing => true,
        JobTypeArg::Overlay => cropped,
        JobTypeArg::Annotate => false,
    };
    let side = |name, default| params.get(name).map_or(Some(default), Value::as_u64);
    told.then(|| Some((side("output_width", 1080)?, side("output_height", 1920)?))).flatten()
}

fn from_options(export: &ExportArgs) -> Result<Map<String, Value>, CliError> {
    let misplaced =
        |option: &str, kind: &str| Err(CliError::Usage(format!("{option} is only for --type {kind}")));
    if export.job_type != JobTypeArg::Overlay {
        if !export.regions.is_empty() {
            return misplaced("--region", "overlay");
        }
        if export.effect.is_some() {
            return misplaced("--effect", "overlay");
        }
    }
    if export.job_type != JobTypeArg::Framing && (export.start.is_some() || export.end.is_some()) {
        return misplaced("--start and --end", "framing");
    }

    let mut params = Map::new();
    if export.job_type == JobTypeArg::Overlay {
        params.insert("highlight_regions".to_owned(), json!(export.regions));
        if let Some(effect) = &export.effect {
            params.insert("effect_type".to_owned(), json!(effect));
        }
    }
    if let Some(keyframes) = crop_keyframes(export)? {
        params.insert("crop_keyframes".to_owned(), keyframes);
    }
    if let Some(size) = export.size {
        params.insert("output_width".to_owned(), json!(size.width));
        params.insert("output_height".to_owned(), json!(size.height));
    }
    for (name, time) in [("start_time", export.start), ("end_time", export.end)] {
        if let Some(time) = time {
            params.insert(name.to_owned(), json!(time));
        }
    }
    Ok(params)
}

fn crop_keyframes(export: &ExportArgs) -> Result<Option<Value>, CliError> {
    let Some(path) = &export.crop_keyframes else {
        return Ok((!export.crops.is_empty()).then(|| json!(export.crops)));
    };
    let list = match read_json(path)? {
        Value::Object(mut members) => members.remove("crop_keyframes").unwrap_or_default(),
        other => other,
    };
    if list.is_array() {
        return Ok(Some(list));
    }
    Err(CliError::Usage(format!("{}: must be a JSON list of crop keyframes", path.display())))
}

fn read_json(path: &Path) -> Result<Value, CliError> {
    let usage = |reason: String| CliError::Usage(format!("{}: {reason}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| usage(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| usage(format!("is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser as _;

    fn export(line: &str) -> ExportArgs {
        let line = format!("reel export clip.mp4 --out reel.mp4 {line}");
        match Args::try_parse_from(line.split_whitespace()).unwrap().command {
            Command::Export(export) => export,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_overlay_is_built_from_its_options() {
        let export =
            export("--type overlay --effect spotlight --region 0-9@1,2,3,4 --crop 0:0,0,10,20 --size 90x160");
        let params = params(&export).unwrap();
        assert_eq!(
            params,
            json!({
                "highlight_regions": [{"start_frame": 0, "end_frame": 9, "x": 1.0, "y": 2.0, "radius_x": 3.0, "radius_y": 4.0}],
                "effect_type": "spotlight",
                "crop_keyframes": [{"frame": 0, "x": 0.0, "y": 0.0, "width": 10.0, "height": 20.0}],
                "output_width": 90, "output_height": 160
            })
        );
        assert_eq!(resolution(&export, &params), Some((90, 160)));
    }

    #[test]
    fn an_overlay_without_a_crop_keeps_an_unknown_size() {
        let export = export("--type overlay --region 0-9@1,2,3,4");
        assert_eq!(resolution(&export, &params(&export).unwrap()), None);
    }

    #[test]
    fn files_give_keyframes_and_override_options() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let list = r#"[{"time":0,"x":0,"y":0,"width":10,"height":20}]"#;
        for text in [list.to_owned(), format!("{{\"crop_keyframes\":{list}}}")] {
            let export =
                export(&format!("--type framing --end 2 --crop-keyframes {}", write("crop.json", &text)));
            let params = params(&export).unwrap();
            assert_eq!(params["crop_keyframes"][0]["height"], json!(20));
            assert_eq!(params["end_time"], json!(2.0));
        }
        let path = write("params.json", r#"{"effect_type":"blur","output_width":64}"#);
        let params = params(&export(&format!("--type overlay --effect spotlight --params {path}"))).unwrap();
        assert_eq!((&params["effect_type"], &params["output_width"]), (&json!("blur"), &json!(64)));
    }

    #[test]
    fn options_of_another_type_and_bad_files_are_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.json");
        std::fs::write(&bad, "3").unwrap();
        for line in [
            "--type framing --crop 0:0,0,10,20 --region 0-9@1,2,3,4",
            "--type framing --crop 0:0,0,10,20 --effect blur",
            "--type overlay --start 1",
            "--type framing",
            "--type annotate",
            "--type overlay --params /nowhere/params.json",
            &format!("--type overlay --params {}", bad.display()),
            &format!("--type framing --crop-keyframes {}", bad.display()),
        ] {
            assert!(matches!(params(&export(line)), Err(CliError::Usage(_))), "{line}");
        }
    }
}
