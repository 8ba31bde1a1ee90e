//! Streams of bytes with a bound.

use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::{js_sys, web_sys};

/// Everything that a stream gives, or `None` once it is more than `max_bytes`: the rest is not read.
pub async fn read_at_most(
    stream: &web_sys::ReadableStream,
    max_bytes: usize,
) -> Result<Option<Vec<u8>>, JsValue> {
    let reader: web_sys::ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await?;
        if js_sys::Reflect::get(&chunk, &JsValue::from_str("done"))?.is_truthy() {
            return Ok(Some(bytes));
        }
        let more = js_sys::Uint8Array::new(&js_sys::Reflect::get(&chunk, &JsValue::from_str("value"))?);
        if bytes.len() + usize::try_from(more.length()).unwrap_or(usize::MAX) > max_bytes {
            let _cancelled = reader.cancel();
            return Ok(None);
        }
        bytes.extend(more.to_vec());
    }
}
