//! Presigned URLs equal those of botocore, byte for byte. `vectors.py` in this folder wrote `vectors.json`.

use reel_core::base::base_url::BaseUrl;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::s3::{Presigner, S3Operation};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Vector {
    endpoint: String,
    bucket: String,
    key_id: String,
    secret: String,
    key: String,
    now_ms: i64,
    lifetime_s: i64,
    url: String,
    #[serde(flatten)]
    operation: VectorOperation,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
enum VectorOperation {
    Put { content_type: String, size_bytes: Option<u64> },
    Get { save_as: Option<String> },
    UploadPart { upload_id: String, part_number: u32, size_bytes: u64 },
    ListParts { upload_id: String, marker: Option<u32> },
}

#[test]
fn every_url_equals_botocores() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert!(vectors.len() >= 80, "{}", vectors.len());
    for vector in vectors {
        let endpoint = BaseUrl::parse(&vector.endpoint).unwrap();
        let presigner =
            Presigner::new(&endpoint, &vector.bucket, vector.key_id.clone(), vector.secret.clone()).unwrap();
        let key = &vector.key;
        let operation = match &vector.operation {
            VectorOperation::Put { content_type, size_bytes } => {
                S3Operation::put(key, content_type, *size_bytes)
            }
            VectorOperation::Get { save_as } => S3Operation::get(key, save_as.as_deref()),
            VectorOperation::UploadPart { upload_id, part_number, size_bytes } => {
                S3Operation::upload_part(key, upload_id, *part_number, *size_bytes)
            }
            VectorOperation::ListParts { upload_id, marker } => {
                S3Operation::list_parts(key, upload_id, *marker)
            }
        };
        let url =
            presigner.sign(&operation, DurationMs::seconds(vector.lifetime_s), Timestamp(vector.now_ms));
        assert_eq!(url, vector.url, "{vector:?}");
    }
}
