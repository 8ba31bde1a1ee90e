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
        retries_by_hand: 20,
        audit_days: 90,
    };
}

impl SettingsReader<'_> {
    /// Each limit that is set, and the standard ones.
    pub(super) fn limits(&mut self) -> Option<Limits> {
        let errors_before = self.errors.len();
        let mut limits = Limits::STANDARD;
        for (setting, limit) in [
            (Setting::LimitRequestsPerMinute, &mut limits.requests_per_minute),
            (Setting::LimitServiceRequestsPerMinute, &mut limits.service_requests_per_minute),
            (Setting::LimitRefusalsPerMinute, &mut limits.refusals_per_minute),
            (Setting::LimitJobsInFlight, &mut limits.jobs_in_flight),
            (Setting::LimitRetriesByHand, &mut limits.retries_by_hand),
            (Setting::AuditDays, &mut limits.audit_days),
        ] {
            if let Some(number) = self.whole_number(setting, u64::from(COUNT_MAX)) {
                *limit = u32::try_from(number).unwrap_or(COUNT_MAX);
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
    fn every_wrong_limit_is_named() {
        for wrong in ["0", "-1", "+5", "1.5", "many", "1000000001"] {
            let errors =
                parse(&[(Setting::LimitJobsInFlight, wrong), (Setting::AuditDays, wrong)]).unwrap_err();
            assert!(errors.len() == 2 && errors[0].starts_with("LIMIT_JOBS_IN_FLIGHT must be"), "{errors:?}");
        }
    }
}
