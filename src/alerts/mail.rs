//! One message by e-mail.
//!
//! Promises: with TLS the server's certificate is checked, and with STARTTLS nothing is sent before it; every step of
//! the conversation ends in time; the same alert has the same Message-ID on each try; texts for people hold no password.
//! Never in here: what is sent when, the outbox, what a message says.

use std::error::Error;

use lettre::{
    Message as Mail, SmtpTransport, Transport,
    message::header::{ContentType, HeaderName, HeaderValue},
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

use super::{
    Timing,
    answer::{self, Answer, Verdict},
    message::{self, Names},
    outbox::Delivery,
};
use crate::config::{MailConfig, MailSecurity};

fn hint(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered => "the mail server took the message",
        Verdict::Unauthorized => {
            "the mail server refuses the login; mend email_user or email_password, then alerts go on"
        }
        Verdict::Misconfigured => {
            "the mail server takes no such mail; mend email_from, email_to or email_server. Alerts wait and are tried each hour"
        }
        Verdict::TooLarge => "the message is too long for the mail server",
        Verdict::ServerError => "the mail server has trouble; alerts wait and are sent later by themselves",
        _ => {
            "the mail server cannot be reached; look at email_server and the network. Alerts wait and are sent later by themselves"
        }
    }
}

/// Sends mails with one set of settings.
#[derive(Clone)]
pub(super) struct Client {
    config: MailConfig,
    names: Names,
    timing: Timing,
}

impl Client {
    pub fn new(config: MailConfig, names: Names, timing: &Timing) -> Self {
        Self {
            config,
            names,
            timing: *timing,
        }
    }

    pub fn send(&self, delivery: &Delivery) -> Answer {
        let mail = match self.mail(delivery) {
            Ok(mail) => mail,
            Err(error) => return self.answer(Verdict::Misconfigured, None, &error.to_string()),
        };
        let sent = self.transport().and_then(|transport| transport.send(&mail));
        match sent {
            Ok(response) => {
                let text = response.message().collect::<Vec<_>>().join(" ");
                self.answer(Verdict::Delivered, Some(response.code().into()), &text)
            }
            Err(error) => {
                let status = error.status().map(u16::from);
                let verdict = match status {
                    Some(status) => judge(status),
                    // Such as: no STARTTLS there, or no kind of login that both know.
                    None if error.is_client() => Verdict::Misconfigured,
                    None => Verdict::Unreachable,
                };
                self.answer(verdict, status, &describe(&error))
            }
        }
    }

    fn answer(&self, verdict: Verdict, status: Option<u16>, text: &str) -> Answer {
        let login = self.config.login.as_ref();
        let secrets = login.map(|login| login.password.reveal());
        Answer {
            verdict,
            status,
            text: answer::shown(text, secrets),
            hint: hint(verdict),
        }
    }

    fn mail(&self, delivery: &Delivery) -> Result<Mail, lettre::error::Error> {
        let said = message::of_content(&delivery.content, self.names, delivery.body_limit_bytes);
        let id = format!("<{}@{}>", delivery.key, self.config.from.email.domain());
        let mut mail = Mail::builder()
            .from(self.config.from.clone())
            .subject(said.title)
            .message_id(Some(id))
            .date(std::time::SystemTime::from(delivery.added))
            .header(ContentType::TEXT_PLAIN)
            // RFC 3834: nobody's absence note answers it.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        for to in &self.config.to {
            mail = mail.to(to.clone());
        }
        mail.body(format!("{}\n", said.message))
    }

    fn transport(&self) -> Result<SmtpTransport, smtp::Error> {
        let server = &self.config.server;
        let tls = match server.security {
            MailSecurity::Tls => Tls::Wrapper(TlsParameters::new(server.host.clone())?),
            MailSecurity::StartTls => Tls::Required(TlsParameters::new(server.host.clone())?),
            MailSecurity::Plain => Tls::None,
        };
        let mut transport = SmtpTransport::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(self.timing.request_timeout));
        if let Some(login) = &self.config.login {
            transport = transport.credentials(Credentials::new(
                login.user.clone(),
                login.password.reveal().to_owned(),
            ));
        }
        Ok(transport.build())
    }
}

/// RFC 5321's first digit says whether to try again; a lasting refusal is about the settings far more often than about
/// one mail, so no mail is given up for it.
fn judge(status: u16) -> Verdict {
    match status {
        200..=399 => Verdict::Delivered,
        // RFC 4954: a login is needed, too weak, or wrong.
        530 | 534 | 535 | 538 => Verdict::Unauthorized,
        552 => Verdict::TooLarge,
        500..=599 => Verdict::Misconfigured,
        _ => Verdict::ServerError,
    }
}

/// The innermost cause says what happened.
fn describe(error: &smtp::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut innermost: &dyn Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alerts::outbox::{Content, Key},
        config::MailServer,
    };

    fn client() -> Client {
        let config = MailConfig {
            server: MailServer {
                security: MailSecurity::Plain,
                host: "localhost".into(),
                port: 25,
            },
            login: None,
            from: "Videos <videos@example.org>".parse().unwrap(),
            to: vec![
                "a@example.org".parse().unwrap(),
                "\"Me, Too\" <b@example.org>".parse().unwrap(),
            ],
        };
        Client::new(config, Names::Shown, &Timing::default())
    }

    #[test]
    fn a_mail_is_whole_and_the_same_on_each_try() {
        let delivery = Delivery::new(
            Content::Dropped(2),
            Key::from_number(0xab),
            "2026-01-31T12:00:00Z".parse().unwrap(),
        );
        let mail = String::from_utf8(client().mail(&delivery).unwrap().formatted()).unwrap();
        for expected in [
            "From: Videos <videos@example.org>\r\n",
            "To: a@example.org, =?utf-8?b?TWUsIFRvbw==?= <b@example.org>\r\n",
            "Subject: 2 alerts were dropped\r\n",
            "Message-ID: <000000000000000000000000000000ab@example.org>\r\n",
            "Date: Sat, 31 Jan 2026 12:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "\r\n\r\nThey waited too long",
        ] {
            assert!(mail.contains(expected), "{expected}\n{mail}");
        }
        assert_eq!(mail.as_bytes(), client().mail(&delivery).unwrap().formatted());
    }

    #[test]
    fn answers_are_told_apart_by_what_happens_next() {
        for (status, verdict) in [
            (250, Verdict::Delivered),
            (421, Verdict::ServerError),
            (451, Verdict::ServerError),
            (452, Verdict::ServerError),
            (454, Verdict::ServerError),
            (530, Verdict::Unauthorized),
            (535, Verdict::Unauthorized),
            (550, Verdict::Misconfigured),
            (552, Verdict::TooLarge),
            (554, Verdict::Misconfigured),
        ] {
            assert_eq!(judge(status), verdict, "{status}");
        }
    }
}
