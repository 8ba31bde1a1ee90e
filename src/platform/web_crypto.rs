//! Signatures by public keys, checked by the platform's `WebCrypto`: no such code is in the wasm.

use std::cell::RefCell;

use reel_core::auth::jwt::compact::Algorithm;
use reel_core::auth::jwt::key_set::PublicKey;
use reel_core::auth::jwt::verify::SignatureCheck;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys;
use worker::js_sys::futures::JsFuture;

thread_local! {
    // Importing a key takes longer than using it.
    static IMPORTED: RefCell<Vec<(PublicKey, web_sys::CryptoKey)>> = const { RefCell::new(Vec::new()) };
}

/// Whether the signature is right. A key that the platform does not take, such as a point that is not on its
/// curve, verifies nothing.
pub async fn verify(check: SignatureCheck<'_>) -> bool {
    matches!(try_verify(check).await, Ok(true))
}

async fn try_verify(check: SignatureCheck<'_>) -> Result<bool, JsValue> {
    let subtle = js_sys::global().unchecked_into::<web_sys::WorkerGlobalScope>().crypto()?.subtle();
    let algorithm = object(match check.algorithm {
        Algorithm::Rs256 => &[("name", "RSASSA-PKCS1-v1_5"), ("hash", "SHA-256")],
        Algorithm::Es256 => &[("name", "ECDSA"), ("namedCurve", "P-256"), ("hash", "SHA-256")],
        Algorithm::EdDsa => &[("name", "Ed25519")],
        // The core checks these, and has no public key for them.
        Algorithm::Hs256 => return Ok(false),
    })?;
    let known = IMPORTED.with_borrow(|keys| {
        keys.iter().find(|(known, _)| known == check.key).map(|(_, imported)| imported.clone())
    });
    let key = if let Some(key) = known {
        key
    } else {
        let usages = js_sys::Array::of1(&JsValue::from_str("verify"));
        let jwk = object(&check.key.members())?;
        let import = subtle.import_key_with_object("jwk", &jwk, &algorithm, false, &usages)?;
        let key: web_sys::CryptoKey = JsFuture::from(import).await?.unchecked_into();
        IMPORTED.with_borrow_mut(|keys| {
            if keys.len() >= IMPORTED_MAX {
                keys.clear();
            }
            keys.push((check.key.clone(), key.clone()));
        });
        key
    };
    let signature = js_sys::Uint8Array::from(check.signature);
    let signed = js_sys::Uint8Array::from(check.signing_input.as_bytes());
    let answer =
        subtle.verify_with_object_and_js_u8_array_and_js_u8_array(&algorithm, &key, &signature, &signed)?;
    Ok(JsFuture::from(answer).await?.is_truthy())
}

fn object(members: &[(&'static str, &str)]) -> Result<js_sys::Object, JsValue> {
    let object = js_sys::Object::new();
    for (name, value) in members {
        js_sys::Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value))?;
    }
    Ok(object)
}

/// As many keys as a set may have.
const IMPORTED_MAX: usize = 64;
