//! One event on its way to one endpoint, and what came of it. `stored` has the form in which a job's object keeps it.

use crate::base::time::{DurationMs, Timestamp};
use crate::base::words::word_enum;
use crate::webhook::event_type::WebhookEventType;
use crate::webhook::id::{DeliveryId, WebhookId};

/// An event of a job and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What names it.
    pub id: DeliveryId,
    /// What happened.
    pub event_type: WebhookEventType,
    /// Whether the endpoint is a service's, of a job that an end user owns: that user does not see it.
    pub is_hidden: bool,
    /// When its first attempt could have been.
    pub since: Timestamp,
    /// Attempts so far, the one in flight included.
    pub attempts: u32,
    /// Attempts before it was asked for once more.
    pub earlier_attempts: u32,
    /// Where it stands.
    pub state: DeliveryState,
    /// What came of the last attempt.
    pub last: Option<LastAttempt>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be sent, not before this moment and not before those ahead of it.
    Waiting(Timestamp),
    /// Sent at this moment, and not answered yet.
    Sending(Timestamp),
    /// The receiver has it.
    Delivered,
    /// It was given up.
    Failed,
}

/// The end of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastAttempt {
    /// When.
    pub at: Timestamp,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Why it failed; none when it did not.
    pub fault: Option<DeliveryFault>,
}

word_enum! {
    /// Why an attempt failed.
    pub enum DeliveryFault {
        /// The receiver answered with another status than 2xx.
        ErrorStatus = "error_status",
        /// It answered with a redirect, which is not followed.
        Redirect = "redirect",
        /// It answered 410: the endpoint is switched off.
        Gone = "gone",
        /// It did not answer within 15 seconds.
        TimedOut = "timed_out",
        /// There was no connection, or it ended early.
        NoConnection = "no_connection",
        /// This API was interrupted, so that it does not know what came of the attempt.
        Interrupted = "interrupted",
        /// The endpoint could not be looked up.
        Unavailable = "unavailable",
        /// The URL is none that is called.
        UrlNotAllowed = "url_not_allowed",
        /// The endpoint was deleted.
        EndpointDeleted = "endpoint_deleted",
        /// The endpoint is switched off.
        EndpointDisabled = "endpoint_disabled",
    }
}

impl DeliveryFault {
    /// Whether no later attempt can succeed.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Gone | Self::UrlNotAllowed | Self::EndpointDeleted | Self::EndpointDisabled => true,
            Self::ErrorStatus
            | Self::Redirect
            | Self::TimedOut
            | Self::NoConnection
            | Self::Interrupted
            | Self::Unavailable => false,
        }
    }

    /// Whether the receiver is to blame.
    pub const fn is_of_receiver(self) -> bool {
        match self {
            Self::ErrorStatus | Self::Redirect | Self::Gone | Self::TimedOut | Self::NoConnection => true,
            Self::Interrupted
            | Self::Unavailable
            | Self::UrlNotAllowed
            | Self::EndpointDeleted
            | Self::EndpointDisabled => false,
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryReply {
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Why it failed; none when it did not.
    pub fault: Option<DeliveryFault>,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<DurationMs>,
}

impl DeliveryReply {
    /// There was no answer.
    pub const fn failed(fault: DeliveryFault) -> Self {
        Self { status: None, fault: Some(fault), retry_after: None }
    }

    /// The answer has this status. `Retry-After` counts with 429 and 503 (RFC 9110 10.2.3), in seconds.
    pub fn of_status(status: u16, retry_after: Option<&str>) -> Self {
        let fault = match status {
            200..=299 => None,
            300..=399 => Some(DeliveryFault::Redirect),
            410 => Some(DeliveryFault::Gone),
            _ => Some(DeliveryFault::ErrorStatus),
        };
        let retry_after = retry_after.filter(|_| matches!(status, 429 | 503)).and_then(|text| {
            let seconds: u32 = text.trim().parse().ok()?;
            Some(DurationMs::seconds(seconds.into()))
        });
        Self { status: Some(status), fault, retry_after }
    }
}

/// An endpoint that hears of an event, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// What it hears of.
    pub event_types: Vec<WebhookEventType>,
    /// Whether it is a service's, and the job an end user's.
    pub is_hidden: bool,
}

/// What follows from an attempt for the endpoint as a whole. Its row says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointNote {
    /// It works again.
    Recovered,
    /// It has begun to fail.
    BeganToFail,
    /// A delivery was given up after a whole window of failures: an endpoint that has failed for days is switched off.
    GaveUp,
    /// It wants to hear nothing more.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_is_success_and_retry_after_counts_where_it_belongs() {
        use DeliveryFault::{ErrorStatus, Gone, Redirect};
        for (status, fault) in [
            (200, None),
            (204, None),
            (299, None),
            (301, Some(Redirect)),
            (304, Some(Redirect)),
            (400, Some(ErrorStatus)),
            (410, Some(Gone)),
            (429, Some(ErrorStatus)),
            (500, Some(ErrorStatus)),
            (101, Some(ErrorStatus)),
        ] {
            let reply = DeliveryReply::of_status(status, None);
            assert_eq!((reply.status, reply.fault), (Some(status), fault));
        }
        let retry_after = |status, text| DeliveryReply::of_status(status, Some(text)).retry_after;
        assert_eq!(retry_after(429, " 7 "), Some(DurationMs::seconds(7)));
        assert_eq!(retry_after(503, "0"), Some(DurationMs::seconds(0)));
        assert_eq!(retry_after(500, "7"), None);
        for text in ["", "-1", "1.5", "soon", "99999999999999"] {
            assert_eq!(retry_after(429, text), None, "{text}");
        }
    }
}
