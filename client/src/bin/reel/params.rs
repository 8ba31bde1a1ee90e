//! The API's `params` object, built from the options of `reel export`.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::args::{ExportArgs, JobTypeArg};
use crate::error::CliError;

/// The params of an export: those of the options, overridden by the members of `--params`.
///
/// Only what would waste an upload is refused here. The API validates everything else.
pub fn build(args: &ExportArgs) -> Result<Value, CliError> {
    let mut params = from_options(args)?;
    if let Some(path) = &args.params {
        let Value::Object(members) = read_json(path)? else {
            return Err(CliError::Usage(format!("{}: must be a JSON object", path.display())));
        };
        params.extend(members);
    }
    match args.job_type {
        JobTypeArg::Framing if !params.contains_key("crop_keyframes") => Err(CliError::Usage(
            "--type framing needs a crop: use --crop, --crop-keyframes or --params".to_owned(),
        )),
        JobTypeArg::Annotate if !params.contains_key("clips") => {
            Err(CliError::Usage("--type annotate needs --params with the list \"clips\"".to_owned()))
        }
        _ => Ok(Value::Object(params)),
    }
}

fn from_options(args: &ExportArgs) -> Result<Map<String, Value>, CliError> {
    let wrong_type =
        |option: &str, job_type: &str| Err(CliError::Usage(format!("{option} needs --type {job_type}")));
    if args.job_type != JobTypeArg::Overlay {
        if !args.regions.is_empty() {
            return wrong_type("--region", "overlay");
        }
        if args.effect.is_some() {
            return wrong_type("--effect", "overlay");
        }
    }
    if args.job_type != JobTypeArg::Framing && (args.start.is_some() || args.end.is_some()) {
        return wrong_type("--start or --end", "framing");
    }

    let mut params = Map::new();
    if args.job_type == JobTypeArg::Overlay {
        params.insert("highlight_regions".to_owned(), json!(args.regions));
        if let Some(effect) = &args.effect {
            params.insert("effect_type".to_owned(), json!(effect));
        }
    }
    if let Some(keyframes) = crop_keyframes(args)? {
        params.insert("crop_keyframes".to_owned(), keyframes);
    }
    if let Some(fit) = &args.fit {
        params.insert("fit".to_owned(), json!(fit));
    }
    if let Some(track) = args.audio_track {
        params.insert("audio_track".to_owned(), json!(track));
    }
    if let Some(size) = args.size {
        for (name, side) in [("output_width", size.width), ("output_height", size.height)] {
            if let Some(side) = side {
                params.insert(name.to_owned(), json!(side));
            }
        }
    }
    for (name, time) in [("start_time", args.start), ("end_time", args.end)] {
        if let Some(time) = time {
            params.insert(name.to_owned(), json!(time));
        }
    }
    Ok(params)
}

fn crop_keyframes(args: &ExportArgs) -> Result<Option<Value>, CliError> {
    let Some(path) = &args.crop_keyframes else {
        return Ok((!args.crops.is_empty()).then(|| json!(args.crops)));
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
    serde_json::from_str(&text).map_err(|error| usage(format!("is not valid JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser as _;

    fn export(line: &str) -> ExportArgs {
        let line = format!("reel export clip.mp4 --out reel.mp4 {line}");
        match Args::try_parse_from(line.split_whitespace()).unwrap().command {
            Command::Export(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_overlay_is_built_from_its_options() {
        let export = export(
            "--type overlay --effect spotlight --region 0-9@1,2,3,4 --crop 0:0,0,10,20 --size 90x --fit cover --audio-track 2",
        );
        let params = build(&export).unwrap();
        assert_eq!(
            params,
            json!({
                "highlight_regions": [{"start_frame": 0, "end_frame": 9, "x": 1.0, "y": 2.0, "radius_x": 3.0, "radius_y": 4.0}],
                "effect_type": "spotlight",
                "crop_keyframes": [{"frame": 0, "x": 0.0, "y": 0.0, "width": 10.0, "height": 20.0}],
                "output_width": 90, "fit": "cover", "audio_track": 2
            })
        );
    }

    #[test]
    fn keyframes_come_from_a_file_and_params_override_options() {
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
            let params = build(&export).unwrap();
            assert_eq!(params["crop_keyframes"][0]["height"], json!(20));
            assert_eq!(params["end_time"], json!(2.0));
        }
        let path = write("params.json", r#"{"effect_type":"blur","output_width":64}"#);
        let params = build(&export(&format!("--type overlay --effect spotlight --params {path}"))).unwrap();
        assert_eq!((&params["effect_type"], &params["output_width"]), (&json!("blur"), &json!(64)));
    }

    #[test]
    fn options_of_another_type_and_wrong_files_are_usage_errors() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = folder.path().join("wrong.json");
        std::fs::write(&wrong, "3").unwrap();
        for line in [
            "--type framing --crop 0:0,0,10,20 --region 0-9@1,2,3,4",
            "--type framing --crop 0:0,0,10,20 --effect blur",
            "--type overlay --start 1",
            "--type framing",
            "--type annotate",
            "--type overlay --params /nowhere/params.json",
            &format!("--type overlay --params {}", wrong.display()),
            &format!("--type framing --crop-keyframes {}", wrong.display()),
        ] {
            assert!(matches!(build(&export(line)), Err(CliError::Usage(_))), "{line}");
        }
    }
}
