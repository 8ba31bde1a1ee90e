//! The video file that a command is given.

use std::path::Path;

use reel_client::{VideoFile, VideoType};

use crate::error::CliError;

/// Opens a file that is not empty.
pub fn open(path: &Path) -> Result<VideoFile, CliError> {
    let file = VideoFile::open(path)?;
    if file.size_bytes() == 0 {
        return Err(CliError::Usage(format!("{}: the file is empty", path.display())));
    }
    Ok(file)
}

/// The content type by the name, by the rule of the API, which refuses files of other names.
pub fn content_type(clip: &Path) -> String {
    let name = clip.file_name().unwrap_or_default().to_string_lossy();
    VideoType::of_name(&name).map_or_else(|| "application/octet-stream".to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reel_client::Error;

    #[test]
    fn the_content_type_follows_from_the_name() {
        for (name, expected) in [
            ("a.mp4", "video/mp4"),
            ("A.MOV", "video/quicktime"),
            ("b.c.webm", "video/webm"),
            ("00017.MTS", "video/mp2t"),
            ("notes.txt", "application/octet-stream"),
            ("mp4", "application/octet-stream"),
        ] {
            assert_eq!(content_type(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_missing_empty_or_a_directory_is_a_usage_error() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.mp4");
        std::fs::write(&empty, b"").unwrap();
        for path in [folder.path(), &empty, &folder.path().join("missing.mp4")] {
            let error = open(path).unwrap_err();
            assert!(
                matches!(error, CliError::Usage(_) | CliError::Call(Error::File { .. })),
                "{}",
                path.display()
            );
            assert_eq!(error.exit_code(), std::process::ExitCode::from(2));
        }
    }
}
