//! Reads and writes `conf/access.json`, for the service and for commands alike.
//!
//! Promises: one read-change-write under `conf/.lock`; a file that cannot be understood is left alone, and opens nothing;
//! nobody but this user may read what is written.
//! Never in here: what a user or a key is.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    accounts::{AccountError, Accounts},
    password::PasswordError,
    secret::NoRandomness,
};
use crate::{
    durable::{self, DurableError, Lock},
    task::Identity,
};

/// What stands in the way of knowing, or changing, who may.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("cannot read {}: {source}; make it readable for this user", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "{} cannot be understood: {reason}; mend it, or move it away and make users anew with `video-compressor user add`",
        path.display()
    )]
    Corrupt { path: PathBuf, reason: String },
    #[error(transparent)]
    Refused(#[from] AccountError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Durable(#[from] DurableError),
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// The files of this module below `conf/`.
#[derive(Debug, Clone)]
pub struct Files {
    conf: PathBuf,
}

impl Files {
    #[must_use]
    pub fn new(conf: &Path) -> Self {
        Self {
            conf: conf.to_owned(),
        }
    }

    #[must_use]
    pub fn accounts(&self) -> PathBuf {
        self.conf.join("access.json")
    }

    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.conf.join("sessions.json")
    }

    #[must_use]
    pub fn setup_token(&self) -> PathBuf {
        self.conf.join("setup-token")
    }

    /// The one that `queue` takes too: held only across one read-change-write.
    pub(super) fn lock(&self) -> PathBuf {
        self.conf.join(".lock")
    }
}

/// Which file it was that was read; `None`: there was none.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    path.metadata().ok().map(|metadata| Identity::from(&metadata))
}

/// The bytes of a file; `None`: there is none.
pub(super) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>, AccessError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AccessError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Everybody and their keys. No file is nobody.
///
/// # Errors
/// When the file cannot be read or understood.
pub fn read(files: &Files) -> Result<Accounts, AccessError> {
    let path = files.accounts();
    match read_bytes(&path)? {
        Some(bytes) => Accounts::parse(&bytes).map_err(|reason| AccessError::Corrupt { path, reason }),
        None => Ok(Accounts::default()),
    }
}

/// Changes the file, and returns what `change` did and what the file holds then.
///
/// # Errors
/// When the change is refused, or the file cannot be read, understood or written; it is as it was then.
pub fn edit<T>(
    files: &Files,
    change: impl FnOnce(&mut Accounts) -> Result<T, AccountError>,
) -> Result<(T, Accounts), AccessError> {
    let _lock = Lock::wait(&files.lock())?;
    edit_locked(files, change)
}

/// As [`edit`], by somebody who holds the lock.
pub(super) fn edit_locked<T>(
    files: &Files,
    change: impl FnOnce(&mut Accounts) -> Result<T, AccountError>,
) -> Result<(T, Accounts), AccessError> {
    let before = read(files)?;
    let mut accounts = before.clone();
    let result = change(&mut accounts)?;
    if accounts != before {
        let path = files.accounts();
        let bytes = accounts.to_bytes().map_err(|error| AccessError::Corrupt {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        durable::replace_with_private_bytes(&path, &bytes)?;
    }
    Ok((result, accounts))
}
