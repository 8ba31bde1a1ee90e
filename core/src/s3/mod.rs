//! Presigned URLs for the bucket.
//!
//! Invariant: a URL allows one operation on one object, until it expires. Time is an argument.

mod list_parts;
mod sigv4;

pub use list_parts::{ListPartsError, PartList, StoredPart, parse_list_parts};

use crate::base::base_url::BaseUrl;
use crate::base::content_disposition::{DispositionType, content_disposition};
use crate::base::object_key::ObjectKey;
use crate::base::percent;
use crate::base::time::{DurationMs, Timestamp};
use sigv4::{AccessKey, UnsignedRequest};

/// Signs requests to one bucket, in path style and region `auto`, as R2 requires.
#[derive(Clone)]
pub struct Presigner {
    bucket: String,
    origin: String,
    host: String,
    /// The endpoint's path and the bucket, up to the slash before the key.
    base: String,
    key: AccessKey,
    refuses_copies: bool,
}

/// One operation on one object. The key is not checked here: the methods of [`Presigner`] take an
/// [`ObjectKey`].
#[derive(Clone, Debug)]
pub struct S3Operation<'o> {
    method: &'static str,
    key: &'o str,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
}

impl std::fmt::Debug for Presigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presigner({})", self.bucket)
    }
}

impl Presigner {
    /// `None` when the bucket's name has a character that must be escaped in a URL: S3 and R2 allow no such
    /// name.
    pub fn new(endpoint: &BaseUrl, bucket: &str, key_id: String, secret: String) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if matches!(bucket, "" | "." | "..") || !bucket.bytes().all(plain) {
            return None;
        }
        Some(Self {
            bucket: bucket.to_owned(),
            origin: endpoint.origin().to_owned(),
            host: endpoint.host().to_owned(),
            base: format!("{}/{bucket}/", endpoint.path()),
            key: AccessKey::new(key_id, secret),
            refuses_copies: false,
        })
    }

    /// The same bucket and key at another endpoint.
    #[must_use]
    pub fn at(&self, endpoint: &BaseUrl) -> Self {
        Self {
            bucket: self.bucket.clone(),
            origin: endpoint.origin().to_owned(),
            host: endpoint.host().to_owned(),
            base: format!("{}/{}/", endpoint.path(), self.bucket),
            key: self.key.clone(),
            refuses_copies: self.refuses_copies,
        }
    }

    /// Signs every upload together with an empty `x-amz-copy-source`: a client that adds one, to have the
    /// storage copy another object into its own upload, breaks the signature. Clients leave the header out, so
    /// this is for a storage that takes a missing header for an empty one; others refuse every such upload.
    #[must_use]
    pub fn refusing_copies(self) -> Self {
        Self { refuses_copies: true, ..self }
    }

    /// An upload of one object. The content type, and the exact size when it is known, are part of the
    /// signature: the bucket rejects anything else.
    pub fn put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        size_bytes: Option<u64>,
        lifetime: DurationMs,
        now: Timestamp,
    ) -> String {
        self.sign(&S3Operation::put(key.as_str(), content_type, size_bytes), lifetime, now)
    }

    /// An upload that never replaces an object: the bucket answers 412 if there is one. The client must send
    /// `if-none-match: *`.
    pub fn put_once(
        &self,
        key: &ObjectKey,
        content_type: &str,
        lifetime: DurationMs,
        now: Timestamp,
    ) -> String {
        let mut operation = S3Operation::put(key.as_str(), content_type, None);
        operation.headers.push(("if-none-match", ANY_VERSION.to_owned()));
        self.sign(&operation, lifetime, now)
    }

    /// A download of one object, whole or in ranges; with a name, the browser saves it under that name.
    pub fn get(
        &self,
        key: &ObjectKey,
        download_name: Option<&str>,
        lifetime: DurationMs,
        now: Timestamp,
    ) -> String {
        self.sign(&S3Operation::get(key.as_str(), download_name), lifetime, now)
    }

    /// An upload of one part of exactly this size. `upload_id` is the storage's own. Part numbers are 1 to
    /// 10,000; the caller has checked them.
    pub fn upload_part(
        &self,
        key: &ObjectKey,
        upload_id: &str,
        part_number: u32,
        content_length: u64,
        lifetime: DurationMs,
        now: Timestamp,
    ) -> String {
        let operation = S3Operation::upload_part(key.as_str(), upload_id, part_number, content_length);
        self.sign(&operation, lifetime, now)
    }

    /// A list of the parts that the storage has, at most 1,000 after the marker. [`parse_list_parts`] reads
    /// the response. The local endpoint of wrangler does not implement it.
    pub fn list_parts(
        &self,
        key: &ObjectKey,
        upload_id: &str,
        part_number_marker: Option<u32>,
        lifetime: DurationMs,
        now: Timestamp,
    ) -> String {
        self.sign(&S3Operation::list_parts(key.as_str(), upload_id, part_number_marker), lifetime, now)
    }

    /// The URL of an operation, valid from `now` for `lifetime`: whole seconds, clamped to 1 s to 7 days.
    pub fn sign(&self, operation: &S3Operation<'_>, lifetime: DurationMs, now: Timestamp) -> String {
        let mut headers = operation.headers.clone();
        if self.refuses_copies && operation.method == "PUT" {
            headers.push(("x-amz-copy-source", String::new()));
        }
        let mut path = self.base.clone();
        percent::encode(operation.key, true, &mut path);
        let request = UnsignedRequest {
            method: operation.method,
            host: &self.host,
            path: &path,
            query: &operation.query,
            headers: &headers,
        };
        let query = self.key.sign(&request, lifetime, now);
        format!("{}{path}?{query}", self.origin)
    }
}

impl<'o> S3Operation<'o> {
    /// `PutObject`.
    pub fn put(key: &'o str, content_type: &str, size_bytes: Option<u64>) -> Self {
        let size = size_bytes.map(|size| (CONTENT_LENGTH, size.to_string()));
        let headers = size.into_iter().chain([("content-type", content_type.to_owned())]).collect();
        Self { method: "PUT", key, query: Vec::new(), headers }
    }

    /// `GetObject`.
    pub fn get(key: &'o str, download_name: Option<&str>) -> Self {
        let query = download_name.map(|name| {
            ("response-content-disposition", content_disposition(DispositionType::Attachment, name))
        });
        Self { method: "GET", key, query: query.into_iter().collect(), headers: Vec::new() }
    }

    /// `UploadPart`.
    pub fn upload_part(key: &'o str, upload_id: &str, part_number: u32, content_length: u64) -> Self {
        let query = vec![("partNumber", part_number.to_string()), (UPLOAD_ID, upload_id.to_owned())];
        Self { method: "PUT", key, query, headers: vec![(CONTENT_LENGTH, content_length.to_string())] }
    }

    /// `ListParts`.
    pub fn list_parts(key: &'o str, upload_id: &str, part_number_marker: Option<u32>) -> Self {
        let marker = part_number_marker.map(|marker| ("part-number-marker", marker.to_string()));
        let query = marker.into_iter().chain([(UPLOAD_ID, upload_id.to_owned())]).collect();
        Self { method: "GET", key, query, headers: Vec::new() }
    }
}

/// `if-none-match` of an upload that replaces nothing.
pub const ANY_VERSION: &str = "*";
const CONTENT_LENGTH: &str = "content-length";
const UPLOAD_ID: &str = "uploadId";

#[cfg(test)]
mod tests {
    use super::*;

    fn presigner() -> Presigner {
        let endpoint = BaseUrl::parse("http://localhost:8787/cdn-cgi/local/r2/s3").unwrap();
        Presigner::new(&endpoint, "videos", "id".to_owned(), "s3cret".to_owned()).unwrap()
    }

    #[test]
    fn an_upload_url_signs_type_and_size() {
        let key = ObjectKey::parse_input("input/abc/clip.mp4").unwrap();
        let url = presigner().put(
            &key,
            "video/mp4",
            Some(42),
            DurationMs::minutes(60),
            Timestamp(1_769_850_300_250),
        );
        assert!(
            url.starts_with("http://localhost:8787/cdn-cgi/local/r2/s3/videos/input/abc/clip.mp4?"),
            "{url}"
        );
        assert!(url.contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost"), "{url}");
        assert!(url.contains("X-Amz-Expires=3600"), "{url}");
        assert!(url.contains("X-Amz-Date=20260131T090500Z"), "{url}");
    }

    #[test]
    fn an_upload_signs_what_keeps_it_from_copying_or_replacing() {
        let key = ObjectKey::parse_input("input/abc/clip.mp4").unwrap();
        let at = Timestamp(1_769_850_300_250);
        let once = presigner().put_once(&key, "video/mp4", DurationMs::minutes(60), at);
        assert!(once.contains("X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match&"), "{once}");
        let guarded = presigner().refusing_copies();
        let put = guarded.put(&key, "video/mp4", Some(42), DurationMs::minutes(60), at);
        let names = "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bx-amz-copy-source&";
        assert!(put.contains(names), "{put}");
        let part = guarded.upload_part(&key, "u", 1, 42, DurationMs::minutes(60), at);
        assert!(part.contains("SignedHeaders=content-length%3Bhost%3Bx-amz-copy-source&"), "{part}");
        let get = guarded.get(&key, None, DurationMs::minutes(60), at);
        assert!(get.contains("X-Amz-SignedHeaders=host&"), "{get}");
    }

    #[test]
    fn a_cached_signing_key_is_used_for_its_own_day_only() {
        let (cached, key) = (presigner(), ObjectKey::parse_input("input/abc/clip.mp4").unwrap());
        for now in [0, 86_399_999, 86_400_000, 1, 86_400_000_000] {
            let url =
                |presigner: &Presigner| presigner.get(&key, None, DurationMs::minutes(1), Timestamp(now));
            assert_eq!(url(&cached), url(&presigner()), "{now}");
        }
    }

    #[test]
    fn lifetimes_are_clamped_to_what_storage_accepts() {
        let key = ObjectKey::parse_input("input/abc/clip.mp4").unwrap();
        for (lifetime_ms, seconds) in [(-1, 1), (0, 1), (999, 1), (1_999, 1), (i64::MAX, 604_800)] {
            let url = presigner().get(&key, None, DurationMs(lifetime_ms), Timestamp(0));
            assert!(url.contains(&format!("&X-Amz-Expires={seconds}&")), "{lifetime_ms}: {url}");
        }
    }

    #[test]
    fn bucket_names_that_need_escaping_are_rejected() {
        let endpoint = BaseUrl::parse("https://x.example").unwrap();
        for name in ["", ".", "..", "a/b", "a b", "a%", "ä"] {
            assert!(Presigner::new(&endpoint, name, String::new(), String::new()).is_none(), "{name:?}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert_eq!(format!("{:?}", presigner()), "Presigner(videos)");
    }
}
