//! HTTP as the API speaks it: routes, requests, problems, downloads, and what every request and response
//! has in common.

pub mod access;
pub mod audit;
pub mod audit_queue;
pub mod cross_site;
pub mod download;
pub mod filmstrip;
pub mod problem;
pub mod problems;
pub mod quotas;
pub mod request_counter;
pub mod request_head;
pub mod requests;
pub mod response_headers;
pub mod responses;
pub mod route;
pub mod settings_faults;
pub mod subprotocol;
