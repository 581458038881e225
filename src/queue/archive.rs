//! Archives: `tasks.json.YYYYMMDD-HHMMSS` and `tasks-err.json.YYYYMMDD-HHMMSS`.
//!
//! Promises: none is ever overwritten or pruned; reading 100,000 entries keeps only what recognises a file.

use std::{
    fs,
    io::ErrorKind,
    iter,
    num::NonZero,
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
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

/// Threads that read archives for a sum of all: encodes have the rest of the machine.
const READERS_LIMIT: usize = 4;

/// Archives that could not be understood, with why.
pub type Bad = Vec<(PathBuf, String)>;

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
pub(super) fn load(files: &Files, mut each: impl FnMut(&Path, Known)) -> Result<Bad, DurableError> {
    let mut bad = Vec::new();
    for path in list_archives(files)? {
        let bytes = fs::read(&path).map_err(unreadable(&path))?;
        if let Err(reason) = load_one(&bytes, &mut each) {
            bad.push((path, reason));
        }
    }
    Ok(bad)
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

/// How every archived task ended, oldest archive first, and the archives that could not be understood, with why. Each of a
/// few threads has one archive in memory at a time.
///
/// # Errors
/// When an archive or the folder cannot be read at all.
pub fn read_ended(files: &Files) -> Result<(Vec<record::Ended>, Bad), DurableError> {
    let paths = list_archives(files)?;
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(READERS_LIMIT).min(paths.len());
    let next = AtomicUsize::new(0);
    let read_some = || {
        let mine = iter::from_fn(|| {
            let place = next.fetch_add(1, Ordering::Relaxed);
            Some((place, paths.get(place)?))
        });
        mine.map(|(place, path)| Ok((place, ended_of(path)?)))
            .collect::<Result<Vec<_>, DurableError>>()
    };
    let mut read = Vec::new();
    thread::scope(|scope| {
        let readers: Vec<_> = (0..threads).map(|_| scope.spawn(read_some)).collect();
        for reader in readers {
            read.extend(reader.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok::<_, DurableError>(())
    })?;
    read.sort_unstable_by_key(|(place, _)| *place);
    let mut rows = Vec::new();
    let mut bad = Vec::new();
    for (place, ended) in read {
        match ended {
            Ok(ended) => rows.extend(ended),
            Err(reason) => bad.push((paths[place].clone(), reason)),
        }
    }
    Ok((rows, bad))
}

/// The rows of one archive, or why it cannot be understood.
fn ended_of(path: &Path) -> Result<Result<Vec<record::Ended>, String>, DurableError> {
    let bytes = fs::read(path).map_err(unreadable(path))?;
    let rows: Result<Vec<&RawValue>, _> = serde_json::from_slice(&bytes);
    Ok(rows.map_err(|error| error.to_string()).map(|rows| {
        let rows = rows.into_iter().map(RawValue::get);
        rows.filter_map(record::ended_from_json).collect()
    }))
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
