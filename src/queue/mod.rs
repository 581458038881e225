//! Reads and writes `conf/tasks.json` and its archives, and notices when somebody else has written them.
//!
//! Promises: a snapshot is on disk, whole and fsynced, before [`Report::Committed`] names its sequence; an archive is
//! durable before its tasks leave the live file; no archive is overwritten; a foreign edit is read and reported before
//! the file is written again; a burst of changes costs few writes.
//! Never in here: what a task means, or which changes are legal.

mod archive;
mod control;
mod edit;
mod load;
mod writer;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

pub use archive::{ArchiveKind, Bad, list_archives, read_archive, read_archives, read_ended};
pub use control::{Control, WhilePaused};
pub use edit::{EditError, edit, edit_control, read_control, read_live};
pub use load::{Finding, LoadError, Loaded, load};
pub use writer::{Handle, Report, Rotation, Snapshot, start};

use std::path::{Path, PathBuf};

use crate::task::TaskId;

/// The files of the queue below `conf/`.
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
    pub fn tasks(&self) -> PathBuf {
        self.conf.join("tasks.json")
    }

    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.conf.join("control.json")
    }

    #[must_use]
    pub fn receipts(&self) -> PathBuf {
        self.conf.join("receipts")
    }

    /// The receipt of one task.
    #[must_use]
    pub fn receipt(&self, id: &TaskId) -> PathBuf {
        self.receipts().join(format!("{}.json", id.as_file_name()))
    }

    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.conf.join(".lock")
    }

    #[must_use]
    pub fn instance_lock(&self) -> PathBuf {
        self.conf.join(".instance.lock")
    }
}

/// For `crate::fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub fn rows(bytes: &[u8]) {
        drop(super::load::parse_rows(bytes));
    }

    pub fn archive(bytes: &[u8]) {
        drop(super::archive::load_one(bytes, &mut |_, _| {}));
    }
}
