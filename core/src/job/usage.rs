//! What a job has cost so far, in the units that the platform bills (design.md 7).

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Billed units of one job. Counted in memory and kept with the next write, so that counting itself
/// writes nothing; what an object had not kept when it died is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Rows written in the object's SQLite, alarms included: each setting is one.
    pub object_rows: u64,
    /// Rows written in D1, its indexes included.
    pub d1_rows: u64,
    /// Requests to the object, upgrades to WebSockets included.
    pub requests: u64,
    /// Times the alarm rang; billed as requests too.
    pub alarms: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        self.object_rows += more.object_rows;
        self.d1_rows += more.d1_rows;
        self.requests += more.requests;
        self.alarms += more.alarms;
    }
}
