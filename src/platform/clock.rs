//! Now and chance: the only places in this repository's Worker where either comes from.

use std::cell::RefCell;

use crate::platform::log::log;
use reel_core::base::id::{JobId, UploadId};
use reel_core::base::time::Timestamp;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::webhook::id::WebhookId;
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

/// A fresh endpoint's id.
pub fn webhook_id() -> WebhookId {
    WebhookId::from_random(random())
}

/// A name for one request, to be found in the logs.
pub fn request_id() -> String {
    format!("{:016x}", u64::from_le_bytes(random()))
}

/// Random bytes of the platform, taken from it many at a time: each time costs a crossing into JavaScript. Zeros
/// if it has none: ids then collide and are refused, nothing panics.
fn random<const N: usize>() -> [u8; N] {
    RANDOM.with_borrow_mut(|(bytes, used)| {
        if bytes.len() - *used < N {
            if getrandom::fill(bytes).is_err() {
                log(LogSubject::Startup, LogEvent::NoRandomness, "ids and jitter are zero");
            }
            *used = 0;
        }
        let taken = bytes.get_mut(*used..*used + N).unwrap_or_default();
        *used += N;
        let mut random = [0; N];
        random.iter_mut().zip(taken).for_each(|(to, from)| *to = std::mem::take(from));
        random
    })
}

thread_local! {
    /// Bytes, and how many of them were used. No byte is given twice.
    static RANDOM: RefCell<([u8; POOL_BYTES], usize)> = const { RefCell::new(([0; POOL_BYTES], POOL_BYTES)) };
}

const POOL_BYTES: usize = 1024;
