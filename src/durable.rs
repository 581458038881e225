//! The only place that creates, writes, renames, links, fsyncs or removes files.
//!
//! Promises: when a function returns `Ok`, what it did survives a power cut (data fsynced before the rename, the
//! directory after it), unless its name says otherwise; nothing that exists is replaced unless its name says so; a
//! failed fsync is never tried again on the same file, a fresh temporary is written instead (by the next call).
//! Never in here: what a file means.
#![allow(clippy::disallowed_methods)]

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use fs2::FileExt;
use rustix::{
    fs::{CWD, RenameFlags},
    io::Errno,
};

use crate::task::Identity;

/// An I/O error that names the operation and the path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct DurableError {
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl DurableError {
    /// No space, no inodes or over quota: worth another try when there is room.
    #[must_use]
    pub fn is_out_of_space(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

type Result<T> = std::result::Result<T, DurableError>;

fn at<T>(action: &'static str, path: &Path, result: io::Result<T>) -> Result<T> {
    result.map_err(|source| DurableError {
        action,
        path: path.to_owned(),
        source,
    })
}

/// Every temporary of ours starts with a dot and ends like this, so that a sweep knows them.
const TEMPORARY_SUFFIX: &str = ".vc-tmp";

/// Replaces `path` by `bytes`, whole or not at all. Returns the identity of what was written.
///
/// # Errors
/// The old content is untouched then.
pub fn replace_with_bytes(path: &Path, bytes: &[u8]) -> Result<Identity> {
    replace(path, bytes, USUAL_MODE, |_| Ok(()))
}

/// As [`replace_with_bytes`], for what nobody but this user may read; what root writes belongs to the owner of the
/// folder, who is the one to read it.
///
/// # Errors
/// The old content is untouched then.
pub fn replace_with_private_bytes(path: &Path, bytes: &[u8]) -> Result<Identity> {
    replace(path, bytes, PRIVATE_MODE, |_| Ok(()))
}

/// As [`replace_with_bytes`]; a file that is there keeps its permission bits, and its owner and group as far as we may give
/// them: for a file of the user's.
///
/// # Errors
/// The old content is untouched then.
pub fn replace_as_it_was(path: &Path, bytes: &[u8]) -> Result<Identity> {
    let former = match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        result => Some(at("stat", path, result)?),
    };
    replace(path, bytes, USUAL_MODE, |file| {
        let Some(former) = &former else { return Ok(()) };
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (former.uid(), former.gid()) {
            // Only root may give files away; a group of ours we may give.
            std::os::unix::fs::fchown(file, Some(former.uid()), Some(former.gid()))
                .or_else(|_| std::os::unix::fs::fchown(file, None, Some(former.gid())))
                .unwrap_or_default();
        }
        // Last: a change of owner may take bits away.
        file.set_permissions(fs::Permissions::from_mode(former.mode() & 0o7777))
    })
}

fn replace(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    prepare: impl FnOnce(&File) -> io::Result<()>,
) -> Result<Identity> {
    let (temporary, file) = new_temporary_with_mode(path, mode)?;
    if mode == PRIVATE_MODE
        && rustix::process::geteuid().is_root()
        && let Some(folder) = path.parent().and_then(|folder| folder.metadata().ok())
    {
        let given = std::os::unix::fs::fchown(&file, Some(folder.uid()), Some(folder.gid()));
        at("give away", &temporary, given).inspect_err(|_| drop(unlink(&temporary)))?;
    }
    let replaced = (|| {
        // Before there is anything in it that others may not read.
        at("set the mode of", &temporary, prepare(&file))?;
        at("write", &temporary, write(&file, bytes))?;
        at("fsync", &temporary, sync(&file))?;
        let written = at("stat", &temporary, file.metadata())?;
        at("rename over", path, rename(&temporary, path))?;
        Ok(Identity::from(&written))
    })();
    let written: Identity = replaced.inspect_err(|_| drop(unlink(&temporary)))?;
    sync_directory_of(path)?;
    // A rename changes ctime. All else is as it was before it: from then on somebody else may write into the file, which
    // must not pass for what we wrote.
    let found = Identity::from(&at("stat", path, file.metadata())?);
    Ok(Identity {
        ctime_ns: found.ctime_ns,
        ..written
    })
}

/// Replaces `path` whole or not at all, but a power cut may undo it: for progress that is worth nothing later.
///
/// # Errors
/// The old content is untouched then.
pub fn replace_with_bytes_not_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let (temporary, file) = new_temporary(path)?;
    let replaced = (|| {
        at("write", &temporary, write(&file, bytes))?;
        at("rename over", path, rename(&temporary, path))
    })();
    replaced.inspect_err(|_| drop(unlink(&temporary)))
}

/// Writes a file that must not exist yet.
///
/// # Errors
/// `AlreadyExists` when there is one of that name; it is untouched. After any other error there is none, as far as the
/// disk still lets us.
pub fn create_with_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let (temporary, file) = new_temporary(path)?;
    let created = (|| {
        at("write", &temporary, write(&file, bytes))?;
        at("fsync", &temporary, sync(&file))?;
        rename_if_free(&temporary, path)
    })();
    created.inspect_err(|_| drop(unlink(&temporary)))?;
    sync_directory_of(path).inspect_err(|_| drop(unlink(path)))
}

/// A file in the system's folder for such, for another program to read. It goes with what is returned.
///
/// # Errors
/// There is none then.
pub fn temporary_with_bytes(bytes: &[u8]) -> Result<tempfile::TempPath> {
    let folder = std::env::temp_dir();
    let made = tempfile::NamedTempFile::new_in(&folder);
    let (file, path) = at("create a file in", &folder, made)?.into_parts();
    at("write", &path, write(&file, bytes))?;
    Ok(path)
}

/// Writes over bytes of a file that another program wrote and that is not finished yet.
///
/// # Errors
/// The file may hold anything then.
pub fn overwrite_not_synced(path: &Path, offset: u64, bytes: &[u8]) -> Result<()> {
    let mut file = at("open", path, OpenOptions::new().write(true).open(path))?;
    at("seek in", path, file.seek(SeekFrom::Start(offset)))?;
    at("write", path, write(&file, bytes))
}

/// Fsyncs a file that another program wrote.
///
/// # Errors
/// The file must then be treated as lost: the kernel may have dropped the pages that it could not write.
pub fn sync_file(path: &Path) -> Result<Identity> {
    let file = at("open", path, File::open(path))?;
    at("fsync", path, sync(&file))?;
    at("stat", path, file.metadata()).map(|metadata| Identity::from(&metadata))
}

/// Makes sure that a finished file, and its name, survive a power cut.
///
/// # Errors
/// See [`sync_file`].
pub fn sync_file_and_name(path: &Path) -> Result<()> {
    sync_file(path)?;
    sync_directory_of(path)
}

/// Makes `directory` and its parents.
///
/// # Errors
/// When one of them cannot be made or is not a directory.
pub fn make_directory(directory: &Path) -> Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        make_directory(parent)?;
    }
    match step().and_then(|()| fs::create_dir(directory)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        result => {
            at("make the folder", directory, result)?;
            sync_directory_of(directory).inspect_err(|_| drop(fs::remove_dir(directory)))
        }
    }
}

/// Renames within one file system, to a name that must be free.
///
/// # Errors
/// `AlreadyExists` when the name is taken, `CrossesDevices` when `to` is on another file system; nothing changed. After
/// any other error it has its old name, as far as the disk still lets us.
pub fn rename_to_new(from: &Path, to: &Path) -> Result<()> {
    rename_if_free(from, to)?;
    sync_both_directories(from, to).inspect_err(|_| drop(rename_if_free(to, from)))
}

/// Renames within one file system, replacing what is at `to`.
///
/// # Errors
/// Nothing changed then.
pub fn rename_replacing(from: &Path, to: &Path) -> Result<()> {
    at("rename over", to, rename(from, to))?;
    sync_both_directories(from, to)
}

/// Copies content, times and permission bits to a name that must be free.
///
/// # Errors
/// `AlreadyExists` when the name is taken; whatever was half written is removed.
pub fn copy_to_new(from: &Path, to: &Path) -> Result<()> {
    let mut source = at("open", from, File::open(from))?;
    let metadata = at("stat", from, source.metadata())?;
    let (temporary, mut file) = new_temporary(to)?;
    let copied = (|| {
        at("copy to", &temporary, copy(&mut source, &mut file))?;
        let times = fs::FileTimes::new()
            .set_modified(at("stat", from, metadata.modified())?)
            .set_accessed(at("stat", from, metadata.accessed())?);
        at("set the times of", &temporary, file.set_times(times))?;
        let mode = fs::Permissions::from_mode(metadata.mode() & 0o777);
        at("set the mode of", &temporary, file.set_permissions(mode))?;
        at("fsync", &temporary, sync(&file))?;
        rename_if_free(&temporary, to)
    })();
    copied.inspect_err(|_| drop(unlink(&temporary)))?;
    sync_directory_of(to).inspect_err(|_| drop(unlink(to)))
}

/// Makes `to` a file of its own that shares the disk blocks of `from`, where the file system can do that (a reflink). What
/// was at `to` is overwritten; nothing is fsynced yet.
///
/// # Errors
/// When the file system cannot, or the disk refuses; there may be an empty file at `to` then.
pub fn clone_not_synced(from: &Path, to: &Path) -> Result<()> {
    let source = at("open", from, File::open(from))?;
    let file = at("create", to, step().and_then(|()| File::create(to)))?;
    #[cfg(target_os = "linux")]
    let cloned = rustix::fs::ioctl_ficlone(&file, &source).map_err(io::Error::from);
    // macOS clones inside of its own copy calls, when they make the file themselves.
    #[cfg(not(target_os = "linux"))]
    let cloned = {
        drop((source, file));
        Err(io::ErrorKind::Unsupported.into())
    };
    at("clone to", to, cloned)
}

/// Copies content only; what was at `to` is overwritten and nothing is fsynced yet. `go_on` is asked now and then.
/// Returns whether the copy is whole: not when `go_on` said no.
///
/// # Errors
/// There may be half a file at `to` then.
pub fn copy_not_synced(from: &Path, to: &Path, go_on: &dyn Fn() -> bool) -> Result<bool> {
    /// Fractions of a second even on a slow disk.
    const PORTION_BYTES: u64 = 16 << 20;
    let source = at("open", from, File::open(from))?;
    let mut file = at("create", to, step().and_then(|()| File::create(to)))?;
    while go_on() {
        let copied = step().and_then(|()| io::copy(&mut (&source).take(PORTION_BYTES), &mut file));
        if at("copy to", to, copied)? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A file that grows as its content arrives. Nothing of it is durable before [`Growing::sync`].
#[derive(Debug)]
pub struct Growing {
    file: File,
    path: PathBuf,
}

impl Growing {
    /// Opens it, or makes it when it is to be empty, and cuts off what lies behind `length_bytes`. Its name is durable only
    /// once the folder has been fsynced for something else, such as a record beside it.
    ///
    /// # Errors
    /// `UnexpectedEof` when it is shorter than that.
    pub fn open(path: &Path, length_bytes: u64) -> Result<Self> {
        let opened = step().and_then(|()| {
            let mut options = OpenOptions::new();
            options
                .write(true)
                .create(length_bytes == 0)
                .truncate(false)
                .open(path)
        });
        let mut file = at("open", path, opened)?;
        let found_bytes = at("stat", path, file.metadata())?.len();
        if found_bytes < length_bytes {
            return at("go on with", path, Err(io::ErrorKind::UnexpectedEof.into()));
        }
        if found_bytes > length_bytes {
            at("cut off", path, step().and_then(|()| file.set_len(length_bytes)))?;
        }
        at("seek in", path, file.seek(SeekFrom::Start(length_bytes)))?;
        let path = path.to_owned();
        Ok(Self { file, path })
    }

    /// # Errors
    /// Some of the bytes may have been written then: open it anew.
    pub fn append(&self, bytes: &[u8]) -> Result<()> {
        at("write", &self.path, write(&self.file, bytes))
    }

    /// Makes what was appended before this call durable; others may append meanwhile.
    ///
    /// # Errors
    /// What was appended since the last success must be treated as lost.
    pub fn sync(&self) -> Result<()> {
        at("fsync", &self.path, step().and_then(|()| self.file.sync_data()))
    }
}

/// Makes an empty file where there is none; nothing is fsynced.
///
/// # Errors
/// When there can be none.
pub fn make_empty_not_synced(path: &Path) -> Result<()> {
    let made = step().and_then(|()| OpenOptions::new().append(true).create(true).open(path));
    at("create", path, made.map(drop))
}

/// Gives a file a second name, which must be free; the name is not fsynced yet.
///
/// # Errors
/// `AlreadyExists` when the name is taken; `CrossesDevices` and others where the file system cannot.
pub fn link_not_synced(from: &Path, to: &Path) -> Result<()> {
    at("link to", to, step().and_then(|()| fs::hard_link(from, to)))
}

/// Moves to a name that must be free, by rename, or across devices by a durable copy and then a removal.
///
/// # Errors
/// The file is still at `from` then.
pub fn move_to_new(from: &Path, to: &Path) -> Result<()> {
    match rename_to_new(from, to) {
        Err(error) if error.source.kind() == io::ErrorKind::CrossesDevices => {
            copy_to_new(from, to)?;
            remove(from)
        }
        result => result,
    }
}

/// Removes a file. One that is already gone is not an error.
///
/// # Errors
/// The file is still there then, or may be there again after a power cut.
pub fn remove(path: &Path) -> Result<()> {
    match unlink(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => {
            at("remove", path, result)?;
            sync_directory_of(path)
        }
    }
}

/// Removes a folder and what is in it, after [`remove`]-like rules.
///
/// # Errors
/// Some of it may be left then.
pub fn remove_directory_and_content(directory: &Path) -> Result<()> {
    match step().and_then(|()| fs::remove_dir_all(directory)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => at("remove the folder", directory, result),
    }
}

/// Gives a file the modification time of another, in nanoseconds since 1970.
///
/// # Errors
/// When the file system refuses.
pub fn set_modified(path: &Path, mtime_ns: i64) -> Result<()> {
    let seconds = mtime_ns.div_euclid(1_000_000_000);
    let nanoseconds = mtime_ns.rem_euclid(1_000_000_000);
    let time = rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    };
    let result = rustix::fs::utimensat(CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    at("set the times of", path, result.map_err(io::Error::from))
}

/// Sets permission bits.
///
/// # Errors
/// When the file system refuses.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    at(
        "set the mode of",
        path,
        fs::set_permissions(path, fs::Permissions::from_mode(mode)),
    )
}

/// Sets the group, by number.
///
/// # Errors
/// When the file system refuses or we are not a member of the group.
pub fn set_group(path: &Path, group: u32) -> Result<()> {
    at(
        "set the group of",
        path,
        std::os::unix::fs::chown(path, None, Some(group)),
    )
}

/// Temporaries of [`replace_with_bytes`] for `path` that a crash left behind, newest first.
#[must_use]
pub fn leftover_temporaries(path: &Path) -> Vec<PathBuf> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let prefix = temporary_prefix(name);
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let random = name
                .as_encoded_bytes()
                .strip_prefix(prefix.as_encoded_bytes())
                .and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX.as_bytes()));
            // `.tasks.json.20260101-000000.x7Kq2a.vc-tmp` belongs to an archive, not to `tasks.json`.
            random.is_some_and(|random| !random.contains(&b'.'))
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// Whether a file is one of our temporaries, of whatever file.
#[must_use]
pub fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && name.ends_with(TEMPORARY_SUFFIX.as_bytes())
}

/// Removes all temporaries of ours in `directory` (not below it). Nobody may be writing there.
///
/// # Errors
/// When one cannot be removed.
pub fn sweep_temporaries(directory: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        if is_temporary(&entry.file_name()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// A lock file that is held until this is dropped. The file itself stays.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// What came of an attempt to take a lock without waiting.
#[derive(Debug)]
pub enum LockAttempt {
    Taken(Lock),
    /// Somebody holds it; the content they left in the file (a pid).
    HeldBy(String),
}

impl Lock {
    /// Waits for the lock.
    ///
    /// # Errors
    /// When the lock file cannot be opened or the file system has no locks.
    pub fn wait(path: &Path) -> Result<Self> {
        let file = open_lock_file(path)?;
        at("lock", path, file.lock_exclusive())?;
        Ok(Self { file })
    }

    /// Whether somebody holds the lock of a file that exists. Writes nothing.
    ///
    /// # Errors
    /// When the lock file cannot be read or the file system has no locks.
    pub fn look(path: &Path) -> Result<LockAttempt> {
        let mut file = at("open the lock", path, File::open(path))?;
        match FileExt::try_lock_shared(&file) {
            Ok(()) => Ok(LockAttempt::Taken(Self { file })),
            Err(error) if error.kind() == fs2::lock_contended_error().kind() => {
                let mut holder = String::new();
                at("read", path, file.read_to_string(&mut holder))?;
                Ok(LockAttempt::HeldBy(holder.trim().to_owned()))
            }
            Err(error) => at("lock", path, Err(error)),
        }
    }

    /// Takes the lock if nobody has it, and writes `content` into it.
    ///
    /// # Errors
    /// When the lock file cannot be opened or the file system has no locks.
    pub fn attempt(path: &Path, content: &str) -> Result<LockAttempt> {
        let mut file = open_lock_file(path)?;
        match file.try_lock_exclusive() {
            Ok(()) => {
                at("write", path, file.set_len(0))?;
                at("write", path, file.write_all(content.as_bytes()))?;
                Ok(LockAttempt::Taken(Self { file }))
            }
            Err(error) if error.kind() == fs2::lock_contended_error().kind() => {
                let mut holder = String::new();
                at("read", path, file.rewind())?;
                at("read", path, file.take(64).read_to_string(&mut holder))?;
                Ok(LockAttempt::HeldBy(holder.trim().to_owned()))
            }
            Err(error) => at("lock", path, Err(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would do it as well, unless a child had inherited it.
        drop(FileExt::unlock(&self.file));
    }
}

fn open_lock_file(path: &Path) -> Result<File> {
    let options = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .open(path);
    at("open the lock", path, options)
}

fn temporary_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    // A long name plus our own letters would pass the 255 bytes a name may have.
    let kept = name.as_encoded_bytes();
    let kept = String::from_utf8_lossy(&kept[..kept.len().min(100)]).into_owned();
    prefix.push(kept);
    prefix.push(".");
    prefix
}

/// The umask applies to this: tempfile's own default would leave every file of ours at 0600.
const USUAL_MODE: u32 = 0o666;
const PRIVATE_MODE: u32 = 0o600;

fn new_temporary(path: &Path) -> Result<(PathBuf, File)> {
    new_temporary_with_mode(path, USUAL_MODE)
}

fn new_temporary_with_mode(path: &Path, mode: u32) -> Result<(PathBuf, File)> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let prefix = temporary_prefix(path.file_name().unwrap_or_default());
    let built = step().and_then(|()| {
        tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(TEMPORARY_SUFFIX)
            .permissions(fs::Permissions::from_mode(mode))
            .tempfile_in(directory)
    });
    let (file, kept) = at("create a temporary file for", path, built)?.into_parts();
    let temporary = at(
        "keep the temporary of",
        path,
        kept.keep().map_err(|error| error.error),
    )?;
    Ok((temporary, file))
}

fn rename_if_free(from: &Path, to: &Path) -> Result<()> {
    let renamed = step().and_then(|()| {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Some network and FUSE file systems know no such flag; a hard link refuses an existing name as well.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => link_then_unlink(from, to),
            result => result.map_err(io::Error::from),
        }
    });
    at("rename to", to, renamed)
}

fn link_then_unlink(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => unlink(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // FAT has neither: the gap between look and rename is the best there is.
        Err(_) if to.symlink_metadata().is_err() => rename(from, to),
        Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    step().inspect_err(|_| {
        // What a full disk and a crash leave behind is half a file.
        drop(file.write_all(&bytes[..bytes.len() / 2]));
    })?;
    file.write_all(bytes)
}

fn copy(from: &mut File, to: &mut File) -> io::Result<u64> {
    step()?;
    io::copy(from, to)
}

fn sync(file: &File) -> io::Result<()> {
    step()?;
    file.sync_all()
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::rename(from, to)
}

fn unlink(path: &Path) -> io::Result<()> {
    step()?;
    fs::remove_file(path)
}

/// Asked before each step that changes the disk, so that tests can make it fail.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "only the tests' form refuses")]
const fn step() -> io::Result<()> {
    Ok(())
}
#[cfg(test)]
use faults::step;

fn sync_both_directories(from: &Path, to: &Path) -> Result<()> {
    sync_directory_of(to)?;
    if from.parent() != to.parent() {
        sync_directory_of(from)?;
    }
    Ok(())
}

fn sync_directory_of(path: &Path) -> Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|opened| sync(&opened));
    match synced {
        // Some network file systems cannot fsync a directory; there is nothing more to be done there.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => at("fsync the folder", directory, result),
    }
}

/// A disk that refuses, or a process that dies, at a chosen step. For tests, and for the thread of the test only.
#[cfg(test)]
pub mod faults {
    use std::{cell::Cell, io};

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Fault {
        None,
        /// From this step on (the first is 1) nothing changes any more: as if the process had been killed before it.
        CrashAt(u32),
        /// This step fails with this error number, the others work.
        FailAt(u32, i32),
    }

    thread_local! {
        static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
        static STEPS: Cell<u32> = const { Cell::new(0) };
    }

    /// Counts from 1 again, with another fault ahead.
    pub fn inject(fault: Fault) {
        FAULT.set(fault);
        STEPS.set(0);
    }

    /// Ends the fault. Returns how many steps there were since it was injected, those that failed included.
    pub fn end() -> u32 {
        FAULT.set(Fault::None);
        STEPS.get()
    }

    pub(super) fn step() -> io::Result<()> {
        let number = STEPS.get() + 1;
        STEPS.set(number);
        match FAULT.get() {
            Fault::CrashAt(at) if number >= at => Err(io::Error::other("crashed")),
            Fault::FailAt(at, errno) if number == at => Err(io::Error::from_raw_os_error(errno)),
            _ => Ok(()),
        }
    }
}
