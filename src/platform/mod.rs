//! The only files that name types of the Worker's SDK or of JavaScript, beside the entry points: clock,
//! settings, HTTP, storage. They decide nothing.

pub mod bucket;
pub mod clock;
pub mod env;
pub mod http;
pub mod log;
pub mod object_storage;
pub mod sockets;
pub mod sql;
pub mod stream;
pub mod timeout;
pub mod web_crypto;
