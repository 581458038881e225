//! Archives: `tasks.json.YYYYMMDD-HHMMSS` and `tasks-err.json.YYYYMMDD-HHMMSS`.
//!
//! Promises: none is ever overwritten or pruned; reading 100,000 entries keeps only what recognises a file.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::Files;
use crate::{
    durable::{self, DurableError},
    record,
    task::{Known, Task},
};

/// Which archive a finished task goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArchiveKind {
    /// processed, skipped, cancelled
    Done,
    /// failed, error_*
    Failed,
}

impl ArchiveKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Done => "tasks.json.",
            Self::Failed => "tasks-err.json.",
        }
    }
}

/// The archives of `conf/`, oldest first.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn list(files: &Files) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    let entries = match fs::read_dir(&files.conf) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        result => result?,
    };
    for entry in entries {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        let stamp = [ArchiveKind::Done, ArchiveKind::Failed]
            .iter()
            .find_map(|kind| name.strip_prefix(kind.prefix()));
        if let Some(stamp) = stamp.filter(|stamp| is_stamp(stamp)) {
            found.push((stamp.to_owned(), files.conf.join(name)));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn is_stamp(text: &str) -> bool {
    text.len() == 15
        && text.bytes().enumerate().all(|(place, byte)| {
            if place == 8 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}

/// Writes an archive under the first free name from `now` on, second by second.
pub(super) fn write(
    files: &Files,
    kind: ArchiveKind,
    tasks: &[Arc<Task>],
    now: Timestamp,
) -> Result<PathBuf, DurableError> {
    let bytes = super::writer::serialise(tasks.iter().map(|task| &**task), &[]);
    let mut at = now;
    loop {
        let path = files
            .conf
            .join(format!("{}{}", kind.prefix(), at.strftime("%Y%m%d-%H%M%S")));
        match durable::create_with_bytes(&path, &bytes) {
            Err(error) if error.source.kind() == ErrorKind::AlreadyExists => {
                at = at.saturating_add(Duration::from_secs(1)).unwrap_or(now);
            }
            result => return result.map(|()| path),
        }
    }
}

/// Gives every archived task to `each`, oldest archive first. Returns the archives that could not be understood, with why.
///
/// # Errors
/// When an archive or the folder cannot be read at all.
pub(super) fn load(
    files: &Files,
    mut each: impl FnMut(&Path, Known),
) -> Result<Vec<(PathBuf, String)>, DurableError> {
    each_archive(files, |bytes| load_one(bytes, &mut each))
}

pub(super) fn load_one(bytes: &[u8], each: &mut impl FnMut(&Path, Known)) -> Result<(), String> {
    let values: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    for raw in values {
        // Most rows are ours and plain: this way costs a third of a full row.
        if let Some((path, known)) = record::known_from_json(raw.get()) {
            each(&path, known);
        }
    }
    Ok(())
}

/// Gives how every archived task ended to `each`, oldest archive first, one archive in memory at a time. Returns the
/// archives that could not be understood, with why.
///
/// # Errors
/// When an archive or the folder cannot be read at all.
pub fn each_ended(
    files: &Files,
    mut each: impl FnMut(record::Ended),
) -> Result<Vec<(PathBuf, String)>, DurableError> {
    each_archive(files, |bytes| {
        let rows: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        rows.into_iter()
            .filter_map(|row| record::ended_from_json(row.get()))
            .for_each(&mut each);
        Ok(())
    })
}

fn each_archive(
    files: &Files,
    mut read: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<Vec<(PathBuf, String)>, DurableError> {
    let mut bad = Vec::new();
    for path in list_archives(files)? {
        let bytes = fs::read(&path).map_err(unreadable(&path))?;
        if let Err(reason) = read(&bytes) {
            bad.push((path, reason));
        }
    }
    Ok(bad)
}

/// Every archived task whole, for `list --all`, `show` and `report`. Rows that cannot be understood are left out.
///
/// # Errors
/// When an archive or the folder cannot be read.
pub fn read_archives(files: &Files) -> Result<Vec<(PathBuf, Vec<Task>)>, DurableError> {
    list_archives(files)?
        .into_iter()
        .map(|path| {
            let tasks = read_archive(&path)?;
            Ok((path, tasks))
        })
        .collect()
}

/// The archives, oldest first.
///
/// # Errors
/// When the folder cannot be listed.
pub fn list_archives(files: &Files) -> Result<Vec<PathBuf>, DurableError> {
    list(files).map_err(unreadable(&files.conf))
}

/// The tasks of one archive, whole. Rows that cannot be understood are left out.
///
/// # Errors
/// When it cannot be read.
pub fn read_archive(path: &Path) -> Result<Vec<Task>, DurableError> {
    let bytes = fs::read(path).map_err(unreadable(path))?;
    let (tasks, _) = super::load::parse_rows(&bytes).unwrap_or_default();
    Ok(tasks)
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> DurableError {
    let path = path.to_owned();
    move |source| DurableError {
        action: "read",
        path,
        source,
    }
}
