//! `conf/setup-token`: how the first administrator is made from afar.
//!
//! Promises: there is one only while there is no user; only this user may read it; it works once.
//! Never in here: what the administrator is called.

use super::{
    file::{AccessError, Files, read_bytes},
    secret::{Secret, SecretHash},
};
use crate::durable;

/// Of a whole token; a file that was cut short or emptied opens nothing.
const TOKEN_CHARACTERS: usize = 43;

/// Makes the token where there is none. Whether it was made.
///
/// # Errors
/// When it cannot be read or written.
pub(super) fn make(files: &Files) -> Result<bool, AccessError> {
    if token(files)?.is_some() {
        return Ok(false);
    }
    let token = Secret::new("")?;
    let line = format!("{}\n", token.text());
    durable::replace_with_private_bytes(&files.setup_token(), line.as_bytes())?;
    Ok(true)
}

/// Whether `given` is the token.
///
/// # Errors
/// When it cannot be read.
pub(super) fn opens(files: &Files, given: &str) -> Result<bool, AccessError> {
    Ok(token(files)?.is_some_and(|token| SecretHash::of(&token).opens(given.trim())))
}

/// # Errors
/// When it is there and cannot be removed.
pub fn remove(files: &Files) -> Result<(), AccessError> {
    Ok(durable::remove(&files.setup_token())?)
}

fn token(files: &Files) -> Result<Option<String>, AccessError> {
    let bytes = read_bytes(&files.setup_token())?.unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let token = text.trim();
    Ok((token.len() == TOKEN_CHARACTERS).then(|| token.to_owned()))
}
