//! Values that every layer uses: times, ids, keys, encodings. Imports nothing of this crate.

pub mod backoff;
pub mod base64url;
pub mod base_url;
pub mod content_disposition;
pub mod hex;
pub mod hmac;
pub mod http_date;
pub mod id;
pub mod object_key;
pub mod object_version;
pub mod owner;
pub mod percent;
pub mod rendition_name;
pub mod secret;
pub mod sorted_map;
pub mod time;
pub mod video_type;
pub mod words;
