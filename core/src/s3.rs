//! Presigned URLs for the bucket (SigV4 in the query), through rusty-s3. Time is an argument.

use std::time::Duration;

use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use url::Url;

use crate::object_key::ObjectKey;
use crate::time::{Millis, Span};

/// Signs requests to one bucket. R2's region is always `auto`.
#[derive(Clone)]
pub struct Presigner {
    bucket: Bucket,
    credentials: Credentials,
}

impl std::fmt::Debug for Presigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presigner({})", self.bucket.name())
    }
}

impl Presigner {
    /// `None` when endpoint and bucket do not make a URL.
    pub fn new(endpoint: &str, bucket: String, key_id: String, secret: String) -> Option<Self> {
        let endpoint = Url::parse(endpoint).ok()?;
        let bucket = Bucket::new(endpoint, UrlStyle::Path, bucket, "auto").ok()?;
        Some(Self { bucket, credentials: Credentials::new(key_id, secret) })
    }

    /// An upload of one object. The content type, and the exact size when it is known, are part of the
    /// signature: the bucket refuses anything else.
    pub fn put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        size_bytes: Option<u64>,
        lifetime: Span,
        now: Millis,
    ) -> String {
        let mut action = self.bucket.put_object(Some(&self.credentials), key.as_str());
        action.headers_mut().insert("content-type", content_type.to_owned());
        if let Some(size) = size_bytes {
            action.headers_mut().insert("content-length", size.to_string());
        }
        action.sign_with_time(duration(lifetime), &now.timestamp()).into()
    }

    /// A download of one object; with a name, the browser saves it under that name.
    pub fn get(&self, key: &ObjectKey, save_as: Option<&str>, lifetime: Span, now: Millis) -> String {
        let mut action = self.bucket.get_object(Some(&self.credentials), key.as_str());
        if let Some(name) = save_as {
            let disposition = format!("attachment; filename=\"{name}\"");
            action.query_mut().insert("response-content-disposition", disposition);
        }
        action.sign_with_time(duration(lifetime), &now.timestamp()).into()
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.0).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presigner() -> Presigner {
        let text = str::to_owned;
        Presigner::new(
            "http://localhost:8787/cdn-cgi/local/r2/s3",
            text("videos"),
            text("id"),
            text("s3cret"),
        )
        .unwrap()
    }

    #[test]
    fn uploads_sign_type_and_size_and_keep_the_endpoints_path() {
        let key = ObjectKey::parse_input("input/abc/clip.mp4").unwrap();
        let url = presigner().put(&key, "video/mp4", Some(42), Span::minutes(60), Millis(1_769_850_300_250));
        assert!(
            url.starts_with("http://localhost:8787/cdn-cgi/local/r2/s3/videos/input/abc/clip.mp4?"),
            "{url}"
        );
        assert!(url.contains("X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost"), "{url}");
        assert!(url.contains("X-Amz-Expires=3600"), "{url}");
        assert!(url.contains("X-Amz-Date=20260131T090500Z"), "{url}");
    }

    #[test]
    fn the_secret_does_not_print() {
        assert_eq!(format!("{:?}", presigner()), "Presigner(videos)");
    }
}
