//! Who may do what: capability tokens and the API key.

pub mod token;
pub mod watch_link;
