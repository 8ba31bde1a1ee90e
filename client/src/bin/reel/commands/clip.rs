//! The file that a command was given: is it one, and what does its name say it is.

use std::path::Path;

use reel_client::VideoFile;

use crate::error::CliError;

/// Opens a file that has something in it.
pub fn open(path: &Path) -> Result<VideoFile, CliError> {
    let file = VideoFile::open(path)?;
    if file.size_bytes() == 0 {
        return Err(CliError::Usage(format!("{}: is empty", path.display())));
    }
    Ok(file)
}

/// By the ending of the name; the API says which types it takes.
pub fn content_type(clip: &Path) -> &'static str {
    let ending = clip.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("mp4" | "m4v") => "video/mp4",
        Some("mov" | "qt") => "video/quicktime",
        Some("webm") => "video/webm",
        Some("mkv") => "video/x-matroska",
        Some("avi") => "video/x-msvideo",
        Some("mpg" | "mpeg") => "video/mpeg",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reel_client::Error;

    #[test]
    fn the_type_of_a_clip_is_told_by_its_name() {
        for (name, expected) in [
            ("a.mp4", "video/mp4"),
            ("A.MOV", "video/quicktime"),
            ("b.c.webm", "video/webm"),
            ("notes.txt", "application/octet-stream"),
            ("mp4", "application/octet-stream"),
        ] {
            assert_eq!(content_type(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_clip_that_is_missing_empty_or_a_folder_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.mp4");
        std::fs::write(&empty, b"").unwrap();
        for path in [folder.path(), &empty, &folder.path().join("missing.mp4")] {
            let failure = open(path).unwrap_err();
            assert!(
                matches!(failure, CliError::Usage(_) | CliError::Call(Error::File { .. })),
                "{}",
                path.display()
            );
            assert_eq!(failure.exit_code(), std::process::ExitCode::from(2));
        }
    }
}
