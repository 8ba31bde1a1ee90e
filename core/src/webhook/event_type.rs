//! What an endpoint can hear of.

use crate::base::words::word_enum;

word_enum! {
    /// The events of a job that are delivered. Stored jobs and endpoints hold these words.
    pub enum WebhookEventType {
        /// A renderer has taken the job, for the first time since it was created or retried by hand.
        Started = "job.started",
        /// The result is there.
        Complete = "job.complete",
        /// It failed.
        Error = "job.error",
        /// It was cancelled.
        Cancelled = "job.cancelled",
    }
}

impl WebhookEventType {
    /// The types in a text of words that blanks separate, as an endpoint's row has them. A word of a newer version
    /// is left out.
    pub fn list_from_text(text: &str) -> Vec<Self> {
        text.split(' ').filter_map(Self::from_word).collect()
    }

    /// What [`WebhookEventType::list_from_text`] reads.
    pub fn list_to_text(types: &[Self]) -> String {
        types.iter().map(|event_type| event_type.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The type of the event that only `POST /api/webhooks/{webhook_id}/test` sends.
pub const TEST_EVENT: &str = "webhook.test";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_types_reads_back_and_unknown_words_are_left_out() {
        let all = WebhookEventType::ALL.to_vec();
        assert_eq!(WebhookEventType::list_from_text(&WebhookEventType::list_to_text(&all)), all);
        let some = WebhookEventType::list_from_text("job.error job.paused");
        assert_eq!(some, [WebhookEventType::Error]);
        assert_eq!(WebhookEventType::list_from_text(""), []);
    }
}
