//! Requests about endpoints.

use serde_json::{Value as Json, json};

use crate::http::problem::Problem;
use crate::http::requests::body::read_body;
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, boolean, list, one_of, text};
use crate::sql::webhooks::WebhookFields;
use crate::webhook::address::{Reach, URL_MAX_BYTES, WebhookUrl};
use crate::webhook::event_type::WebhookEventType;

impl WebhookFields {
    /// Reads and checks the body of a new endpoint, or of a change: there, what is left out stays.
    pub fn parse(body: &[u8], reach: Reach, is_new: bool) -> Result<Self, Problem> {
        read_body(body, |body, at| Self::read(body, at, reach, is_new))
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Json, at: FieldContext<'_>, reach: Reach, is_new: bool) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let url = if is_new {
            fields.required("url", webhook_url(reach)).map(Some)
        } else {
            fields.optional("url", webhook_url(reach))
        };
        let event_types = fields.optional("event_types", event_types);
        let description = fields.optional("description", text(DESCRIPTION_MAX_CHARS));
        let is_enabled = if is_new { Some(None) } else { fields.optional("enabled", boolean) };
        fields.finish();
        Some(Self {
            url: url?,
            event_types: event_types?,
            description: description?.map(str::to_owned),
            is_enabled: is_enabled?,
        })
    }
}

/// The URL of an endpoint that may be called.
pub(crate) fn webhook_url(reach: Reach) -> impl Fn(&Json, FieldContext<'_>) -> Option<String> {
    move |value, mut at| {
        at.describe(
            || json!({"type": "string", "format": "uri", "pattern": "^https://", "maxLength": URL_MAX_BYTES}),
        );
        let Some(text) = value.as_str() else { return at.expected("a URL", value) };
        match WebhookUrl::parse(text, reach) {
            Ok(url) => Some(url.as_str().to_owned()),
            Err(error) => at.reject(error.as_str()),
        }
    }
}

fn event_types(value: &Json, mut at: FieldContext<'_>) -> Option<Vec<WebhookEventType>> {
    at.describe(|| json!({"minItems": 1, "uniqueItems": true}));
    let types = list(WebhookEventType::ALL.len(), one_of(WebhookEventType::WORDS))(value, at.reborrow())?;
    if types.is_empty() {
        return at.reject("must name at least one event type, or be left out for all");
    }
    let is_double = |(index, event_type): (usize, &WebhookEventType)| {
        types.iter().position(|first| first == event_type) != Some(index)
    };
    if types.iter().enumerate().any(is_double) {
        return at.reject("must name each event type once");
    }
    Some(types)
}

const DESCRIPTION_MAX_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(problem: &Problem) -> Vec<&str> {
        problem.errors.iter().map(|error| error.pointer.as_str()).collect()
    }

    fn new(body: &str) -> Result<WebhookFields, Problem> {
        WebhookFields::parse(body.as_bytes(), Reach::Public, true)
    }

    fn change(body: &str) -> Result<WebhookFields, Problem> {
        WebhookFields::parse(body.as_bytes(), Reach::Public, false)
    }

    #[test]
    fn an_endpoint_needs_its_url_only() {
        let fields = new(r#"{"url":"https://hooks.example.com/x"}"#).unwrap();
        let url = Some("https://hooks.example.com/x".to_owned());
        assert_eq!(fields, WebhookFields { url, event_types: None, description: None, is_enabled: None });
        let fields =
            new(r#"{"url":"https://a.example.com","event_types":["job.error","job.complete"]}"#).unwrap();
        let types = vec![WebhookEventType::Error, WebhookEventType::Complete];
        assert_eq!(fields.event_types, Some(types));
        assert_eq!(pointers(&new("{}").unwrap_err()), ["/url"]);
    }

    #[test]
    fn a_change_may_be_anything_or_nothing() {
        let nothing = WebhookFields { url: None, event_types: None, description: None, is_enabled: None };
        assert_eq!(change("{}").unwrap(), nothing);
        assert_eq!(change(r#"{"enabled":false}"#).unwrap().is_enabled, Some(false));
    }

    #[test]
    fn every_error_is_named_at_once() {
        let wrong =
            r#"{"url":"http://10.0.0.1/","event_types":["job.completed"],"description":7,"enabled":true}"#;
        let problem = new(wrong).unwrap_err();
        assert_eq!(pointers(&problem), ["/url", "/event_types/0", "/description", "/enabled"]);
        assert!(problem.errors[1].detail.contains("did you mean \"job.complete\"?"), "{problem:?}");
        for types in ["[]", "[\"job.error\",\"job.error\"]", "\"job.error\"", "[1]"] {
            let body = format!(r#"{{"url":"https://a.example.com","event_types":{types}}}"#);
            assert!(pointers(&new(&body).unwrap_err())[0].starts_with("/event_types"), "{types}");
        }
    }

    #[test]
    fn only_development_calls_this_machine() {
        let body = br#"{"url":"http://127.0.0.1:3000/"}"#;
        assert!(WebhookFields::parse(body, Reach::PublicAndLoopback, true).is_ok());
        assert!(WebhookFields::parse(body, Reach::Public, true).is_err());
    }
}
