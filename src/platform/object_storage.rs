//! What several do with their storage in the same way.

use reel_core::base::time::Timestamp;
use wasm_bindgen::JsValue;
use worker::{Result, Storage, js_sys};

/// Sets the alarm. Not awaited, so that it becomes durable with the writes before it.
pub fn set_alarm(storage: &Storage, at: Timestamp) -> Result<()> {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
    let date = js_sys::Date::new(&JsValue::from_f64(at.0 as f64));
    let _durable_with_the_rest = storage.as_raw().set_alarm(date, js_sys::Object::new())?;
    Ok(())
}
