//! Random texts that open something: API keys, session cookies, the setup token.
//!
//! Promises: 256 bits from the system each; what is kept is the SHA-256 alone (a password needs Argon2, a random text
//! of this length does not); neither shows through `{:?}`.
//! Never in here: what a secret opens.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const SECRET_BYTES: usize = 32;
/// Enough that two never meet; an id opens nothing.
const ID_BYTES: usize = 8;

/// The system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers ({0}); try again, and look at /dev/urandom")]
pub struct NoRandomness(getrandom::Error);

/// A text that opens something, as its owner gets it, once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one that begins with `prefix`.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(prefix: &str) -> Result<Self, NoRandomness> {
        let random = random::<SECRET_BYTES>()?;
        Ok(Self(format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(random))))
    }

    /// The text itself, for its owner.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a [`Secret`]; hexadecimal in files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether `text` is what was hashed; as long for a wrong text as for the right one.
    #[must_use]
    pub fn opens(&self, text: &str) -> bool {
        self.0.ct_eq(&Self::of(text).0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        hexadecimal(&hash.0)
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a hash is 64 hexadecimal digits";
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(pairs) {
            let digits = std::str::from_utf8(pair).map_err(|_| WRONG)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(hash))
    }
}

/// A name for a key or a session that may be shown and put into paths: 16 hexadecimal digits.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new_id() -> Result<String, NoRandomness> {
    Ok(hexadecimal(&random::<ID_BYTES>()?))
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], NoRandomness> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_256_bits_is_new_each_time_and_shows_only_to_who_asks_for_its_text() {
        let secret = Secret::new("vck_").unwrap();
        let random = secret.text().strip_prefix("vck_").unwrap();
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(random).unwrap().len(), 32);
        assert_ne!(secret, Secret::new("vck_").unwrap());
        assert!(!format!("{secret:?} {:?}", secret.hash()).contains(&random[..4]));
    }

    #[test]
    fn a_hash_opens_with_its_own_text_only_and_survives_a_round_trip() {
        let hash = SecretHash::of("abc");
        assert!(hash.opens("abc") && !hash.opens("abd") && !hash.opens(""));
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(
            json,
            "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
        );
        assert_eq!(serde_json::from_str::<SecretHash>(&json).unwrap(), hash);
        for wrong in [
            "\"ba78\"",
            "\"\"",
            "1",
            &json.replace("ba", "+a"),
            &json.replace("ba", "é"),
        ] {
            assert!(serde_json::from_str::<SecretHash>(wrong).is_err(), "{wrong}");
        }
    }
}
