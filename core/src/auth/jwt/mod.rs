//! JSON Web Tokens of end users (RFC 7519, RFC 7515, RFC 8725), from parsing to the user they name.
//!
//! - [`compact`] reads the form, [`claims`] the content, [`key_set`] a provider's keys;
//! - [`verify`] decides by which key a token is checked, and checks what is signed with a shared secret;
//! - [`minted`] makes tokens for services that have no identity provider;
//! - [`key_cache`] says when the provider's keys are fetched, [`verified`] keeps what was verified.
//!
//! Invariants: the algorithm never chooses the key. HS256 is checked with a secret of this deployment only,
//! every other algorithm with a public key of its own kind only, and nothing else is accepted. Signatures by
//! public keys are checked by the platform: this code says what is to be checked.

pub mod claims;
pub mod compact;
pub mod error;
pub mod hmac_key;
pub mod key_cache;
pub mod key_set;
pub mod minted;
pub mod scope;
pub mod settings;
pub mod verified;
pub mod verify;
