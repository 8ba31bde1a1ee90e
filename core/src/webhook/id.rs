//! Names of endpoints and of deliveries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::id::{JobId, ParseIdError};

/// An endpoint's id: a UUID, never chosen by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebhookId(JobId);

impl WebhookId {
    /// A version 4 UUID (RFC 9562) from 16 random bytes.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(JobId::from_random(bytes))
    }
}

impl FromStr for WebhookId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One delivery of a job: an event, and where it goes. Written as `{seq}.{webhook_id}`, or `{seq}.url` for the job's
/// own `webhook_url`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryId {
    /// The `seq` of the event.
    pub seq: u64,
    /// The endpoint; none for the job's own `webhook_url`.
    pub webhook_id: Option<WebhookId>,
}

impl FromStr for DeliveryId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let (seq, target) = text.split_once('.').ok_or(ParseIdError)?;
        let webhook_id = if target == OWN_URL { None } else { Some(target.parse()?) };
        let id = Self { seq: seq.parse().map_err(|_| ParseIdError)?, webhook_id };
        // One spelling each.
        if id.to_string() == text { Ok(id) } else { Err(ParseIdError) }
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.webhook_id {
            Some(webhook_id) => write!(f, "{}.{webhook_id}", self.seq),
            None => write!(f, "{}.{OWN_URL}", self.seq),
        }
    }
}

impl Serialize for DeliveryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeliveryId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

const OWN_URL: &str = "url";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_has_one_spelling() {
        let webhook_id = WebhookId::from_random([7; 16]);
        for id in [
            DeliveryId { seq: 3, webhook_id: Some(webhook_id) },
            DeliveryId { seq: u64::MAX, webhook_id: None },
        ] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for wrong in ["", "3", "3.", "03.url", "+3.url", "3.URL", "3.07070707", "-1.url", "3.url "] {
            assert_eq!(wrong.parse::<DeliveryId>(), Err(ParseIdError), "{wrong}");
        }
        let shouted = format!("3.{}", webhook_id.to_string().to_uppercase());
        assert!(shouted == format!("3.{webhook_id}") || shouted.parse::<DeliveryId>().is_err());
    }
}
