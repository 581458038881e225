//! The settings file: what a change would make of it, and writing that.
//!
//! Promises: judged before a byte is written; a change by somebody else at the same moment is not lost.
//! Never in here: which changes may be asked for (`asked`), how the text changes (`config::edit`).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    config::{self, Change, Config, ConfigError, Loaded, Sources},
    durable,
    http::problem::{KeyError, Problem},
    task::Identity,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Yes,
    /// The file says it already.
    No,
}

/// What changes make of the settings file, which has not been written.
pub(super) struct Edited {
    file: PathBuf,
    /// `None`: there is no file yet.
    before: Option<Identity>,
    text: String,
    edited: String,
    pub(super) loaded: Loaded,
}

impl Edited {
    /// # Errors
    /// What is not allowed, by key.
    pub(super) fn new(sources: &Sources, changes: &[Change]) -> Result<Self, Problem> {
        // A link to the file stays one.
        let named = Config::file(sources);
        let file = match named.canonicalize() {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => named,
            Err(error) => return Err(unreadable(&error)),
        };
        let before = look(&file)?;
        let text = match before {
            Some(_) => fs::read_to_string(&file).map_err(|error| unreadable(&error))?,
            None => config::template(),
        };
        let edited = config::edit(&text, changes).map_err(|error| {
            let detail = error.to_string();
            match error.key() {
                Some(key) => Problem::of_keys(vec![KeyError {
                    key: key.to_owned(),
                    detail,
                }]),
                None => Problem::conflict(detail),
            }
        })?;
        let loaded = Config::load_with_text(sources, &edited).map_err(|error| refused(&error, changes))?;
        Ok(Self {
            file,
            before,
            text,
            edited,
            loaded,
        })
    }

    /// # Errors
    /// When it cannot be written, or was changed by somebody else.
    pub(super) fn save(&self) -> Result<Written, Problem> {
        if self.edited == self.text {
            return Ok(Written::No);
        }
        if look(&self.file)? != self.before {
            return Err(Problem::conflict(
                "the settings file was changed by somebody else at the same moment; look at it and try again",
            ));
        }
        durable::replace_as_it_was(&self.file, self.edited.as_bytes()).map_err(Problem::internal)?;
        Ok(Written::Yes)
    }
}

fn unreadable(error: &io::Error) -> Problem {
    Problem::internal(format!("the settings file: {error}"))
}

fn look(file: &Path) -> Result<Option<Identity>, Problem> {
    match file.metadata() {
        Ok(metadata) => Ok(Some(Identity::from(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Each problem by its key. One that has nothing to do with the changes keeps them from being saved as well.
fn refused(error: &ConfigError, changes: &[Change]) -> Problem {
    let errors = error.problems.iter().map(|problem| {
        let key = problem.key.clone().unwrap_or_default();
        let is_asked = changes.iter().any(|change| change.key == key);
        KeyError {
            detail: if is_asked {
                problem.message.clone()
            } else {
                problem.to_string()
            },
            key,
        }
    });
    Problem::of_keys(errors.collect())
}
