//! The settings of limits: how much one caller may do.

use crate::config::{Setting, SettingsReader};

/// How much one caller may do. An owner is an end user, also when a service acts for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of an owner in a minute.
    pub requests_per_minute: u32,
    /// Requests by one service's key in a minute, when it acts for nobody.
    pub service_requests_per_minute: u32,
    /// Refused credentials from one address in a minute.
    pub refusals_per_minute: u32,
    /// Jobs of an owner that have not ended.
    pub jobs_in_flight: u32,
    /// Bytes that an owner may begin to upload in a day (UTC).
    pub upload_bytes_per_day: u64,
    /// Open sockets of a job; the runtime takes 32,768 an object.
    pub sockets_per_job: u32,
    /// Open sockets of an owner, by the owner's token, over all jobs in flight.
    pub sockets_per_owner: u32,
    /// How often one job may be retried by hand.
    pub retries_by_hand: u32,
    /// Days that the audit log is kept.
    pub audit_days: u32,
}

impl Limits {
    /// What holds where a setting says nothing else.
    pub const STANDARD: Self = Self {
        requests_per_minute: 600,
        service_requests_per_minute: 60_000,
        refusals_per_minute: 120,
        jobs_in_flight: 50,
        upload_bytes_per_day: 100_000_000_000,
        sockets_per_job: 1_000,
        sockets_per_owner: 1_000,
        retries_by_hand: 20,
        audit_days: 90,
    };

    /// How many sockets of one job an owner may have. A job that has ended closes its sockets, so that all jobs
    /// in flight together have at most `sockets_per_owner`, but one for each.
    pub fn sockets_of_owner_per_job(&self) -> u32 {
        (self.sockets_per_owner / self.jobs_in_flight).max(1)
    }
}

impl SettingsReader<'_> {
    /// Each limit that is set, and the standard ones.
    pub(super) fn limits(&mut self) -> Option<Limits> {
        let errors_before = self.errors.len();
        let mut limits = Limits::STANDARD;
        for (setting, limit, max) in [
            (Setting::LimitRequestsPerMinute, &mut limits.requests_per_minute, COUNT_MAX),
            (Setting::LimitServiceRequestsPerMinute, &mut limits.service_requests_per_minute, COUNT_MAX),
            (Setting::LimitRefusalsPerMinute, &mut limits.refusals_per_minute, COUNT_MAX),
            (Setting::LimitJobsInFlight, &mut limits.jobs_in_flight, COUNT_MAX),
            (Setting::LimitSocketsPerJob, &mut limits.sockets_per_job, SOCKETS_MAX),
            (Setting::LimitSocketsPerOwner, &mut limits.sockets_per_owner, COUNT_MAX),
            (Setting::LimitRetriesByHand, &mut limits.retries_by_hand, COUNT_MAX),
            (Setting::AuditDays, &mut limits.audit_days, COUNT_MAX),
        ] {
            if let Some(number) = self.whole_number(setting, u64::from(max)) {
                *limit = u32::try_from(number).unwrap_or(max);
            }
        }
        if let Some(bytes) = self.whole_number(Setting::LimitUploadBytesPerDay, BYTES_MAX) {
            limits.upload_bytes_per_day = bytes;
        }
        (self.errors.len() == errors_before).then_some(limits)
    }

    fn whole_number(&mut self, setting: Setting, max: u64) -> Option<u64> {
        let text = self.optional(setting)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (1..=max).contains(&number) => Some(number),
            _ => self.reject(setting, &format!("must be a whole number from 1 to {max}")),
        }
    }
}

const COUNT_MAX: u32 = 1_000_000_000;
/// Below what the runtime takes, with a margin for hidden sockets.
const SOCKETS_MAX: u32 = 32_000;
/// 2^53 - 1: what JavaScript holds exactly.
const BYTES_MAX: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::parse;

    #[test]
    fn a_limit_is_what_its_setting_says_or_the_standard() {
        assert_eq!(parse(&[]).unwrap().limits, Limits::STANDARD);
        let config = parse(&[
            (Setting::LimitJobsInFlight, " 3 "),
            (Setting::LimitUploadBytesPerDay, "9007199254740991"),
            (Setting::AuditDays, "7"),
        ])
        .unwrap();
        let expected = Limits {
            jobs_in_flight: 3,
            upload_bytes_per_day: 9_007_199_254_740_991,
            audit_days: 7,
            ..Limits::STANDARD
        };
        assert_eq!(config.limits, expected);
    }

    #[test]
    fn an_owner_has_a_share_of_the_sockets_of_each_job() {
        let share = |sockets_per_owner, jobs_in_flight| {
            Limits { jobs_in_flight, sockets_per_owner, ..Limits::STANDARD }.sockets_of_owner_per_job()
        };
        assert_eq!([share(1_000, 50), share(1_000, 30), share(1, 50), share(7, 1)], [20, 33, 1, 7]);
        let errors = parse(&[(Setting::LimitSocketsPerJob, "32001")]).unwrap_err();
        assert!(errors[0].starts_with("LIMIT_SOCKETS_PER_JOB must be"), "{errors:?}");
    }

    #[test]
    fn every_wrong_limit_is_named() {
        for wrong in ["0", "-1", "+5", "1.5", "many", "1000000001"] {
            let errors =
                parse(&[(Setting::LimitJobsInFlight, wrong), (Setting::AuditDays, wrong)]).unwrap_err();
            assert!(errors.len() == 2 && errors[0].starts_with("LIMIT_JOBS_IN_FLIGHT must be"), "{errors:?}");
        }
    }
}
