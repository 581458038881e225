//! Passwords: what may be one, and their Argon2id hashes.
//!
//! Promises: hashes are PHC strings with the parameters that OWASP recommends; a comparison for a name that nobody has
//! takes as long as one for a name that somebody has; no password shows through `{:?}`.
//! Never in here: who has which password, how many are hashed at once.

use std::{fmt, sync::LazyLock};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use serde::{Deserialize, Serialize};

/// OWASP's password storage cheat sheet: Argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const SHORTEST_CHARACTERS: usize = 10;
/// Beyond this, hashing the text itself would be work that anyone can ask for.
const LONGEST_BYTES: usize = 1024;

/// A password that somebody chose and that is good enough.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("the password is too short: at least {SHORTEST_CHARACTERS} characters")]
    TooShort,
    #[error("the password is too long: at most {LONGEST_BYTES} bytes")]
    TooLong,
    #[error("the password could not be hashed; is there enough memory?")]
    NotHashed,
}

impl Password {
    /// # Errors
    /// When it is too short or too long.
    pub fn new(text: impl Into<String>) -> Result<Self, PasswordError> {
        let text = text.into();
        if text.chars().count() < SHORTEST_CHARACTERS {
            Err(PasswordError::TooShort)
        } else if text.len() > LONGEST_BYTES {
            Err(PasswordError::TooLong)
        } else {
            Ok(Self(text))
        }
    }

    /// Takes some 19 MiB and tens of milliseconds.
    ///
    /// # Errors
    /// When there is no memory or no randomness.
    pub fn hash(&self) -> Result<PasswordHash, PasswordError> {
        hash(&self.0)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// `$argon2id$v=19$m=19456,t=2,p=1$…`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Whether `given` is the password of `hash`. Without a hash it is not, and that takes as long to find out.
#[must_use]
pub fn is_right(given: &str, hash: Option<&PasswordHash>) -> bool {
    static NOBODYS: LazyLock<Option<PasswordHash>> = LazyLock::new(|| hash_of("nobody has this one"));
    let Some(compared) = hash.or(NOBODYS.as_ref()) else {
        return false;
    };
    #[cfg(test)]
    tests::COMPARED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .push((given.to_owned(), compared.clone()));
    let matches = given.len() <= LONGEST_BYTES
        && hasher().is_ok_and(|hasher| {
            PasswordVerifier::<str>::verify_password(&hasher, given.as_bytes(), &compared.0).is_ok()
        });
    matches && hash.is_some()
}

fn hash_of(text: &str) -> Option<PasswordHash> {
    hash(text).ok()
}

fn hash(text: &str) -> Result<PasswordHash, PasswordError> {
    let hash = hasher().and_then(|hasher| {
        hasher
            .hash_password(text.as_bytes())
            .ok()
            .ok_or(PasswordError::NotHashed)
    })?;
    Ok(PasswordHash(hash.to_string()))
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::NotHashed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Each password that was given, and the hash that it was compared with: what a comparison takes depends on these two.
    pub static COMPARED: Mutex<Vec<(String, PasswordHash)>> = Mutex::new(Vec::new());

    /// The parameters of the hashes that this password was compared with.
    pub fn costs_of(given: &str) -> Vec<String> {
        let compared = COMPARED.lock().unwrap();
        let hashes = compared.iter().filter(|(text, _)| text == given);
        hashes
            .map(|(_, hash)| hash.0.rsplitn(3, '$').last().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn a_hash_names_owasps_parameters_and_opens_with_its_password_only() {
        let password = Password::new("correct horse").unwrap();
        let hash = password.hash().unwrap();
        assert!(
            hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            hash.0
        );
        assert_ne!(hash, password.hash().unwrap(), "each has a salt of its own");
        assert!(is_right("correct horse", Some(&hash)));
        for wrong in ["correct hors", "Correct horse", "", &"x".repeat(2000)] {
            assert!(!is_right(wrong, Some(&hash)), "{wrong}");
        }
        assert!(!format!("{password:?} {hash:?}").contains("hors"));
    }

    #[test]
    fn nobody_has_no_password_and_a_broken_hash_opens_with_nothing() {
        assert!(!is_right("nobody has this one", None));
        assert!(!is_right("", Some(&PasswordHash(String::new()))));
    }

    #[test]
    fn passwords_have_ten_characters_to_1024_bytes() {
        for (text, expected) in [
            ("123456789".to_owned(), Err(PasswordError::TooShort)),
            ("ééééééééé".to_owned(), Err(PasswordError::TooShort)),
            ("1234567890".to_owned(), Ok(())),
            ("x".repeat(1024), Ok(())),
            ("x".repeat(1025), Err(PasswordError::TooLong)),
        ] {
            assert_eq!(Password::new(text.clone()).map(drop), expected, "{text}");
        }
    }
}
