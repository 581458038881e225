//! `conf/access.json`: users and their API keys.
//!
//! Promises: the form of the file is frozen by tests; names are unique; a key never does more than its owner may; removing
//! a user removes the keys, and a new password or another user of the same name opens no old session.
//! Never in here: files, a password or a key itself (only what is left of them after hashing).

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    password::PasswordHash,
    secret::{self, NoRandomness, Secret, SecretHash},
};

/// The newest version of the file that this program understands.
const VERSION: u32 = 1;
const KEY_PREFIX: &str = "vck_";
const LONGEST_LABEL_CHARACTERS: usize = 100;
/// So that nobody with an account fills the memory.
const MOST_KEYS_OF_ONE: usize = 100;

/// What somebody may do; each may do what those before it may.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees tasks, progress and results.
    Viewer,
    /// Sends files, and steers tasks and the queue.
    Operator,
    /// Changes settings and users, and reads logs.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        })
    }
}

/// The name of a user: 1 to 64 of a-z, 0-9, `.`, `_`, `-` and `@`, beginning with a letter or a digit. Capitals are taken
/// as small letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName(String);

impl UserName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
        let fits = (1..=64).contains(&text.len())
            && text.chars().all(allowed)
            && text.starts_with(|first: char| first.is_ascii_alphanumeric());
        if fits {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(AccountError::BadName)
        }
    }
}

impl TryFrom<String> for UserName {
    type Error = AccountError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a change of users or keys is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    #[error(
        "a user's name has 1 to 64 letters, digits, '.', '_', '-' or '@', and begins with a letter or a digit"
    )]
    BadName,
    #[error("there is a user {0} already; choose another name")]
    NameTaken(UserName),
    #[error("there is no user {0}; `video-compressor user list` shows who there is")]
    NoSuchUser(UserName),
    #[error("there is no key {0}; `video-compressor key list` shows the ids")]
    NoSuchKey(String),
    #[error("{0} is the only administrator; make another one first")]
    LastAdministrator(UserName),
    #[error("{user} is {role}, and a key cannot do more than its owner; ask for {role} or less")]
    BeyondOwner { user: UserName, role: Role },
    #[error("a key's label has 1 to {LONGEST_LABEL_CHARACTERS} characters on one line")]
    BadLabel,
    #[error("{0} has {MOST_KEYS_OF_ONE} keys; revoke some first")]
    TooManyKeys(UserName),
    #[error("a key must expire in the future")]
    ExpiredAlready,
    #[error("{0}")]
    NoRandomness(String),
}

impl From<NoRandomness> for AccountError {
    fn from(error: NoRandomness) -> Self {
        Self::NoRandomness(error.to_string())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: UserName,
    pub role: Role,
    pub password: PasswordHash,
    /// Changes with the password: a session holds the one of its login, and ends with it.
    pub stamp: String,
    pub created: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    pub user: UserName,
    pub label: String,
    pub role: Role,
    pub hash: SecretHash,
    pub created: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// To the minute, or so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
}

/// A key that is to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub user: UserName,
    pub label: String,
    pub role: Role,
    pub expires: Option<Timestamp>,
}

/// Everybody and their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    version: u32,
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    keys: Vec<Key>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            version: VERSION,
            users: Vec::new(),
            keys: Vec::new(),
        }
    }
}

impl Accounts {
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let accounts: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if accounts.version > VERSION {
            return Err(format!(
                "version {} is newer than this program's {VERSION}",
                accounts.version
            ));
        }
        Ok(accounts)
    }

    /// # Errors
    /// Never in practice.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    #[must_use]
    pub fn user(&self, name: &UserName) -> Option<&User> {
        self.users.iter().find(|user| user.name == *name)
    }

    fn user_mut(&mut self, name: &UserName) -> Result<&mut User, AccountError> {
        let found = self.users.iter_mut().find(|user| user.name == *name);
        found.ok_or_else(|| AccountError::NoSuchUser(name.clone()))
    }

    /// # Errors
    /// When the name is taken.
    pub fn add_user(
        &mut self,
        name: UserName,
        role: Role,
        password: PasswordHash,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if self.user(&name).is_some() {
            return Err(AccountError::NameTaken(name));
        }
        self.users.push(User {
            name,
            role,
            password,
            stamp: secret::new_id()?,
            created: to_the_second(now),
        });
        Ok(())
    }

    /// With all keys.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn remove_user(&mut self, name: &UserName) -> Result<(), AccountError> {
        self.user_mut(name)?;
        self.users.retain(|user| user.name != *name);
        self.keys.retain(|key| key.user != *name);
        Ok(())
    }

    /// Ends the user's sessions.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn set_password(&mut self, name: &UserName, password: PasswordHash) -> Result<(), AccountError> {
        let user = self.user_mut(name)?;
        user.stamp = secret::new_id()?;
        user.password = password;
        Ok(())
    }

    /// # Errors
    /// When there is no such user.
    pub fn set_role(&mut self, name: &UserName, role: Role) -> Result<(), AccountError> {
        self.user_mut(name)?.role = role;
        Ok(())
    }

    /// Whether nobody could administer without this user.
    ///
    /// # Errors
    /// When that is so.
    pub fn can_do_without(&self, name: &UserName) -> Result<(), AccountError> {
        let mut administrators = self.users.iter().filter(|user| user.role == Role::Admin);
        if administrators.next().is_some_and(|user| user.name == *name) && administrators.next().is_none() {
            return Err(AccountError::LastAdministrator(name.clone()));
        }
        Ok(())
    }

    /// Makes a key; the secret is nowhere else.
    ///
    /// # Errors
    /// When there is no such user, or the key is to do more than it may.
    pub fn add_key(&mut self, new: NewKey, now: Timestamp) -> Result<(Key, Secret), AccountError> {
        let NewKey {
            user,
            label,
            role,
            expires,
        } = new;
        let owner = self
            .user(&user)
            .ok_or_else(|| AccountError::NoSuchUser(user.clone()))?;
        if role > owner.role {
            let role = owner.role;
            return Err(AccountError::BeyondOwner { user, role });
        }
        let label = label.trim().to_owned();
        if label.is_empty()
            || label.chars().count() > LONGEST_LABEL_CHARACTERS
            || label.contains(char::is_control)
        {
            return Err(AccountError::BadLabel);
        }
        if expires.is_some_and(|expires| expires <= now) {
            return Err(AccountError::ExpiredAlready);
        }
        if self.keys.iter().filter(|key| key.user == user).count() >= MOST_KEYS_OF_ONE {
            return Err(AccountError::TooManyKeys(user));
        }
        let secret = Secret::new(KEY_PREFIX)?;
        let key = Key {
            id: secret::new_id()?,
            user,
            label,
            role,
            hash: secret.hash(),
            created: to_the_second(now),
            expires: expires.map(to_the_second),
            last_used: None,
        };
        self.keys.push(key.clone());
        Ok((key, secret))
    }

    /// # Errors
    /// When there is no such key.
    pub fn revoke_key(&mut self, id: &str) -> Result<(), AccountError> {
        let before = self.keys.len();
        self.keys.retain(|key| key.id != id);
        if self.keys.len() == before {
            return Err(AccountError::NoSuchKey(id.to_owned()));
        }
        Ok(())
    }

    /// A key that was revoked meanwhile is passed over.
    pub fn used_key(&mut self, id: &str, when: Timestamp) {
        if let Some(key) = self.keys.iter_mut().find(|key| key.id == id) {
            key.last_used = Some(to_the_second(when));
        }
    }
}

impl Key {
    /// What it may do at `now`: no more than its owner; nothing when it has expired or nobody owns it.
    #[must_use]
    pub fn role_at(&self, accounts: &Accounts, now: Timestamp) -> Option<Role> {
        let owner = accounts.user(&self.user)?;
        let is_good = self.expires.is_none_or(|expires| now < expires);
        is_good.then(|| self.role.min(owner.role))
    }
}

/// Files hold whole seconds: nobody needs more, and people read them.
pub(super) fn to_the_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T01:02:03Z".parse().unwrap()
    }

    fn name(text: &str) -> UserName {
        text.parse().unwrap()
    }

    fn hash(text: &str) -> PasswordHash {
        serde_json::from_value(text.into()).unwrap()
    }

    fn accounts() -> Accounts {
        let mut accounts = Accounts::default();
        for (user, role) in [("ann", Role::Admin), ("ben", Role::Operator)] {
            accounts.add_user(name(user), role, hash("$x"), now()).unwrap();
        }
        accounts
    }

    fn new_key(user: &str, role: Role) -> NewKey {
        NewKey {
            user: name(user),
            label: "dashboard".into(),
            role,
            expires: None,
        }
    }

    #[test]
    fn the_form_of_the_file_is_frozen() {
        let text = r#"{
  "version": 1,
  "users": [
    {
      "name": "ann",
      "role": "admin",
      "password": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
      "stamp": "0123456789abcdef",
      "created": "2026-11-22T01:02:03Z"
    }
  ],
  "keys": [
    {
      "id": "fedcba9876543210",
      "user": "ann",
      "label": "dashboard",
      "role": "viewer",
      "hash": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "created": "2026-11-22T01:02:03Z",
      "expires": "2027-11-22T01:02:03Z",
      "last_used": "2026-11-23T01:02:03Z"
    }
  ]
}
"#;
        let accounts = Accounts::parse(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(accounts.to_bytes().unwrap()).unwrap(), text);
        assert_eq!(
            Accounts::parse(br#"{"version": 1}"#).unwrap(),
            Accounts::default()
        );
        for (wrong, words) in [
            (r#"{"version": 2}"#, "newer"),
            ("", "EOF"),
            ("{}", "version"),
            (r#"{"version": 1, "users": 3}"#, "sequence"),
        ] {
            let error = Accounts::parse(wrong.as_bytes()).unwrap_err();
            assert!(error.contains(words), "{wrong}: {error}");
        }
    }

    #[test]
    fn names_are_short_plain_and_one_whatever_their_case() {
        for (text, good) in [
            ("ann", true),
            ("Ann.B-c_d@e.org", true),
            ("7", true),
            ("", false),
            ("-ann", false),
            ("a b", false),
            ("a/b", false),
            ("oidc:ann", false),
            ("änn", false),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(text.parse::<UserName>().is_ok(), good, "{text}");
        }
        let mut accounts = accounts();
        assert_eq!(
            accounts.add_user(name("ANN"), Role::Viewer, hash("$y"), now()),
            Err(AccountError::NameTaken(name("ann")))
        );
    }

    #[test]
    fn a_key_does_no_more_than_its_owner_may_now() {
        let mut accounts = accounts();
        assert_eq!(
            accounts.add_key(new_key("ben", Role::Admin), now()).unwrap_err(),
            AccountError::BeyondOwner {
                user: name("ben"),
                role: Role::Operator
            }
        );
        let (key, secret) = accounts.add_key(new_key("ben", Role::Operator), now()).unwrap();
        assert!(secret.text().starts_with("vck_") && key.hash.opens(secret.text()));
        assert_eq!(key.role_at(&accounts, now()), Some(Role::Operator));
        accounts.set_role(&name("ben"), Role::Viewer).unwrap();
        assert_eq!(key.role_at(&accounts, now()), Some(Role::Viewer));
        accounts.remove_user(&name("ben")).unwrap();
        assert_eq!(key.role_at(&accounts, now()), None);
        assert!(accounts.keys().is_empty());
        let file = String::from_utf8(accounts.to_bytes().unwrap()).unwrap();
        assert!(!file.contains(secret.text()));
    }

    #[test]
    fn a_key_ends_at_its_time_or_when_it_is_revoked() {
        let mut accounts = accounts();
        let in_an_hour = now() + jiff::SignedDuration::from_hours(1);
        let mut new = new_key("ann", Role::Viewer);
        new.expires = Some(now());
        assert_eq!(
            accounts.add_key(new.clone(), now()).unwrap_err(),
            AccountError::ExpiredAlready
        );
        new.expires = Some(in_an_hour);
        let (key, _) = accounts.add_key(new, now()).unwrap();
        assert_eq!(key.role_at(&accounts, now()), Some(Role::Viewer));
        assert_eq!(key.role_at(&accounts, in_an_hour), None);
        accounts.revoke_key(&key.id).unwrap();
        assert_eq!(accounts.revoke_key(&key.id), Err(AccountError::NoSuchKey(key.id)));
    }

    #[test]
    fn labels_and_the_number_of_keys_are_bounded() {
        let mut accounts = accounts();
        for label in ["", "  ", "a\nb", &"x".repeat(101)] {
            let mut new = new_key("ann", Role::Viewer);
            new.label = label.into();
            assert_eq!(accounts.add_key(new, now()).unwrap_err(), AccountError::BadLabel);
        }
        for _ in 0..MOST_KEYS_OF_ONE {
            accounts.add_key(new_key("ann", Role::Viewer), now()).unwrap();
        }
        assert_eq!(
            accounts.add_key(new_key("ann", Role::Viewer), now()).unwrap_err(),
            AccountError::TooManyKeys(name("ann"))
        );
        assert!(accounts.add_key(new_key("ben", Role::Viewer), now()).is_ok());
    }

    #[test]
    fn the_last_administrator_is_needed() {
        let mut accounts = accounts();
        assert_eq!(
            accounts.can_do_without(&name("ann")),
            Err(AccountError::LastAdministrator(name("ann")))
        );
        assert_eq!(accounts.can_do_without(&name("ben")), Ok(()));
        accounts.set_role(&name("ben"), Role::Admin).unwrap();
        assert_eq!(accounts.can_do_without(&name("ann")), Ok(()));
    }

    #[test]
    fn a_new_password_changes_the_stamp_that_sessions_hold() {
        let mut accounts = accounts();
        let stamp = |accounts: &Accounts| accounts.user(&name("ann")).unwrap().stamp.clone();
        let before = stamp(&accounts);
        accounts.set_role(&name("ann"), Role::Viewer).unwrap();
        assert_eq!(stamp(&accounts), before);
        accounts.set_password(&name("ann"), hash("$z")).unwrap();
        assert_ne!(stamp(&accounts), before);
    }
}
