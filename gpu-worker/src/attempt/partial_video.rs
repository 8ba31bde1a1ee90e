//! A video on the scratch disk of which only some parts are there.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::Path;

use reqwest::header::HeaderValue;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

/// A file of the video's length that takes disk space only where something was written.
pub(crate) struct PartialVideo {
    file: File,
    bytes: u64,
    /// The version that the parts are of, once one has arrived.
    pub(super) etag: Option<HeaderValue>,
    /// What has arrived.
    held: Vec<Range<u64>>,
}

impl PartialVideo {
    pub(super) async fn create(path: &Path, bytes: u64) -> std::io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path).await?;
        file.set_len(bytes).await?;
        Ok(Self { file, bytes, etag: None, held: Vec::new() })
    }

    /// The length of the whole video.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The first byte of this part that has not arrived.
    pub(super) fn missing_from(&self, part: &Range<u64>) -> u64 {
        let mut missing = part.start;
        while let Some(held) = self.held.iter().find(|held| held.contains(&missing)) {
            missing = held.end;
        }
        missing.min(part.end)
    }

    /// Writes bytes at their place.
    pub(super) async fn write(&mut self, place: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(place)).await?;
        self.file.write_all(bytes).await?;
        let end = place + bytes.len() as u64;
        match self.held.iter_mut().find(|held| held.end == place) {
            Some(held) => held.end = end,
            None => self.held.push(place..end),
        }
        Ok(())
    }

    /// Reads what has arrived.
    pub(super) async fn read(&mut self, part: Range<u64>) -> std::io::Result<Vec<u8>> {
        self.file.flush().await?;
        self.file.seek(SeekFrom::Start(part.start)).await?;
        let length = usize::try_from(part.end - part.start).map_err(std::io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    /// Waits until everything is with the system.
    pub(super) async fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush().await
    }
}
