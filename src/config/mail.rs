//! E-mail: from its values to one [`MailConfig`], and what must hold across them.
//!
//! Never in here: single values (`value`), rows (`table`).

use std::net::IpAddr;

use lettre::message::Mailbox;

use super::{MailConfig, MailLogin, MailSecurity, MailServer, SecretText, check::Conflict};

/// What several rows of the table say together.
#[derive(Debug, Default)]
#[cfg_attr(fuzzing, derive(Clone))]
pub(super) struct MailDraft {
    pub server: Option<MailServer>,
    pub user: Option<String>,
    pub password: Option<SecretText>,
    pub from: Option<Mailbox>,
    pub to: Vec<Mailbox>,
}

impl MailDraft {
    /// `None` without a server.
    pub(super) fn finish(self, conflicts: &mut Vec<Conflict>) -> Option<MailConfig> {
        let mut refuse = |keys: [&str; 2], message: &str| {
            conflicts.push(Conflict {
                keys: keys.map(Into::into).into(),
                message: message.into(),
            });
        };
        let login = match (self.user, self.password) {
            (Some(user), Some(password)) => Some(MailLogin { user, password }),
            (None, None) => None,
            (Some(_), None) => {
                refuse(
                    ["email_user", "email_password"],
                    "email_user needs email_password",
                );
                None
            }
            (None, Some(_)) => {
                refuse(
                    ["email_password", "email_user"],
                    "email_password needs email_user",
                );
                None
            }
        };
        let server = self.server?;
        if login.is_some() && server.security == MailSecurity::Plain && !is_loopback(&server.host) {
            refuse(
                ["email_server", "email_user"],
                "email_user over smtp:// would send the password in the clear; use smtps:// or smtp+starttls://",
            );
        }
        let Some(from) = self.from.filter(|_| !self.to.is_empty()) else {
            let message = "email_server needs email_from and email_to";
            conflicts.push(Conflict {
                keys: ["email_server", "email_from", "email_to"].map(Into::into).into(),
                message: message.into(),
            });
            return None;
        };
        Some(MailConfig {
            server,
            login,
            from,
            to: self.to,
        })
    }
}

/// As written: what a name leads to may change at any time.
fn is_loopback(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    address.map_or(host.eq_ignore_ascii_case("localhost"), |address| {
        address.is_loopback()
    })
}
