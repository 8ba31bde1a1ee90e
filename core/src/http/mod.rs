//! HTTP as the API speaks it: routes, requests, problems, downloads.

pub mod access;
pub mod download;
pub mod problem;
pub mod problems;
pub mod requests;
pub mod responses;
pub mod route;
