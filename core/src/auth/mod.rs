//! Who may do what: capability tokens, the API key, and the tokens of end users.

pub mod jwt;
pub mod subject;
pub mod token;
