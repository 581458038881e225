//! One alert as JSON to a program's address.
//!
//! Promises: signed over id, time and body; it goes only to addresses that were checked ([`super::address`]), never
//! through a proxy and never after a redirect; every request ends within the given timeouts and reads a bounded answer;
//! texts for people hold neither the address nor the key.
//! Never in here: what is sent when, the outbox.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::Serialize;
use sha2::Sha256;
use ureq::{Agent, http::header::CONTENT_TYPE, unversioned::transport::DefaultConnector};
use url::Url;

use super::{
    Alert, Sizes, Timing,
    address::{CheckedResolver, Forbidden},
    answer::{self, Answer, Verdict},
    channel::base16,
    message::{self, Names},
    outbox::{Content, Delivery},
};
use crate::config::{SecretText, WebhookConfig};

/// Of the JSON.
const VERSION: u32 = 1;

fn hint(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered => "the target took the event",
        Verdict::RateLimited => {
            "the target wants fewer events for a while; they are sent later by themselves"
        }
        Verdict::Refused | Verdict::TooLarge => "the target refuses this event; it is given up",
        Verdict::Misconfigured => {
            "the target takes no events as it is set up; mend webhook_urls (redirects are not followed), webhook_secret or the target. Events wait and are tried each hour"
        }
        _ => "the target cannot be reached or has trouble; events wait and are sent later by themselves",
    }
}

/// Posts to one address with one set of settings.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    url: Url,
    secret: Option<SecretText>,
    names: Names,
}

impl Client {
    pub fn new(url: Url, config: &WebhookConfig, names: Names, timing: &Timing) -> Self {
        // A proxy would look the name up itself, unchecked.
        let settings = answer::http_settings(timing).proxy(None).build();
        let resolver = CheckedResolver::new(config.private_addresses);
        Self {
            agent: Agent::with_parts(settings, DefaultConnector::default(), resolver),
            url,
            secret: config.secret.clone(),
            names,
        }
    }

    pub fn post(&self, delivery: &Delivery) -> Answer {
        let (verdict, status, text) = match self.request(delivery, Timestamp::now()) {
            Ok((status, body)) => (judge(status), Some(status), body),
            Err(error) => match Forbidden::in_error(&error) {
                Some(forbidden) => (Verdict::Misconfigured, None, forbidden.to_string()),
                None => (Verdict::Unreachable, None, answer::describe(&error)),
            },
        };
        let secret = self.secret.as_ref().map(SecretText::reveal);
        // As good as a password, unless it is the root.
        let path = self.url.path().trim_start_matches('/');
        let query = self.url.query().unwrap_or_default();
        Answer {
            verdict,
            status,
            text: answer::shown(&text, [self.url.as_str(), path, query].into_iter().chain(secret)),
            hint: hint(verdict),
        }
    }

    fn request(&self, delivery: &Delivery, now: Timestamp) -> Result<(u16, String), ureq::Error> {
        let id = delivery.key.to_string();
        let body = serde_json::to_vec(&Event::of(delivery, &id, self.names)).map_err(std::io::Error::from)?;
        let timestamp = now.as_second().to_string();
        let mut request = self
            .agent
            .post(self.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("X-Webhook-Id", &id)
            .header("X-Webhook-Timestamp", &timestamp);
        if let Some(secret) = &self.secret {
            request = request.header("X-Signature-256", signature(secret, &id, &timestamp, &body)?);
        }
        request.send(&body).map(answer::status_and_text)
    }
}

/// `sha256=` and the HMAC-SHA256 of `ID.TIMESTAMP.BODY`, in hexadecimal digits.
fn signature(secret: &SecretText, id: &str, timestamp: &str, body: &[u8]) -> Result<String, std::io::Error> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).map_err(std::io::Error::other)?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Ok(format!("sha256={}", base16(&mac.finalize().into_bytes())))
}

/// What an answer means: only what is about this very event gives it up.
fn judge(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        413 => Verdict::TooLarge,
        400 | 406 | 415 | 422 => Verdict::Refused,
        429 => Verdict::RateLimited,
        408 | 425 => Verdict::ServerError,
        300..=499 => Verdict::Misconfigured,
        _ => Verdict::ServerError,
    }
}

/// What is posted. Fields may be added to it; those that are there stay.
#[derive(Serialize)]
struct Event<'a> {
    version: u32,
    /// The same for each try.
    id: &'a str,
    time: String,
    /// One of `ntfy_events`, `dropped` or `test`.
    event: &'static str,
    title: String,
    message: String,
    /// More than one only in `dropped`.
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_seconds: Option<f64>,
}

impl<'a> Event<'a> {
    fn of(delivery: &'a Delivery, id: &'a str, names: Names) -> Self {
        let said = message::of_content(&delivery.content, names, delivery.body_limit_bytes);
        let (event, count, alert) = match &delivery.content {
            Content::Alerts(summary) => (summary.kind().name(), summary.count(), summary.examples().next()),
            Content::Dropped(count) => ("dropped", *count, None),
            Content::Test => ("test", 1, None),
        };
        let facts = alert.map(|alert| Facts::of(alert, names)).unwrap_or_default();
        Self {
            version: VERSION,
            id,
            time: format!("{:.0}", delivery.added),
            event,
            title: said.title,
            message: said.message,
            count,
            task: facts.task,
            file: facts.file,
            reason: facts.reason,
            before_bytes: facts.sizes.map(|sizes| sizes.before_bytes),
            after_bytes: facts.sizes.map(|sizes| sizes.after_bytes),
            took_seconds: facts.took.map(|took| took.as_secs_f64()),
        }
    }
}

#[derive(Default)]
struct Facts<'a> {
    task: Option<&'a str>,
    file: Option<&'a str>,
    reason: Option<&'a str>,
    sizes: Option<Sizes>,
    took: Option<Duration>,
}

impl<'a> Facts<'a> {
    fn of(alert: &'a Alert, names: Names) -> Self {
        let reason = match alert {
            Alert::Failed { reason, .. } | Alert::Skipped { reason, .. } => Some(reason.told(names)),
            Alert::RootUnavailable { cause, .. } => Some(cause.told(names)),
            Alert::Attention { what } => Some(what.told(names)),
            _ => None,
        };
        let (sizes, took) = match alert {
            Alert::Done { sizes, took, .. } => (Some(*sizes), Some(*took)),
            Alert::AllDone { sizes, .. } => (Some(*sizes), None),
            _ => (None, None),
        };
        Self {
            task: alert.task().map(|task| task.as_str()),
            file: alert.file().filter(|_| names == Names::Shown),
            reason,
            sizes,
            took,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alerts::{Source, Wording, message::Summary, outbox::Key},
        task::TaskId,
    };

    fn delivery(content: Content) -> Delivery {
        Delivery::new(
            content,
            Key::from_number(0xab),
            "2026-01-31T12:00:00Z".parse().unwrap(),
        )
    }

    #[test]
    fn answers_are_told_apart_by_what_happens_next() {
        for (status, verdict) in [
            (200, Verdict::Delivered),
            (204, Verdict::Delivered),
            (301, Verdict::Misconfigured),
            (307, Verdict::Misconfigured),
            (400, Verdict::Refused),
            (401, Verdict::Misconfigured),
            (403, Verdict::Misconfigured),
            (404, Verdict::Misconfigured),
            (408, Verdict::ServerError),
            (410, Verdict::Misconfigured),
            (413, Verdict::TooLarge),
            (422, Verdict::Refused),
            (429, Verdict::RateLimited),
            (500, Verdict::ServerError),
            (503, Verdict::ServerError),
        ] {
            assert_eq!(judge(status), verdict, "{status}");
        }
    }

    #[test]
    fn the_json_of_an_event_is_frozen() {
        let failed = Alert::Failed {
            file: "720/a.mkv".into(),
            task: Some(TaskId::from("0123")),
            reason: Wording::naming("a.mkv is empty", "the file is empty"),
        };
        let done = Alert::Done {
            file: "720/a.mkv".into(),
            task: None,
            source: Source::Goes,
            sizes: Sizes {
                before_bytes: 1_000,
                after_bytes: 400,
            },
            took: Duration::from_millis(61_500),
            summary: None,
        };
        let alerts = |alert: &Alert| Content::Alerts(Summary::of(alert.clone()));
        for (content, names, json) in [
            (
                alerts(&failed),
                Names::Shown,
                r#"{"version":1,"id":"000000000000000000000000000000ab","time":"2026-01-31T12:00:00Z","event":"failed","title":"Failed: a.mkv","message":"720/a.mkv: a.mkv is empty","count":1,"task":"0123","file":"720/a.mkv","reason":"a.mkv is empty"}"#,
            ),
            (
                alerts(&failed),
                Names::Hidden,
                r#"{"version":1,"id":"000000000000000000000000000000ab","time":"2026-01-31T12:00:00Z","event":"failed","title":"1 video failed","message":"the file is empty","count":1,"task":"0123","reason":"the file is empty"}"#,
            ),
            (
                alerts(&done),
                Names::Hidden,
                r#"{"version":1,"id":"000000000000000000000000000000ab","time":"2026-01-31T12:00:00Z","event":"done","title":"1 video done, 60 % saved","message":"1.00 kB to 400 B (60 % saved) in 1 min 1 s","count":1,"before_bytes":1000,"after_bytes":400,"took_seconds":61.5}"#,
            ),
            (
                Content::Dropped(2),
                Names::Shown,
                r#"{"version":1,"id":"000000000000000000000000000000ab","time":"2026-01-31T12:00:00Z","event":"dropped","title":"2 alerts were dropped","message":"They waited too long for delivery, or too many were waiting. The log and `video-compressor list` have them all.","count":2}"#,
            ),
            (
                Content::Test,
                Names::Shown,
                r#"{"version":1,"id":"000000000000000000000000000000ab","time":"2026-01-31T12:00:00Z","event":"test","title":"Test from video-compressor","message":"Alerts arrive here.","count":1}"#,
            ),
        ] {
            let delivery = delivery(content);
            let id = delivery.key.to_string();
            let written = serde_json::to_string(&Event::of(&delivery, &id, names)).unwrap();
            assert_eq!(written, json);
        }
    }

    #[test]
    fn the_signature_is_the_hmac_of_id_time_and_body() {
        // From Python: hmac.new(b"key", b"id.1800000000.{}", "sha256").hexdigest()
        let signed = signature(&SecretText::new("key".into()), "id", "1800000000", b"{}").unwrap();
        assert_eq!(
            signed,
            "sha256=3e2dc524598fe927ef950fad066184f83feb5d295a6d397a425b93e201db2e9f"
        );
    }
}
