//! What the bucket has at some keys, with one crossing for all of them.

use reel_core::base::object_version::ObjectVersion;
use reel_core::job::event::ObjectCheck;
use serde::Deserialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::futures::JsFuture;
use worker::{Env, Result, js_sys};

use crate::platform::env::VIDEOS;

#[wasm_bindgen(module = "/src/platform/bindings.mjs")]
extern "C" {
    #[wasm_bindgen(js_name = heads)]
    fn heads_of(bucket: &JsValue, keys: &str) -> js_sys::Promise;
}

/// What one key has.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Head {
    /// This version.
    Found(String, u64),
    /// The bucket could not be asked.
    Failed(String),
    /// Nothing.
    Missing,
}

impl Head {
    /// As the core knows it; `log` is told why the bucket could not be asked.
    pub fn checked(self, log: impl FnOnce(&str)) -> ObjectCheck {
        match self {
            Self::Found(etag, bytes) => ObjectCheck::Present(ObjectVersion { etag, bytes }),
            Self::Missing => ObjectCheck::Missing,
            Self::Failed(cause) => {
                log(&cause);
                ObjectCheck::Unknown
            }
        }
    }
}

/// What the bucket has at each of these keys, in their order; each is asked for at most ten seconds.
pub async fn heads(env: &Env, keys: &[&str]) -> Result<Vec<Head>> {
    let bucket = js_sys::Reflect::get(env, &JsValue::from_str(VIDEOS))?;
    let heads = JsFuture::from(heads_of(&bucket, &serde_json::to_string(keys)?)).await?;
    Ok(serde_json::from_str(&heads.as_string().unwrap_or_default())?)
}
