//! Asks the kernel whether somebody has a file open for writing, by a read lease that is dropped at once.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::{settle::Lease, task::Identity};

/// What came of the question.
#[derive(Debug)]
pub(super) enum Asked {
    Answer(Lease),
    /// It is not, or no longer, the regular file that was expected.
    OtherFile,
    Unreadable(io::Error),
}

/// Asks about the file at `path` if it is still `expected`.
pub(super) fn ask(path: &Path, expected: &Identity) -> Asked {
    let file = match open(path) {
        Ok(file) => file,
        Err(error) => return why_not_opened(error),
    };
    match file.metadata() {
        Ok(metadata) if metadata.is_file() && Identity::from(&metadata) == *expected => {
            Asked::Answer(take_and_drop(&file))
        }
        Ok(_) => Asked::OtherFile,
        Err(error) => Asked::Unreadable(error),
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "opened for reading only; File::open would follow symlinks and hang on a FIFO"
)]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

fn why_not_opened(error: io::Error) -> Asked {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP | libc::ENXIO | libc::ENODEV) => Asked::OtherFile,
        // Somebody else's lease has to be broken first (Samba's oplocks).
        Some(libc::EAGAIN) => Asked::Answer(Lease::Refused),
        // Our own shortage says nothing about the file: ask again later.
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM) => Asked::OtherFile,
        _ => Asked::Unreadable(error),
    }
}

#[cfg(target_os = "linux")]
fn take_and_drop(file: &File) -> Lease {
    use std::{os::fd::AsRawFd, sync::Once};

    static SIGIO_IGNORED: Once = Once::new();
    // When a writer opens the file while we hold the lease, the kernel sends SIGIO, which by default ends the process.
    SIGIO_IGNORED.call_once(|| {
        // SAFETY: SIG_IGN is a valid disposition for SIGIO; no handler of ours runs.
        unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
    });
    // SAFETY: the descriptor is open for the whole call, and F_SETLEASE takes an integer.
    let set = |kind: libc::c_int| unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) };
    if set(libc::F_RDLCK) == 0 {
        // A writer is blocked while it is held. Closing the file would drop it too.
        set(libc::F_UNLCK);
        return Lease::Granted;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Lease::Refused,
        // EACCES: not our file and no CAP_LEASE. EINVAL and others: a file system without leases.
        _ => Lease::Unsupported,
    }
}

#[cfg(not(target_os = "linux"))]
fn take_and_drop(_: &File) -> Lease {
    Lease::Unsupported
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::disallowed_methods, reason = "tests make their own files")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_lease_is_refused_while_somebody_writes_and_granted_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mkv");
        let writer = File::create(&path).unwrap();
        let identity = Identity::from(&fs::metadata(&path).unwrap());
        assert!(matches!(ask(&path, &identity), Asked::Answer(Lease::Refused)));
        drop(writer);
        let reader = File::open(&path).unwrap();
        assert!(matches!(ask(&path, &identity), Asked::Answer(Lease::Granted)));
        drop(reader);
        let other = Identity {
            ctime_ns: 1,
            ..identity
        };
        assert!(matches!(ask(&path, &other), Asked::OtherFile));
        assert!(matches!(
            ask(&folder.path().join("gone"), &identity),
            Asked::OtherFile
        ));
        // The lease was dropped: this would hang for lease-break-time (45 s) otherwise.
        drop(OpenOptions::new().write(true).open(&path).unwrap());
    }
}
