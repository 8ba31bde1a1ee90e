//! Now and chance: the only places in this repository's Worker where either comes from.

use crate::platform::log::log;
use reel_core::base::id::{JobId, UploadId};
use reel_core::base::time::Timestamp;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use worker::js_sys;

/// The time of the last IO: Workers do not let time pass while they compute.
pub fn now() -> Timestamp {
    #[allow(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below 2^53")]
    Timestamp(js_sys::Date::now() as i64)
}

/// Any number, for jitter.
pub fn random_u32() -> u32 {
    u32::from_le_bytes(random())
}

/// A fresh job id.
pub fn job_id() -> JobId {
    JobId::from_random(random())
}

/// A fresh upload id.
pub fn upload_id() -> UploadId {
    UploadId::from_random(random())
}

/// A name for one request, to be found in the logs.
pub fn request_id() -> String {
    format!("{:016x}", u64::from_le_bytes(random()))
}

/// Random bytes of the platform. Zeros if it has none: ids then collide and are refused, nothing panics.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        log(LogSubject::Startup, LogEvent::NoRandomness, "ids and jitter are zero");
    }
    bytes
}
