//! One job: what it is, what may happen to it, and what must then be done.

pub mod code;
