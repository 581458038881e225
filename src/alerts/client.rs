//! One request to the ntfy server, and what its answer means.
//!
//! Promises: every request ends within the given timeouts; no redirect is followed (a redirected POST would arrive as
//! a GET and look delivered); texts for people hold neither address, topic nor credentials.
//! Never in here: what is sent when, the outbox.

use std::io;

use serde::{Deserialize, Serialize};
use ureq::{
    Agent,
    http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    tls::{RootCerts, TlsConfig, TlsProvider},
};

use super::{
    Timing,
    message::{Message, cut, escaped},
};
use crate::config::{AlertsConfig, Credentials};

/// ntfy's answers are far shorter; a proxy's error page may not be.
const ANSWER_LIMIT_BYTES: u64 = 16 * 1_024;
/// Of an answer that is shown to people.
const SHOWN_ANSWER_LIMIT_BYTES: usize = 400;

/// What a request came to, by what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    /// Too many requests: wait a little.
    RateLimited,
    /// The day's messages are used up: wait long.
    QuotaUsedUp,
    /// Nothing will be taken until the settings change.
    Unauthorized,
    /// This message is too long.
    TooLarge,
    /// This message will never be taken.
    Refused,
    /// Something answers there, but not as ntfy does.
    NotNtfy,
    /// The server has trouble: try again.
    ServerError,
    /// No answer: try again.
    Unreachable,
}

impl Verdict {
    /// What it means and what a person can do.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Delivered => "the server took the message",
            Self::RateLimited => {
                "the server wants fewer messages for a while; they are sent later by themselves"
            }
            Self::QuotaUsedUp => {
                "the server's daily quota is used up; alerts wait and are tried each hour. Send fewer events (ntfy_events), or use your own server"
            }
            Self::Unauthorized => {
                "the server refuses these credentials for this topic; mend token, user, password or topic in the settings, then alerts go on"
            }
            Self::TooLarge => "the message is too long for the server",
            Self::Refused => "the server refuses the message; look at the topic's name in the settings",
            Self::NotNtfy => {
                "what answers is not an ntfy server; set ntfy_base_url to the server's own address (https:// if it redirects there)"
            }
            Self::ServerError => "the server has trouble; alerts wait and are sent later by themselves",
            Self::Unreachable => {
                "the server cannot be reached; look at ntfy_base_url and the network. Alerts wait and are sent later by themselves"
            }
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub verdict: Verdict,
    /// `None`: there was no answer.
    pub status: Option<u16>,
    /// The server's words, or why there was no answer. One line, without secrets.
    pub text: String,
}

impl Answer {
    /// There was none, and not for a reason of the server's.
    pub fn missing(text: &str) -> Self {
        Self {
            verdict: Verdict::Unreachable,
            status: None,
            text: text.to_owned(),
        }
    }
}

/// What came of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    pub delivered: bool,
    /// HTTP status; `None`: there was no answer.
    pub status: Option<u16>,
    /// What the server said, or why there was no answer. One line, without secrets.
    pub body: String,
    /// What it means and what to do.
    pub hint: String,
}

/// Sends one test message and waits for the answer, at most [`Timing::request_timeout`].
#[must_use]
pub fn test(config: &AlertsConfig) -> TestReport {
    if config.topic.is_none() {
        return TestReport {
            delivered: false,
            status: None,
            body: String::new(),
            hint: "alerts are off: set a topic (ntfy_topic) in the settings".to_owned(),
        };
    }
    let message = Message {
        title: "Test from video-compressor".to_owned(),
        message: "Alerts arrive here.".to_owned(),
        priority: 3,
        tags: &["test_tube"],
    };
    let answer = Client::new(config.clone(), &Timing::default()).publish(&message);
    TestReport {
        delivered: answer.verdict == Verdict::Delivered,
        status: answer.status,
        body: answer.text,
        hint: answer.verdict.hint().to_owned(),
    }
}

/// Whether an ntfy server answers at the base URL. Sends no message.
#[must_use]
pub fn reach(config: &AlertsConfig) -> TestReport {
    let answer = Client::new(config.clone(), &Timing::default()).health();
    TestReport {
        delivered: answer.verdict == Verdict::Delivered,
        status: answer.status,
        body: answer.text,
        hint: answer.verdict.hint().to_owned(),
    }
}

/// Sends messages with one set of settings.
#[derive(Clone)]
pub(super) struct Client {
    agent: Agent,
    config: AlertsConfig,
}

#[derive(Serialize)]
struct Publish<'a> {
    topic: &'a str,
    title: &'a str,
    message: &'a str,
    priority: u8,
    tags: &'a [&'a str],
}

/// ntfy's own number for an error: the status and two more digits.
#[derive(Deserialize)]
struct NtfyError {
    code: u32,
}

impl Client {
    pub fn new(config: AlertsConfig, timing: &Timing) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .timeout_connect(Some(timing.connect_timeout))
            .timeout_global(Some(timing.request_timeout))
            .user_agent(concat!("video-compressor/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { agent, config }
    }

    /// Sends `message` to the root of the server (at the topic's own address the JSON would be the text).
    pub fn publish(&self, message: &Message) -> Answer {
        self.answer(self.request(message))
    }

    fn health(&self) -> Answer {
        let url = format!("{}/v1/health", self.config.base_url.trim_end_matches('/'));
        let request = || {
            let mut response = self.agent.get(url).call()?;
            let status = response.status().as_u16();
            let body = response
                .body_mut()
                .with_config()
                .limit(ANSWER_LIMIT_BYTES)
                .lossy_utf8(true)
                .read_to_string()?;
            Ok((status, body))
        };
        self.answer(request())
    }

    fn answer(&self, result: Result<(u16, String), ureq::Error>) -> Answer {
        let (verdict, status, text) = match result {
            Ok((status, body)) => (judge(status, &body), Some(status), body),
            Err(error) => (verdict_on(&error), None, describe(&error)),
        };
        let text = redacted(&text, &self.config);
        Answer {
            verdict,
            status,
            text: cut(escaped(text.trim()), SHOWN_ANSWER_LIMIT_BYTES),
        }
    }

    fn request(&self, message: &Message) -> Result<(u16, String), ureq::Error> {
        let body = serde_json::to_vec(&Publish {
            topic: self.config.topic.as_deref().unwrap_or_default(),
            title: &message.title,
            message: &message.message,
            priority: message.priority,
            tags: message.tags,
        })
        .map_err(io::Error::from)?;
        let mut request = self
            .agent
            .post(format!("{}/", self.config.base_url.trim_end_matches('/')))
            .header(CONTENT_TYPE, "application/json");
        if let Some(credentials) = &self.config.credentials {
            request = request.header(AUTHORIZATION, authorization(credentials)?);
        }
        let mut response = request.send(&body)?;
        let status = response.status().as_u16();
        // The status decides; a body that breaks off does not undo a delivery.
        let body = response
            .body_mut()
            .with_config()
            .limit(ANSWER_LIMIT_BYTES)
            .lossy_utf8(true)
            .read_to_string()
            .unwrap_or_default();
        Ok((status, body))
    }
}

fn authorization(credentials: &Credentials) -> Result<HeaderValue, ureq::Error> {
    let text = match credentials {
        Credentials::Token(token) => format!("Bearer {token}"),
        Credentials::Password { user, password } => {
            format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
        }
    };
    let mut value = HeaderValue::from_str(&text).map_err(|error| ureq::Error::Http(error.into()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let number = (0..3).fold(0_u32, |number, place| {
                number << 8 | u32::from(chunk.get(place).copied().unwrap_or(0))
            });
            let digits = chunk.len() + 1;
            (0..4).map(move |place| {
                if place < digits {
                    char::from(DIGITS[(number >> (18 - 6 * place) & 63) as usize])
                } else {
                    '='
                }
            })
        })
        .collect()
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
        300..=399 | 404 | 405 => Verdict::NotNtfy,
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

/// In words, and never with the address: people put user names, passwords and topics into it.
fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::HostNotFound => "the server's name is not known".to_owned(),
        ureq::Error::Http(_) => {
            "the address, token, user or password has characters that are not allowed".to_owned()
        }
        ureq::Error::BadUri(_) => "the address is not valid".to_owned(),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "connection refused: nothing listens there".to_owned()
        }
        // rustls inside an I/O error: most often a certificate.
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
            format!(
                "the secure connection failed: {error} (does this system trust the server's certificate?)"
            )
        }
        ureq::Error::Io(error) => format!("the connection failed: {error}"),
        ureq::Error::Rustls(error) => format!("the secure connection failed: {error}"),
        ureq::Error::Tls(error) => format!("the secure connection failed: {error}"),
        ureq::Error::Protocol(_) => "the answer is not HTTP".to_owned(),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => "the proxy failed".to_owned(),
        _ => "the request failed".to_owned(),
    }
}

/// Takes out of a text of others what must not be shown.
fn redacted(text: &str, config: &AlertsConfig) -> String {
    let credentials = match &config.credentials {
        Some(Credentials::Token(token)) => [Some(token), None],
        Some(Credentials::Password { user, password }) => [Some(password), Some(user)],
        None => [None, None],
    };
    credentials
        .into_iter()
        .chain([config.topic.as_ref(), Some(&config.base_url)])
        .flatten()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WebhookConfig;
    use std::{collections::BTreeSet, time::Duration};

    #[test]
    fn answers_are_told_apart_by_what_happens_next() {
        let code = |code: u32| format!(r#"{{"code":{code},"http":429,"error":"limit reached"}}"#);
        let cases = [
            (200, String::new(), Verdict::Delivered),
            (302, String::new(), Verdict::NotNtfy),
            (400, code(40_009), Verdict::Refused),
            (401, code(40_101), Verdict::Unauthorized),
            (403, code(40_301), Verdict::Unauthorized),
            (404, "<html>".to_owned(), Verdict::NotNtfy),
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

    #[test]
    fn base64_follows_the_standards_own_examples() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("\u{ff}ÿ~?", "w7/Dv34/"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
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
        }
    }

    #[test]
    fn no_text_for_people_holds_a_secret() {
        let config = config(
            "http://me:hidden@127.0.0.1:1",
            Credentials::Token("tk_verysecret".to_owned()),
        );
        let echo = redacted(
            "no verysecrettopic at http://me:hidden@127.0.0.1:1 for tk_verysecret",
            &config,
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
        assert_eq!(report.hint, Verdict::Unauthorized.hint());
        assert!(!report.body.contains("tk_"));
    }

    #[test]
    fn without_a_topic_the_test_says_that_alerts_are_off() {
        let mut config = config("http://127.0.0.1:1", Credentials::Token(String::new()));
        config.topic = None;
        assert!(test(&config).hint.contains("alerts are off"));
    }

    #[test]
    fn the_http_library_cannot_log_whole_requests() {
        assert!(log::STATIC_MAX_LEVEL <= log::LevelFilter::Info);
    }
}
