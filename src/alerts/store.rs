//! `conf/outbox.json`: read at the start, written whole after changes.
//!
//! Promises: what cannot be read is set aside, never overwritten; what has not changed is not written.
//! Never in here: what the file says (`wire`), when it is written.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::wire::{self, Stored};
use crate::durable;

/// The outbox's name in the folder for settings and state.
pub const OUTBOX_FILE: &str = "outbox.json";
/// 1,000 entries of five examples with three texts of 1,024 bytes, escaped, stay under this; a program's entries have one
/// example each, so that a few webhooks fit beside them.
const OUTBOX_FILE_LIMIT_BYTES: u64 = 128 * 1_024 * 1_024;

/// The file, and what it holds as far as we know.
pub(super) struct Store {
    path: PathBuf,
    disk: Disk,
    written: Vec<u8>,
    has_failed: bool,
}

/// Whether the outbox may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Writable,
    /// There is a file that could be neither read nor set aside: it is not overwritten.
    HandsOff,
}

/// What came of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    /// To be tried again.
    No,
}

impl Store {
    /// Reads the outbox of `conf_dir`; one that cannot be read is set aside as `outbox.json.corrupt-TIME` and reported in
    /// the log.
    pub fn open(conf_dir: &Path) -> (Self, Stored) {
        let path = conf_dir.join(OUTBOX_FILE);
        let (stored, disk) = load(&path);
        let store = Self {
            path,
            disk,
            written: Vec::new(),
            has_failed: false,
        };
        (store, stored)
    }

    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    pub fn write(&mut self, stored: &Stored) -> Written {
        if self.disk == Disk::HandsOff {
            return Written::Yes;
        }
        let bytes = match wire::to_bytes(stored) {
            Ok(bytes) if bytes == self.written => return Written::Yes,
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::error!("cannot put the alerts into words for {OUTBOX_FILE}: {error}");
                return Written::Yes;
            }
        };
        match durable::replace_with_bytes(&self.path, &bytes) {
            Ok(_) => {
                self.written = bytes;
                self.has_failed = false;
                Written::Yes
            }
            Err(error) => {
                if !self.has_failed {
                    tracing::warn!("alerts are kept in memory only until this works again: {error}");
                }
                self.has_failed = true;
                remove_leftovers(&self.path);
                Written::No
            }
        }
    }
}

fn load(path: &Path) -> (Stored, Disk) {
    remove_leftovers(path);
    let cause = match read(path) {
        Ok(None) => return (Stored::default(), Disk::Writable),
        Ok(Some(bytes)) => match wire::from_bytes(&bytes) {
            Ok(stored) => return (stored, Disk::Writable),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    let time = Timestamp::now().strftime("%Y%m%d-%H%M%S%.3f");
    let aside = path.with_file_name(format!("{OUTBOX_FILE}.corrupt-{time}"));
    let disk = match durable::rename_to_new(path, &aside) {
        Ok(()) => {
            tracing::warn!(
                "conf/{OUTBOX_FILE} cannot be read ({cause}); it was set aside as {}, undelivered alerts in it are not sent",
                aside.file_name().unwrap_or_default().display()
            );
            Disk::Writable
        }
        Err(error) => {
            tracing::warn!(
                "conf/{OUTBOX_FILE} cannot be read ({cause}) nor set aside ({error}); alerts are kept in memory only, mend or remove the file and restart"
            );
            Disk::HandsOff
        }
    };
    (Stored::default(), disk)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(OUTBOX_FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > OUTBOX_FILE_LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large"));
    }
    Ok(Some(bytes))
}

/// A crash or a full disk leaves temporaries; none holds more than the file itself or memory.
fn remove_leftovers(path: &Path) {
    for leftover in durable::leftover_temporaries(path) {
        if let Err(error) = durable::remove(&leftover) {
            tracing::debug!("{error}");
        }
    }
}
