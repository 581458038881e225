//! What a try to deliver came to, whoever it went to.
//!
//! Promises: texts for people hold neither addresses nor credentials.
//! Never in here: what a channel's answers mean, what is sent when.

use std::io;

use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig, TlsProvider},
};

use super::{Timing, message};

/// Answers are far shorter; a proxy's error page may not be.
pub(super) const ANSWER_LIMIT_BYTES: u64 = 16 * 1_024;
/// Of an answer that is shown to people.
const SHOWN_ANSWER_LIMIT_BYTES: usize = 400;

/// What a try came to, by what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    /// Too many: wait a little.
    RateLimited,
    /// The day's messages are used up: wait long.
    QuotaUsedUp,
    /// Nothing will be taken until the settings change.
    Unauthorized,
    /// Nothing is taken as things are; somebody must mend something here or there. Wait long.
    Misconfigured,
    /// This message is too long.
    TooLarge,
    /// This message will never be taken.
    Refused,
    /// Something answers there, but not as it should.
    WrongServer,
    /// The server has trouble: try again.
    ServerError,
    /// No answer: try again.
    Unreachable,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub verdict: Verdict,
    /// Of HTTP or SMTP. `None`: there was no answer.
    pub status: Option<u16>,
    /// The server's words, or why there was no answer. One line, without secrets.
    pub text: String,
    /// What it means and what a person can do.
    pub hint: &'static str,
}

impl Answer {
    /// There was none, and not for a reason of the server's.
    pub fn missing(text: &str) -> Self {
        Self {
            verdict: Verdict::Unreachable,
            status: None,
            text: text.to_owned(),
            hint: "alerts wait and are sent later by themselves",
        }
    }
}

/// What came of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    pub delivered: bool,
    /// Of HTTP or SMTP; `None`: there was no answer.
    pub status: Option<u16>,
    /// What the server said, or why there was no answer. One line, without secrets.
    pub body: String,
    /// What it means and what to do.
    pub hint: String,
}

impl From<Answer> for TestReport {
    fn from(answer: Answer) -> Self {
        Self {
            delivered: answer.verdict == Verdict::Delivered,
            status: answer.status,
            body: answer.text,
            hint: answer.hint.to_owned(),
        }
    }
}

/// How requests over HTTP are made: every one ends in time, and no redirect is followed (a redirected POST would arrive
/// as a GET and look delivered, and nobody has checked where it goes).
pub(super) fn http_settings(timing: &Timing) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .timeout_connect(Some(timing.connect_timeout))
        .timeout_global(Some(timing.request_timeout))
        .user_agent(concat!("video-compressor/", env!("CARGO_PKG_VERSION")))
}

/// The status and the beginning of the body. The status decides; a body that breaks off does not undo a delivery.
pub(super) fn status_and_text(mut response: ureq::http::Response<ureq::Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response
        .body_mut()
        .with_config()
        .limit(ANSWER_LIMIT_BYTES)
        .lossy_utf8(true)
        .read_to_string()
        .unwrap_or_default();
    (status, body)
}

/// In words, and never with the address: people put user names, passwords and topics into it.
pub(super) fn describe(error: &ureq::Error) -> String {
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

/// A text of others on one line, short, without what must not be shown.
pub(super) fn shown<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    let redacted = secrets
        .into_iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.trim().to_owned(), |text, secret| text.replace(secret, "…"));
    message::cut(message::escaped(&redacted), SHOWN_ANSWER_LIMIT_BYTES)
}
