//! The sockets of an object, with one crossing for all of them.

use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::{Result, State};

#[wasm_bindgen(module = "/src/platform/bindings.mjs")]
extern "C" {
    #[wasm_bindgen(catch, js_name = socketTags)]
    fn tags_of(context: &JsValue) -> std::result::Result<String, JsValue>;
    #[wasm_bindgen(catch, js_name = sendByTags)]
    fn send_by_tags_of(context: &JsValue, pairs: &str) -> std::result::Result<(), JsValue>;
}

/// The tags of all sockets, separated by spaces; each combination once.
pub fn socket_tags(state: &State) -> Result<Vec<String>> {
    Ok(serde_json::from_str(&tags_of(state.as_raw().unchecked_ref())?)?)
}

/// Sends each socket the texts for its tags, in their order. One that is closing is sent nothing.
pub fn send_by_tags(state: &State, texts: &[(String, Vec<String>)]) -> Result<()> {
    Ok(send_by_tags_of(state.as_raw().unchecked_ref(), &serde_json::to_string(texts)?)?)
}
