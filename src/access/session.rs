//! Who is logged in: `conf/sessions.json`.
//!
//! Promises: the form of the file is frozen by tests; a session is found only by the text in its owner's cookie, of which
//! only the hash is kept; it ends at its time, with its user, with a change of the password, or when somebody ends it.
//! Pure: time is an argument. Never in here: files, cookies.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    accounts::{Accounts, Role, UserName, to_the_second},
    secret::{self, NoRandomness, Secret, SecretHash},
};

/// The newest version of the file that this program understands.
const VERSION: u32 = 1;
/// Of one person, and of everybody; then the oldest end.
const MOST_OF_ONE: usize = 50;
const MOST: usize = 2_000;
/// Of a browser's name that is kept.
const AGENT_CHARACTERS: usize = 200;
/// How exactly the last use is kept.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// Whom a session belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holder {
    User {
        name: UserName,
        /// As [`super::User::stamp`] was at the login.
        stamp: String,
    },
    /// Somebody whom an OpenID provider vouched for.
    Oidc {
        issuer: String,
        subject: String,
        /// For people to read; it opens nothing.
        name: String,
        role: Role,
    },
}

impl Holder {
    #[must_use]
    pub fn is_same_person(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::User { name: a, .. }, Self::User { name: b, .. }) => a == b,
            (
                Self::Oidc {
                    issuer: a,
                    subject: b,
                    ..
                },
                Self::Oidc {
                    issuer: c,
                    subject: d,
                    ..
                },
            ) => (a, b) == (c, d),
            _ => false,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User { name, .. } => name.as_str(),
            Self::Oidc { name, .. } => name,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// For lists; it opens nothing.
    pub id: String,
    pub hash: SecretHash,
    pub holder: Holder,
    pub created: Timestamp,
    /// To the minute, or so.
    pub last_used: Timestamp,
    /// Where the login came from.
    pub address: String,
    /// What the browser called itself.
    pub agent: String,
}

/// What decides whether a session still stands.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub accounts: &'a Accounts,
    /// From the login on.
    pub lifetime: Duration,
    /// The OpenID provider that is trusted now.
    pub issuer: Option<&'a str>,
}

impl Session {
    /// What its holder may do now; `None`: it has ended.
    #[must_use]
    pub fn role_at(&self, terms: Terms, now: Timestamp) -> Option<Role> {
        let age = Duration::try_from(now.duration_since(self.created)).unwrap_or_default();
        if age >= terms.lifetime {
            return None;
        }
        match &self.holder {
            Holder::User { name, stamp } => {
                let user = terms.accounts.user(name)?;
                (user.stamp == *stamp).then_some(user.role)
            }
            Holder::Oidc { issuer, role, .. } => (terms.issuer == Some(issuer)).then_some(*role),
        }
    }
}

/// Every session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    version: u32,
    #[serde(default)]
    sessions: Vec<Session>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            version: VERSION,
            sessions: Vec::new(),
        }
    }
}

impl Sessions {
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let sessions: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if sessions.version > VERSION {
            return Err(format!(
                "version {} is newer than this program's {VERSION}",
                sessions.version
            ));
        }
        Ok(sessions)
    }

    /// # Errors
    /// Never in practice.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    #[must_use]
    pub fn all(&self) -> &[Session] {
        &self.sessions
    }

    /// Begins a session; the secret is for the cookie and is nowhere else.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn begin(
        &mut self,
        holder: Holder,
        address: String,
        agent: &str,
        now: Timestamp,
    ) -> Result<Secret, NoRandomness> {
        let secret = Secret::new("")?;
        self.make_room(&holder);
        let now = to_the_second(now);
        self.sessions.push(Session {
            id: secret::new_id()?,
            hash: secret.hash(),
            holder,
            created: now,
            last_used: now,
            address,
            agent: agent
                .chars()
                .filter(|letter| !letter.is_control())
                .take(AGENT_CHARACTERS)
                .collect(),
        });
        Ok(secret)
    }

    /// They stand in the order of their beginning.
    fn make_room(&mut self, holder: &Holder) {
        let of_holder = |session: &&Session| session.holder.is_same_person(holder);
        let mut excess = (self.sessions.iter().filter(of_holder).count() + 1).saturating_sub(MOST_OF_ONE);
        self.sessions.retain(|session| {
            let goes = excess > 0 && session.holder.is_same_person(holder);
            excess -= usize::from(goes);
            !goes
        });
        let excess = (self.sessions.len() + 1).saturating_sub(MOST);
        self.sessions.drain(..excess);
    }

    #[must_use]
    pub fn find(&self, hash: SecretHash) -> Option<&Session> {
        self.sessions.iter().find(|session| session.hash == hash)
    }

    /// Whether there was one.
    pub fn end(&mut self, id: &str) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|session| session.id != id);
        self.sessions.len() < before
    }

    /// Takes out those that have ended. Whether there were any.
    pub fn sweep(&mut self, terms: Terms, now: Timestamp) -> bool {
        let before = self.sessions.len();
        self.sessions
            .retain(|session| session.role_at(terms, now).is_some());
        self.sessions.len() < before
    }

    /// Whether that is worth keeping: the time that was known is a minute old.
    pub fn used(&mut self, id: &str, when: Timestamp) -> bool {
        let when = to_the_second(when);
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == id) else {
            return false;
        };
        let is_news =
            Duration::try_from(when.duration_since(session.last_used)).is_ok_and(|since| since >= USE_GRAIN);
        if is_news {
            session.last_used = when;
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::password::PasswordHash;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn some_hash() -> PasswordHash {
        serde_json::from_value("$x".into()).unwrap()
    }

    fn accounts() -> Accounts {
        let mut accounts = Accounts::default();
        accounts
            .add_user("ann".parse().unwrap(), Role::Operator, some_hash(), at(0))
            .unwrap();
        accounts
    }

    fn ann(accounts: &Accounts) -> Holder {
        let user = &accounts.users()[0];
        Holder::User {
            name: user.name.clone(),
            stamp: user.stamp.clone(),
        }
    }

    fn of_provider(issuer: &str, subject: &str) -> Holder {
        Holder::Oidc {
            issuer: issuer.into(),
            subject: subject.into(),
            name: "ann".into(),
            role: Role::Admin,
        }
    }

    fn terms(accounts: &Accounts) -> Terms<'_> {
        Terms {
            accounts,
            lifetime: HOUR,
            issuer: Some("https://id.example"),
        }
    }

    #[test]
    fn the_form_of_the_file_is_frozen() {
        let text = r#"{
  "version": 1,
  "sessions": [
    {
      "id": "0123456789abcdef",
      "hash": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "holder": {
        "user": {
          "name": "ann",
          "stamp": "fedcba9876543210"
        }
      },
      "created": "2026-11-22T01:02:03Z",
      "last_used": "2026-11-22T02:02:03Z",
      "address": "192.0.2.1",
      "agent": "curl/8"
    },
    {
      "id": "0123456789abcde0",
      "hash": "aa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "holder": {
        "oidc": {
          "issuer": "https://id.example",
          "subject": "7",
          "name": "ben",
          "role": "viewer"
        }
      },
      "created": "2026-11-22T01:02:03Z",
      "last_used": "2026-11-22T02:02:03Z",
      "address": "192.0.2.1",
      "agent": ""
    }
  ]
}
"#;
        let sessions = Sessions::parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(sessions.to_bytes().unwrap()).unwrap(), text);
        assert!(
            Sessions::parse(br#"{"version": 2}"#)
                .unwrap_err()
                .contains("newer")
        );
        assert!(Sessions::parse(b"").is_err());
    }

    #[test]
    fn a_session_is_found_by_its_secret_alone_and_the_file_does_not_hold_that() {
        let accounts = accounts();
        let mut sessions = Sessions::default();
        let secret = sessions
            .begin(ann(&accounts), "::1".into(), "a\nb", at(0))
            .unwrap();
        let other = sessions.begin(ann(&accounts), "::1".into(), "", at(0)).unwrap();
        assert_ne!(secret, other, "each login has an id of its own");
        let found = sessions.find(secret.hash()).unwrap();
        assert_eq!(found.agent, "ab");
        for guess in [found.id.as_str(), "", &String::from(found.hash)] {
            assert!(sessions.find(SecretHash::of(guess)).is_none());
        }
        let file = String::from_utf8(sessions.to_bytes().unwrap()).unwrap();
        assert!(!file.contains(secret.text()));
    }

    #[test]
    fn a_session_ends_with_its_time_its_user_the_password_or_the_provider() {
        let mut accounts = accounts();
        let mut sessions = Sessions::default();
        sessions.begin(ann(&accounts), String::new(), "", at(0)).unwrap();
        let by_issuer = of_provider("https://id.example", "7");
        sessions.begin(by_issuer, String::new(), "", at(0)).unwrap();
        let roles = |sessions: &Sessions, terms: Terms, now| -> Vec<Option<Role>> {
            let all = sessions.all().iter();
            all.map(|session| session.role_at(terms, now)).collect()
        };
        let (of_user, of_oidc) = (Some(Role::Operator), Some(Role::Admin));
        assert_eq!(roles(&sessions, terms(&accounts), at(3599)), [of_user, of_oidc]);
        assert_eq!(roles(&sessions, terms(&accounts), at(3600)), [None, None]);
        let elsewhere = Terms {
            issuer: Some("https://other.example"),
            ..terms(&accounts)
        };
        assert_eq!(roles(&sessions, elsewhere, at(1)), [of_user, None]);
        let nowhere = Terms {
            issuer: None,
            ..terms(&accounts)
        };
        assert_eq!(roles(&sessions, nowhere, at(1)), [of_user, None]);

        let name = accounts.users()[0].name.clone();
        accounts.set_role(&name, Role::Viewer).unwrap();
        assert_eq!(
            roles(&sessions, terms(&accounts), at(1)),
            [Some(Role::Viewer), of_oidc],
            "another role counts at once"
        );
        let mut removed = accounts.clone();
        removed.remove_user(&name).unwrap();
        assert_eq!(roles(&sessions, terms(&removed), at(1)), [None, of_oidc]);
        removed
            .add_user(name.clone(), Role::Admin, some_hash(), at(1))
            .unwrap();
        assert_eq!(
            roles(&sessions, terms(&removed), at(1)),
            [None, of_oidc],
            "another user of the same name"
        );
        accounts.set_password(&name, some_hash()).unwrap();
        assert_eq!(roles(&sessions, terms(&accounts), at(1)), [None, of_oidc]);
        assert!(sessions.sweep(terms(&accounts), at(1)));
        assert_eq!(sessions.all().len(), 1);
        assert!(!sessions.sweep(terms(&accounts), at(1)));
    }

    #[test]
    fn an_old_session_gives_way_to_a_new_one_of_the_same_person_only() {
        let accounts = accounts();
        let mut sessions = Sessions::default();
        let first = sessions.begin(ann(&accounts), String::new(), "", at(0)).unwrap();
        let foreign = sessions
            .begin(of_provider("i", "7"), String::new(), "", at(0))
            .unwrap();
        for second in 1..60 {
            sessions
                .begin(ann(&accounts), String::new(), "", at(second))
                .unwrap();
        }
        assert_eq!(sessions.all().len(), MOST_OF_ONE + 1);
        assert!(sessions.find(first.hash()).is_none() && sessions.find(foreign.hash()).is_some());
        for number in 0..MOST + 10 {
            let holder = of_provider("i", &format!("s{number}"));
            sessions.begin(holder, String::new(), "", at(100)).unwrap();
        }
        assert_eq!(sessions.all().len(), MOST);
    }

    #[test]
    fn a_use_is_news_once_a_minute() {
        let accounts = accounts();
        let mut sessions = Sessions::default();
        sessions.begin(ann(&accounts), String::new(), "", at(0)).unwrap();
        let id = sessions.all()[0].id.clone();
        let news: Vec<bool> = [1, 59, 60, 61, 119, 120, 30]
            .map(|second| sessions.used(&id, at(second)))
            .into();
        assert_eq!(news, [false, false, true, false, false, true, false]);
        assert!(sessions.end(&id) && !sessions.end(&id) && !sessions.used(&id, at(900)));
    }
}
