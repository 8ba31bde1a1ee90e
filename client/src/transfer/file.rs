//! A video on disk, as it was when it was opened.
//!
//! Invariants: at most one chunk is in memory for each stream; a file that changes during an upload is noticed before
//! the upload is completed.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use md5::{Digest as _, Md5};

use crate::api::error::Error;
use crate::api::uploads::UploadResponse;

/// An open video. Cheap to clone; clones share the open file.
#[derive(Clone, Debug)]
pub struct VideoFile {
    path: PathBuf,
    file: Arc<File>,
    size_bytes: u64,
    modified_at: Option<SystemTime>,
}

impl VideoFile {
    /// Opens a file for reading.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::file(path))?;
        let metadata = file.metadata().map_err(Error::file(path))?;
        if !metadata.is_file() {
            return Err(Error::file(path)(io::Error::new(io::ErrorKind::InvalidInput, "is not a file")));
        }
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            size_bytes: metadata.len(),
            modified_at: metadata.modified().ok(),
        })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file without its folder.
    pub fn name(&self) -> String {
        self.path.file_name().map_or_else(|| "video".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Its size when it was opened.
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// When it had last been modified when it was opened, in nanoseconds since 1970; 0 if the file system does not
    /// know. The number fits until the year 2554.
    pub fn modified_ns(&self) -> u64 {
        let since_epoch = self.modified_at.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        since_epoch.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// The bytes of `range`, in chunks.
    pub(crate) fn chunks(
        &self,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<> {
        let file = Arc::clone(&self.file);
        stream::try_unfold(range, move |left| {
            let file = Arc::clone(&file);
            async move {
                if left.is_empty() {
                    return Ok(None);
                }
                let length = (left.end - left.start).min(CHUNK_BYTES);
                let chunk = tokio::task::spawn_blocking(move || read_at(&file, left.start, length));
                let chunk = chunk.await.map_err(io::Error::other)??;
                Ok(Some((Bytes::from(chunk), left.start + length..left.end)))
            }
        })
    }

    /// Fails if the file is no longer what was opened, since parts of two versions are no video.
    pub(crate) fn require_unchanged(&self) -> Result<(), Error> {
        let changed = || Error::FileChanged { path: self.path.clone() };
        let open = self.file.metadata().map_err(Error::file(&self.path))?;
        // Also by its name: editors write a new file and give it the old name.
        let named = fs::metadata(&self.path).map_err(|_| changed())?;
        let same = |metadata: &fs::Metadata| {
            metadata.len() == self.size_bytes && metadata.modified().ok() == self.modified_at
        };
        if same(&open) && same(&named) { Ok(()) } else { Err(changed()) }
    }

    /// The first uploaded part whose bytes are not those of this file. Only parts whose entity tag is an MD5 can be
    /// compared; R2 writes such tags.
    pub async fn first_mismatch(&self, upload: &UploadResponse) -> Result<Option<u32>, Error> {
        for part in &upload.parts {
            let Some(expected) = md5_of_etag(&part.etag) else { continue };
            let Some(range) = upload.upload.range(part.part_number) else {
                return Ok(Some(part.part_number));
            };
            let mut digest = Md5::new();
            let mut chunks = std::pin::pin!(self.chunks(range));
            while let Some(chunk) = chunks.next().await {
                digest.update(chunk.map_err(Error::file(&self.path))?);
            }
            if hex(&digest.finalize()) != expected {
                return Ok(Some(part.part_number));
            }
        }
        Ok(None)
    }
}

/// The MD5 in an entity tag of 32 hexadecimal digits. R2 writes the MD5 of a part; other storages may write anything.
pub(crate) fn md5_of_etag(etag: &str) -> Option<String> {
    let text = etag.trim().trim_matches('"');
    (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn read_at(file: &File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut chunk = vec![0; length];
    read_exact_at(file, &mut chunk, offset)?;
    Ok(chunk)
}

#[cfg(unix)]
fn read_exact_at(file: &File, chunk: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, chunk, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut chunk: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !chunk.is_empty() {
        let count = file.seek_read(chunk, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        chunk = chunk.split_at_mut(count).1;
        offset += count as u64;
    }
    Ok(())
}

/// Large enough that a part takes few calls to the pool of blocking threads.
const CHUNK_BYTES: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_range_can_be_read_up_to_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        let bytes: Vec<u8> = (0..600_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        fs::write(&path, &bytes).unwrap();
        let file = VideoFile::open(&path).unwrap();
        for range in [0..600_000_u64, 1..2, 299_999..600_000, 5..5] {
            let chunks: Vec<_> = file.chunks(range.clone()).collect().await;
            let read: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap().to_vec()).collect();
            let expected = &bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            assert!(read == expected, "{range:?}");
        }
        let chunks: Vec<_> = file.chunks(599_999..600_001).collect().await;
        assert!(chunks[0].is_err());
    }

    #[test]
    fn a_file_that_was_written_or_replaced_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        fs::write(&path, b"one").unwrap();
        let file = VideoFile::open(&path).unwrap();
        assert!(file.require_unchanged().is_ok());
        let other = folder.path().join("other.mp4");
        fs::write(&other, b"three").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(matches!(file.require_unchanged(), Err(Error::FileChanged { .. })));
        let file = VideoFile::open(&path).unwrap();
        fs::write(&path, b"threeandmore").unwrap();
        assert!(matches!(file.require_unchanged(), Err(Error::FileChanged { .. })));
        assert!(VideoFile::open(folder.path()).is_err(), "a folder is not a file");
    }

    #[test]
    fn only_an_etag_that_looks_like_an_md5_is_one() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        for etag in [md5.to_owned(), format!("\"{md5}\""), md5.to_uppercase()] {
            assert_eq!(md5_of_etag(&etag).as_deref(), Some(md5));
        }
        for etag in ["", "\"\"", &md5[1..], &format!("{md5}-3"), &"g".repeat(32), &"a".repeat(64)] {
            assert_eq!(md5_of_etag(etag), None, "{etag}");
        }
    }
}
