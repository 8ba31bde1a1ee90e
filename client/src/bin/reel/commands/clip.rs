//! The video file that a command is given.

use std::path::Path;

use reel_client::VideoFile;

use crate::error::CliError;

/// Opens a file that is not empty.
pub fn open(path: &Path) -> Result<VideoFile, CliError> {
    let file = VideoFile::open(path)?;
    if file.size_bytes() == 0 {
        return Err(CliError::Usage(format!("{}: the file is empty", path.display())));
    }
    Ok(file)
}

/// The content type by the extension of the name. The API decides which types it accepts.
pub fn content_type(clip: &Path) -> &'static str {
    let extension = clip.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
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
    fn the_content_type_follows_from_the_name() {
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
