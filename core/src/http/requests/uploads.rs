//! Requests about uploads at the door: bytes in, a typed request or every fault out.

use serde_json::{Value, json};

use crate::base::id::JobId;
use crate::base::video_type::VideoType;
use crate::base::words::word_enum;
use crate::http::problem::Problem;
use crate::http::requests::body::{filename, job_id, read_body, video_type};
use crate::http::requests::upload_url::UPLOAD_MAX_BYTES;
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, integer, list};
use crate::upload::{ConfirmedPart, PART_MAX_COUNT, PartLayout};

/// `POST /api/videos/multipart`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUploadRequest {
    /// As the user calls it.
    pub filename: String,
    /// What it is.
    pub content_type: VideoType,
    /// The job it is for, if the client has one in mind.
    pub job_id: Option<JobId>,
    /// Its parts.
    pub plan: PartLayout,
}

word_enum! {
    /// What is asked of an upload that exists; the words go between the Worker and the upload's object.
    pub enum UploadAction {
        /// `POST .../parts`: URLs to send parts to.
        Sign = "sign",
        /// `PUT .../parts`: parts that were sent.
        Confirm = "confirm",
        /// `GET .../parts`: what has arrived.
        Show = "show",
        /// `POST .../complete`.
        Complete = "complete",
        /// `DELETE`.
        Abort = "abort",
    }
}

impl CreateUploadRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, Self::read)
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Value, at: FieldContext<'_>) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let filename = fields.required("filename", filename);
        let content_type = video_type(&mut fields, filename.as_deref());
        let size = fields.required("size_bytes", integer(1..=UPLOAD_MAX_BYTES));
        let job_id = fields.optional("job_id", job_id);
        // Without a size, or with a wrong one, a wish can still be wrong by itself.
        let size = u64::try_from(size.unwrap_or(1)).unwrap_or(1);
        let requested_part_size = fields.optional("part_size", |value, mut at| {
            let wish = integer(0..=i64::MAX)(value, at.reborrow())?;
            match PartLayout::new(size, u64::try_from(wish).ok()) {
                Ok(plan) => Some(plan),
                Err(bad) => at.reject(bad.to_string()),
            }
        });
        fields.finish();
        let plan = match requested_part_size? {
            Some(plan) => plan,
            None => PartLayout::new(size, None).ok()?,
        };
        Some(Self { filename: filename?, content_type: content_type?, job_id: job_id?, plan })
    }
}

/// `POST .../parts`: which parts are to be signed, 1 to 100 of them.
pub fn parse_part_numbers(body: &[u8], plan: &PartLayout) -> Result<Vec<u32>, Problem> {
    read_body(body, |body, at| read_part_numbers(body, at, plan))
}

pub(crate) fn read_part_numbers(body: &Value, at: FieldContext<'_>, plan: &PartLayout) -> Option<Vec<u32>> {
    let mut fields = ObjectReader::open(body, at)?;
    let numbers = fields.required("part_numbers", |value, mut at| {
        at.describe(|| json!({"minItems": 1}));
        let numbers = list(SIGNED_MAX, |value, at| part_number(value, at, plan))(value, at.reborrow())?;
        if numbers.is_empty() { at.reject("must name at least one part") } else { Some(numbers) }
    });
    fields.finish();
    numbers
}

/// `PUT .../parts` and `POST .../complete`: parts that were sent, with what the bucket answered. A body
/// without any is none, which a completion may have.
pub fn parse_parts(
    body: &[u8],
    plan: &PartLayout,
    action: UploadAction,
) -> Result<Vec<ConfirmedPart>, Problem> {
    let completes = action == UploadAction::Complete;
    if completes && body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    read_body(body, |body, at| read_parts(body, at, plan, action))
}

pub(crate) fn read_parts(
    body: &Value,
    at: FieldContext<'_>,
    plan: &PartLayout,
    action: UploadAction,
) -> Option<Vec<ConfirmedPart>> {
    let completes = action == UploadAction::Complete;
    let mut fields = ObjectReader::open(body, at)?;
    let max = if completes { PART_MAX_COUNT as usize } else { CONFIRMED_MAX };
    let read = list(max, |value, at| given_part(value, at, plan));
    let parts = if completes {
        fields.optional("parts", read).map(Option::unwrap_or_default)
    } else {
        fields.required("parts", read)
    };
    fields.finish();
    parts
}

fn given_part(value: &Value, at: FieldContext<'_>, plan: &PartLayout) -> Option<ConfirmedPart> {
    let mut fields = ObjectReader::open(value, at)?;
    let number = fields.required("part_number", |value, at| part_number(value, at, plan));
    let part = fields.required("etag", |value, mut at| {
        at.describe(|| json!({"type": "string", "minLength": 1, "maxLength": ConfirmedPart::ETAG_MAX}));
        let part = value.as_str().and_then(|etag| ConfirmedPart::new(number.unwrap_or(1), etag));
        part.or_else(|| at.reject("must be the ETag that storage returned for this part"))
    });
    fields.finish();
    number.and(part)
}

fn part_number(value: &Value, at: FieldContext<'_>, plan: &PartLayout) -> Option<u32> {
    integer(1..=i64::from(plan.part_count()))(value, at).and_then(|number| u32::try_from(number).ok())
}

/// Parts that are signed at once: URLs are to be used soon, and each costs computing time.
const SIGNED_MAX: usize = 100;
/// Parts that are confirmed at once.
const CONFIRMED_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn faults(problem: Problem) -> Vec<(String, String)> {
        problem.errors.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    fn pointers(problem: Problem) -> Vec<String> {
        problem.errors.into_iter().map(|fault| fault.pointer).collect()
    }

    #[allow(clippy::needless_pass_by_value, reason = "bodies are written where they are used")]
    fn new_upload(body: Value) -> Result<CreateUploadRequest, Problem> {
        CreateUploadRequest::parse(body.to_string().as_bytes())
    }

    #[test]
    fn an_upload_needs_its_size() {
        let good = new_upload(json!({
            "filename": "Match.MOV", "content_type": "video/QuickTime", "size_bytes": 200_000_000_i64, "part_size": null
        }))
        .unwrap();
        assert_eq!((good.content_type.as_str(), good.plan.part_count()), ("video/quicktime", 12));
        let bad = new_upload(json!({"content_type": "image/png", "part_size": 7, "parts": 3})).unwrap_err();
        assert_eq!(
            pointers(bad),
            ["/filename", "/content_type", "/size_bytes", "/part_size", "/parts"],
            "all at once"
        );
        for size in [json!(0), json!(10_000_000_001_i64), json!(-1), json!("1"), json!(1.5)] {
            let bad = new_upload(json!({"filename": "a", "content_type": "video/mp4", "size_bytes": size}));
            assert_eq!(pointers(bad.unwrap_err()), ["/size_bytes"], "{size}");
        }
        for wish in [
            json!(0),
            json!(5_242_881),
            json!(4_194_304),
            json!(6_000_000_000_i64),
            json!("5 MiB"),
            json!(-5),
        ] {
            let body =
                json!({"filename": "a", "content_type": "video/mp4", "size_bytes": 9, "part_size": wish});
            assert_eq!(pointers(new_upload(body).unwrap_err()), ["/part_size"], "{wish}");
        }
    }

    #[test]
    fn only_parts_of_the_file_are_signed() {
        let plan = PartLayout::new(200_000_000, None).unwrap();
        let numbers = |numbers: Value| {
            parse_part_numbers(json!({ "part_numbers": numbers }).to_string().as_bytes(), &plan)
                .map_err(pointers)
        };
        assert_eq!(numbers(json!([1, 12])), Ok(vec![1, 12]));
        assert_eq!(numbers(json!([])), Err(vec!["/part_numbers".into()]));
        assert_eq!(
            numbers(json!([0, 1, 13, 10_001, "2", 1.5, -1])),
            Err([0, 2, 3, 4, 5, 6].map(|index| format!("/part_numbers/{index}")).to_vec())
        );
        assert_eq!(numbers(json!(vec![1; 100])), Ok(vec![1; 100]));
        assert_eq!(numbers(json!(vec![1; 101])), Err(vec!["/part_numbers".into()]));
    }

    #[test]
    fn parts_are_given_with_their_etags() {
        let plan = PartLayout::new(200_000_000, None).unwrap();
        let given = |verb, body: Value| parse_parts(body.to_string().as_bytes(), &plan, verb);
        let body = json!({"parts": [{"part_number": 3, "etag": "\"d41d8cd98f00b204e9800998ecf8427e\""}]});
        for verb in [UploadAction::Confirm, UploadAction::Complete] {
            let parts = given(verb, body.clone()).unwrap();
            assert_eq!((parts[0].number, parts[0].etag()), (3, "d41d8cd98f00b204e9800998ecf8427e"));
        }
        assert_eq!(
            faults(
                given(
                    UploadAction::Confirm,
                    json!({"parts": [{"part_number": 0, "etag": "x"}, {"part_number": 1, "etag": ""}, {"etag": "a\nb"}, 7]})
                )
                .unwrap_err()
            )
            .into_iter()
            .map(|(pointer, _)| pointer)
            .collect::<Vec<_>>(),
            ["/parts/0/part_number", "/parts/1/etag", "/parts/2/part_number", "/parts/2/etag", "/parts/3"]
        );
        assert_eq!(parse_parts(b"", &plan, UploadAction::Complete), Ok(vec![]), "all were confirmed before");
        assert_eq!(parse_parts(b"{}", &plan, UploadAction::Complete), Ok(vec![]));
        assert!(parse_parts(b"", &plan, UploadAction::Confirm).is_err());
        assert!(parse_parts(b"{}", &plan, UploadAction::Confirm).is_err());
    }

    proptest! {
        #[test]
        fn an_etag_that_is_taken_needs_no_care(text in ".{0,60}") {
            if let Some(part) = ConfirmedPart::new(1, &text) {
                let json = json!(part.etag()).to_string();
                prop_assert_eq!(json, format!("\"{}\"", part.etag()));
                prop_assert_eq!(ConfirmedPart::new(1, &format!("\"{}\"", part.etag())), Some(part));
            }
        }
    }
}
