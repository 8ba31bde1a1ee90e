//! What a job has cost so far, in the units that Cloudflare bills.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Billed units of one job. They are counted in memory and stored with the next write, so counting costs no
/// write. Units since the last write are lost if the object stops.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Rows written in the object's SQLite, alarms included: setting one counts as a row.
    pub object_rows: u64,
    /// Rows written in D1, its indexes included.
    pub d1_rows: u64,
    /// Requests to the object, upgrades to WebSockets included.
    pub requests: u64,
    /// Times the alarm fired; each is billed as a request, too.
    pub alarms: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.object_rows += other.object_rows;
        self.d1_rows += other.d1_rows;
        self.requests += other.requests;
        self.alarms += other.alarms;
    }
}
