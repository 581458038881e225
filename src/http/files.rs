//! Opens files that callers may read.
//!
//! Promises: what is opened is a plain file under that very name, no link, pipe or device; opening never waits for a writer.
//! Never in here: who may read which file.

use std::{fs::File, io, path::Path};

use rustix::fs::{Mode, OFlags};

use crate::task::Identity;

/// The file and what it is known by.
///
/// # Errors
/// When there is none of that name, or something else than a plain file.
pub fn open_plain(path: &Path) -> io::Result<(File, Identity)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    Ok((file, Identity::from(&metadata)))
}
