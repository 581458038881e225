//! Changes to the state files by a command, whether the service runs or not.
//!
//! Promises: one read-change-write under `conf/.lock`; a file that cannot be understood is left alone.

use std::{fs, io::ErrorKind, path::PathBuf};

use super::{Control, Files, load::parse_rows, writer::serialise};
use crate::{
    durable::{self, DurableError, Lock},
    task::Task,
};

#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} cannot be understood: {reason}; `video-compressor run` sets such a file aside and builds it again", path.display())]
    Corrupt { path: PathBuf, reason: String },
    #[error(transparent)]
    Durable(#[from] DurableError),
}

/// The tasks of the queue as they are on disk. No file is no task.
///
/// # Errors
/// When the file cannot be read or understood.
pub fn read_live(files: &Files) -> Result<Vec<Task>, EditError> {
    read_rows(files).map(|(tasks, _)| tasks)
}

fn read_rows(files: &Files) -> Result<super::load::Rows, EditError> {
    let path = files.tasks();
    match fs::read(&path) {
        Ok(bytes) => parse_rows(&bytes).map_err(|reason| EditError::Corrupt { path, reason }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((Vec::new(), Vec::new())),
        Err(source) => Err(EditError::Unreadable { path, source }),
    }
}

/// Changes the rows of `tasks.json`; writes only when something changed.
///
/// # Errors
/// When the file cannot be read, understood or written; it is as it was then.
pub fn edit<T>(files: &Files, change: impl FnOnce(&mut Vec<Task>) -> T) -> Result<T, EditError> {
    let _lock = Lock::wait(&files.lock())?;
    let (mut tasks, foreign_rows) = read_rows(files)?;
    let before = tasks.clone();
    let result = change(&mut tasks);
    if tasks != before {
        durable::replace_with_bytes(&files.tasks(), &serialise(tasks.iter(), &foreign_rows))?;
    }
    Ok(result)
}

/// The orders that stand. No file is no orders.
///
/// # Errors
/// When the file cannot be read or understood.
pub fn read_control(files: &Files) -> Result<Control, EditError> {
    let path = files.control();
    match fs::read(&path) {
        Ok(bytes) => Control::parse(&bytes).map_err(|reason| EditError::Corrupt { path, reason }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Control::default()),
        Err(source) => Err(EditError::Unreadable { path, source }),
    }
}

/// Changes `control.json`.
///
/// # Errors
/// When the file cannot be read, understood or written; it is as it was then.
pub fn edit_control<T>(files: &Files, change: impl FnOnce(&mut Control) -> T) -> Result<T, EditError> {
    let _lock = Lock::wait(&files.lock())?;
    let path = files.control();
    let mut control = read_control(files)?;
    let result = change(&mut control);
    let bytes = control.to_bytes().map_err(|error| EditError::Corrupt {
        path: path.clone(),
        reason: error.to_string(),
    })?;
    durable::replace_with_bytes(&path, &bytes)?;
    Ok(result)
}
