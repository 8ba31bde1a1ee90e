//! Who may do what: capability tokens, the keys of services, the tokens of end users, and the key of derived
//! ids.

pub mod id_key;
pub mod jwt;
pub mod revocation;
pub mod service_keys;
pub mod subject;
pub mod token;
pub mod watch_link;

use crate::base::hmac::hmac_of;
