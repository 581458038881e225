//! One request to the ntfy server, and what its answer means.
//!
//! Promises: every request ends within the given timeouts; no redirect is followed (a redirected POST would arrive as
//! a GET and look delivered); texts for people hold neither address, topic nor credentials.
//! Never in here: what is sent when, the outbox.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use ureq::{
    Agent,
    http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use url::Url;

use super::{
    Timing,
    actions::{self, Button, Signer},
    answer::{self, Answer, TestReport, Verdict},
    message::{self, Message},
    outbox::{Content, Delivery},
};
use crate::config::{AlertsConfig, Credentials};

/// What it means and what a person can do.
fn hint(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered => "the server took the message",
        Verdict::RateLimited => {
            "the server wants fewer messages for a while; they are sent later by themselves"
        }
        Verdict::QuotaUsedUp => {
            "the server's daily quota is used up; alerts wait and are tried each hour. Send fewer events (ntfy_events), or use your own server"
        }
        Verdict::Unauthorized | Verdict::Misconfigured => {
            "the server refuses these credentials for this topic; mend token, user, password or topic in the settings, then alerts go on"
        }
        Verdict::TooLarge => "the message is too long for the server",
        Verdict::Refused => "the server refuses the message; look at the topic's name in the settings",
        Verdict::WrongServer => {
            "what answers is not an ntfy server; set ntfy_base_url to the server's own address (https:// if it redirects there)"
        }
        Verdict::ServerError => "the server has trouble; alerts wait and are sent later by themselves",
        Verdict::Unreachable => {
            "the server cannot be reached; look at ntfy_base_url and the network. Alerts wait and are sent later by themselves"
        }
    }
}

/// Whether an ntfy server answers at the base URL. Sends no message.
#[must_use]
pub fn reach(config: &AlertsConfig) -> TestReport {
    Client::new(config.clone(), None, &Timing::default())
        .health()
        .into()
}

/// Sends messages with one set of settings.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    config: AlertsConfig,
    signer: Option<Signer>,
}

#[derive(Serialize)]
struct Publish<'a> {
    topic: &'a str,
    title: &'a str,
    message: &'a str,
    priority: u8,
    tags: &'a [&'a str],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<NtfyAction>,
}

/// <https://docs.ntfy.sh/publish/#action-buttons>
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum NtfyAction {
    /// The phone posts it, and takes the message away when that went well.
    Http {
        label: &'static str,
        url: String,
        method: &'static str,
        clear: bool,
    },
    View {
        label: &'static str,
        url: String,
    },
}

/// ntfy's own number for an error: the status and two more digits.
#[derive(Deserialize)]
struct NtfyError {
    code: u32,
}

impl Client {
    /// Without a signer messages have no buttons.
    pub fn new(config: AlertsConfig, signer: Option<Signer>, timing: &Timing) -> Self {
        let agent = answer::http_settings(timing).build().into();
        Self {
            agent,
            config,
            signer,
        }
    }

    /// Sends the message to the root of the server (at the topic's own address the JSON would be the text).
    pub fn publish(&self, delivery: &Delivery) -> Answer {
        let names = (&self.config).into();
        let message = message::of_content(&delivery.content, names, delivery.body_limit_bytes);
        self.answer(self.request(&message, self.actions(&delivery.content)))
    }

    fn health(&self) -> Answer {
        let url = format!("{}/v1/health", self.config.base_url.trim_end_matches('/'));
        self.answer(self.agent.get(url).call().map(answer::status_and_text))
    }

    fn answer(&self, result: Result<(u16, String), ureq::Error>) -> Answer {
        let (verdict, status, text) = match result {
            Ok((status, body)) => (judge(status, &body), Some(status), body),
            Err(error) => (verdict_on(&error), None, answer::describe(&error)),
        };
        Answer {
            verdict,
            status,
            text: answer::shown(&text, secrets(&self.config)),
            hint: hint(verdict),
        }
    }

    fn request(&self, message: &Message, actions: Vec<NtfyAction>) -> Result<(u16, String), ureq::Error> {
        let body = serde_json::to_vec(&Publish {
            topic: self.config.topic.as_deref().unwrap_or_default(),
            title: &message.title,
            message: &message.message,
            priority: message.priority,
            tags: message.tags,
            actions,
        })
        .map_err(io::Error::from)?;
        let mut request = self
            .agent
            .post(format!("{}/", self.config.base_url.trim_end_matches('/')))
            .header(CONTENT_TYPE, "application/json");
        if let Some(credentials) = &self.config.credentials {
            request = request.header(AUTHORIZATION, authorization(credentials)?);
        }
        request.send(&body).map(answer::status_and_text)
    }

    /// Signed for each try, so that their time begins when the message goes out.
    fn actions(&self, content: &Content) -> Vec<NtfyAction> {
        let (Some(public_url), Some(signer), Content::Alerts(summary)) =
            (&self.config.public_url, &self.signer, content)
        else {
            return Vec::new();
        };
        actions::buttons(summary)
            .into_iter()
            .filter_map(|button| ntfy_action(button, public_url, signer))
            .collect()
    }
}

/// `None`: there can be no link now.
fn ntfy_action(button: Button, public_url: &Url, signer: &Signer) -> Option<NtfyAction> {
    let base = public_url.as_str().trim_end_matches('/');
    Some(match button {
        Button::Act(action, task) => NtfyAction::Http {
            label: action.label(),
            url: format!("{base}/api/v1/act/{}", signer(action, task.as_ref())?),
            method: "POST",
            clear: true,
        },
        Button::Open => NtfyAction::View {
            label: "Open",
            url: format!("{base}/"),
        },
    })
}

fn authorization(credentials: &Credentials) -> Result<HeaderValue, ureq::Error> {
    let text = match credentials {
        Credentials::Token(token) => format!("Bearer {token}"),
        Credentials::Password { user, password } => {
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|error| ureq::Error::Http(error.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What an answer means. Sources: ntfy's list of error codes; 42908 is the daily quota of messages.
fn judge(status: u16, body: &str) -> Verdict {
    let code = || {
        serde_json::from_str::<NtfyError>(body)
            .map(|error| error.code)
            .ok()
    };
    match status {
        200..=299 => Verdict::Delivered,
        300..=399 | 404 | 405 => Verdict::WrongServer,
        401 | 403 => Verdict::Unauthorized,
        413 => Verdict::TooLarge,
        429 if code() == Some(42_908) => Verdict::QuotaUsedUp,
        429 => Verdict::RateLimited,
        408 | 425 => Verdict::ServerError,
        400..=499 => Verdict::Refused,
        _ => Verdict::ServerError,
    }
}

fn verdict_on(error: &ureq::Error) -> Verdict {
    match error {
        // A token with a line break in it: no later try would fare better.
        ureq::Error::Http(_) => Verdict::Unauthorized,
        _ => Verdict::Unreachable,
    }
}

/// What must not be shown.
fn secrets(config: &AlertsConfig) -> impl Iterator<Item = &str> {
    let credentials = match &config.credentials {
        Some(Credentials::Token(token)) => [Some(token), None],
        Some(Credentials::Password { user, password }) => [Some(password), Some(user)],
        None => [None, None],
    };
    credentials
        .into_iter()
        .chain([config.topic.as_ref(), Some(&config.base_url)])
        .flatten()
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alerts::{Action, outbox::Key},
        config::WebhookConfig,
        task::TaskId,
    };
    use std::{collections::BTreeSet, sync::Arc, time::Duration};

    fn test(config: &AlertsConfig) -> TestReport {
        let delivery = Delivery::new(Content::Test, Key::from_number(1), jiff::Timestamp::UNIX_EPOCH);
        Client::new(config.clone(), None, &Timing::default())
            .publish(&delivery)
            .into()
    }

    #[test]
    fn answers_are_told_apart_by_what_happens_next() {
        let code = |code: u32| format!(r#"{{"code":{code},"http":429,"error":"limit reached"}}"#);
        let cases = [
            (200, String::new(), Verdict::Delivered),
            (302, String::new(), Verdict::WrongServer),
            (400, code(40_009), Verdict::Refused),
            (401, code(40_101), Verdict::Unauthorized),
            (403, code(40_301), Verdict::Unauthorized),
            (404, "<html>".to_owned(), Verdict::WrongServer),
            (408, String::new(), Verdict::ServerError),
            (413, code(41_301), Verdict::TooLarge),
            (429, code(42_901), Verdict::RateLimited),
            (429, code(42_908), Verdict::QuotaUsedUp),
            (429, "not JSON".to_owned(), Verdict::RateLimited),
            (500, String::new(), Verdict::ServerError),
            (503, String::new(), Verdict::ServerError),
        ];
        for (status, body, verdict) in cases {
            assert_eq!(judge(status, &body), verdict, "{status} {body}");
        }
    }

    fn config(base_url: &str, credentials: Credentials) -> AlertsConfig {
        AlertsConfig {
            topic: Some("verysecrettopic".to_owned()),
            base_url: base_url.to_owned(),
            credentials: Some(credentials),
            events: BTreeSet::new(),
            include_names: true,
            progress: Duration::ZERO,
            silence: Duration::ZERO,
            gather: Duration::ZERO,
            webhooks: WebhookConfig::default(),
            mail: None,
            public_url: None,
        }
    }

    #[test]
    fn no_text_for_people_holds_a_secret() {
        let config = config(
            "http://me:hidden@127.0.0.1:1",
            Credentials::Token("tk_verysecret".to_owned()),
        );
        let echo = answer::shown(
            "no verysecrettopic at http://me:hidden@127.0.0.1:1 for tk_verysecret",
            secrets(&config),
        );
        assert_eq!(echo, "no … at … for …");
        let report = test(&config);
        assert!(!report.delivered && report.status.is_none());
        let shown = format!("{report:?}");
        assert!(!shown.contains("secret") && !shown.contains("hidden"), "{shown}");
    }

    #[test]
    fn credentials_that_fit_no_header_are_the_settings_fault() {
        let config = config(
            "http://127.0.0.1:1",
            Credentials::Token("tk_\nX-Bad: 1".to_owned()),
        );
        let report = test(&config);
        assert_eq!(report.hint, hint(Verdict::Unauthorized));
        assert!(!report.body.contains("tk_"));
    }

    #[test]
    fn a_button_is_a_signed_link_or_the_way_to_the_service() {
        let public_url = Url::parse("https://videos.example.org").unwrap();
        let signer: Signer = Arc::new(|action, task| {
            (action != Action::Pause).then(|| format!("{action:?}-{}", task.map_or("", TaskId::as_str)))
        });
        let retry = Button::Act(Action::Retry, Some(TaskId::from("0123")));
        let actions: Vec<_> = [retry, Button::Act(Action::Pause, None), Button::Open]
            .into_iter()
            .map(|button| serde_json::to_string(&ntfy_action(button, &public_url, &signer)).unwrap())
            .collect();
        assert_eq!(
            actions,
            [
                r#"{"action":"http","label":"Retry","url":"https://videos.example.org/api/v1/act/Retry-0123","method":"POST","clear":true}"#,
                "null",
                r#"{"action":"view","label":"Open","url":"https://videos.example.org/"}"#,
            ]
        );
    }

    #[test]
    fn the_http_library_cannot_log_whole_requests() {
        assert!(log::STATIC_MAX_LEVEL <= log::LevelFilter::Info);
    }
}
