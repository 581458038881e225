//! Puts a finished output in its place, and then does with the source what `after_success` says.
//!
//! Promises: every step may be repeated after a crash and comes to the same end; nothing that is not ours is replaced;
//! a source goes only when its output is there, is the file that was verified, and is no link to the source.
//! Never in here: deciding whether an output is good (`verify`).

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    config::{AfterSuccess, PublishConfig, Sidecars, WhenNotSmaller},
    durable::{self, DurableError},
    task::{Identity, TaskId},
};

/// Files beside a video that belong to it when they share its stem.
const SIDECAR_EXTENSIONS: [&str; 4] = ["srt", "ass", "nfo", "jpg"];
/// A language or a word between stem and extension, as in `film.en.srt`.
const SIDECAR_TAG_LIMIT_BYTES: usize = 12;
const PART_PREFIX: &str = ".vc-";
const PART_SUFFIX: &str = ".part";

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("{} was taken by another file meanwhile; it is left alone", .0.display())]
    NameTaken(PathBuf),
    #[error("neither {} nor its finished part is there any more", .0.display())]
    Gone(PathBuf),
    #[error(
        "there is no room for a copy of the source: {} free, {} needed (min_free_bytes and its size)",
        indicatif::DecimalBytes(*free_bytes),
        indicatif::DecimalBytes(*needed_bytes)
    )]
    NoRoom { free_bytes: u64, needed_bytes: u64 },
    #[error("the copy of the source is not like the source; check the disk of output/")]
    CopyDiffers,
    #[error("stopped")]
    Stopped,
    #[error("output_group = {0:?}: there is no such group; give a name from /etc/group or a number")]
    NoSuchGroup(String),
    #[error(transparent)]
    Durable(#[from] DurableError),
}

/// What a place may hold before the output gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    Nothing,
    /// Our own earlier result for the same source, if it is still this file.
    OwnResult(Identity),
}

/// The hidden file beside `target` that is written until it is verified.
#[must_use]
pub fn part_of(target: &Path, id: &TaskId) -> PathBuf {
    target.with_file_name(format!("{PART_PREFIX}{}{PART_SUFFIX}", id.as_file_name()))
}

/// Makes a verified part ready for its name: mode, group, the source's mtime, fsync. Returns what the file will be
/// recognised by.
///
/// # Errors
/// The part must be thrown away then.
pub fn seal(part: &Path, source_mtime_ns: i64, config: &PublishConfig) -> Result<Identity, PublishError> {
    if let Some(mode) = config.output_mode {
        durable::set_mode(part, mode)?;
    }
    if let Some(group) = &config.output_group {
        durable::set_group(part, group_number(group)?)?;
    }
    durable::set_modified(part, source_mtime_ns)?;
    Ok(durable::sync_file(part)?)
}

/// How the source's own bytes came to be in a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    Copied,
    /// A hard link: the same file as the source, whose mode and times are not to be touched.
    Linked,
}

/// Puts the source's own bytes into `part`: by a link where that is wanted and possible, else by a copy, which shares the
/// disk blocks where the file system can. A whole copy is compared with the source byte by byte. What was at `part` is
/// gone. `go_on` is asked now and then.
///
/// # Errors
/// `Stopped` when `go_on` said no. The part must be thrown away then.
pub fn carry_source(
    source: &Path,
    part: &Path,
    config: &PublishConfig,
    go_on: &dyn Fn() -> bool,
) -> Result<Carried, PublishError> {
    durable::remove(part)?;
    if config.when_not_smaller == WhenNotSmaller::Link {
        match durable::link_not_synced(source, part) {
            Ok(()) => return Ok(Carried::Linked),
            Err(error) if error.is_out_of_space() => return Err(error.into()),
            // Another disk, a file system without links, too many links: a copy does as well.
            Err(error) => tracing::debug!("{error}; copied instead"),
        }
    }
    if durable::clone_not_synced(source, part).is_ok() {
        return Ok(Carried::Copied);
    }
    let size_bytes = look(source).map_or(0, |source| source.size_bytes);
    let needed_bytes = size_bytes.saturating_add(config.min_free_bytes);
    let free_bytes = part
        .parent()
        .and_then(|folder| free_bytes(folder).ok())
        .unwrap_or(u64::MAX);
    if free_bytes < needed_bytes {
        return Err(PublishError::NoRoom {
            free_bytes,
            needed_bytes,
        });
    }
    if !durable::copy_not_synced(source, part, go_on)? {
        return Err(PublishError::Stopped);
    }
    match compare_content(source, part, go_on) {
        Ok(Some(true)) => Ok(Carried::Copied),
        Ok(None) => Err(PublishError::Stopped),
        Ok(Some(false)) | Err(_) => Err(PublishError::CopyDiffers),
    }
}

/// As [`seal`], for a part that [`carry_source`] filled.
///
/// # Errors
/// The part must be thrown away then.
pub fn seal_carried(
    part: &Path,
    carried: Carried,
    source_mtime_ns: i64,
    config: &PublishConfig,
) -> Result<Identity, PublishError> {
    match carried {
        Carried::Copied => seal(part, source_mtime_ns, config),
        Carried::Linked => Ok(durable::sync_file(part)?),
    }
}

/// Removes an output of ours that a newer one has replaced under another name, as long as it is unchanged. Returns
/// whether it did.
///
/// # Errors
/// It is still there then, or may be there again after a power cut.
pub fn remove_replaced(output: &Path, recorded: &Identity) -> Result<bool, DurableError> {
    let is_ours = look(output).is_some_and(|found| is_published(&found, recorded));
    if is_ours {
        durable::remove(output)?;
    }
    Ok(is_ours)
}

/// Gives the sealed part its name.
///
/// # Errors
/// `NameTaken` when something else has the name by now: choose another one.
pub fn place(part: &Path, target: &Path, sealed: &Identity, replace: Replace) -> Result<(), PublishError> {
    let found = look(target);
    if found.is_some_and(|found| is_published(&found, sealed)) {
        // A crash may have come before its folder was fsynced.
        return Ok(durable::sync_file_and_name(target)?);
    }
    if look(part).is_none() {
        return Err(PublishError::Gone(target.to_owned()));
    }
    match (found, replace) {
        (Some(found), Replace::OwnResult(own)) if is_published(&found, &own) => {
            match durable::rename_replacing(part, target) {
                // The name changed hands and only the folder's fsync failed: there is no way back, so on with it.
                Err(_) if look(target).is_some_and(|found| is_published(&found, sealed)) => {
                    Ok(durable::sync_file_and_name(target)?)
                }
                result => Ok(result?),
            }
        }
        (Some(_), _) => Err(PublishError::NameTaken(target.to_owned())),
        (None, _) => match durable::rename_to_new(part, target) {
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {
                Err(PublishError::NameTaken(target.to_owned()))
            }
            result => Ok(result?),
        },
    }
}

/// Whether a file is the one that was published, unchanged. The device is left out: it changes with a remount.
#[must_use]
pub fn is_published(found: &Identity, recorded: &Identity) -> bool {
    (found.inode, found.size_bytes, found.mtime_ns)
        == (recorded.inode, recorded.size_bytes, recorded.mtime_ns)
}

fn look(path: &Path) -> Option<Identity> {
    path.symlink_metadata()
        .ok()
        .map(|metadata| Identity::from(&metadata))
}

/// Copies the sidecars of `source` beside `target`. One that is there already is left alone.
///
/// # Errors
/// When one cannot be copied; the others may have been.
pub fn copy_sidecars(source: &Path, target: &Path) -> Result<Vec<PathBuf>, DurableError> {
    let mut copied = Vec::new();
    for (sidecar, suffix) in sidecars_of(source) {
        let to = sidecar_of(target, &suffix);
        if to.symlink_metadata().is_ok() {
            continue;
        }
        match durable::copy_to_new(&sidecar, &to) {
            Ok(()) => copied.push(to),
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(copied)
}

/// Moves a source and its sidecars to a name that must be free, also to another disk. The source goes last: who finds it
/// there finds its sidecars too.
///
/// # Errors
/// The source is where it was then; of the sidecars, what could be moved back is.
pub fn move_source(from: &Path, to: &Path) -> Result<(), DurableError> {
    let taken = |path: &Path| DurableError {
        action: "move to",
        path: path.to_owned(),
        source: io::ErrorKind::AlreadyExists.into(),
    };
    if to.symlink_metadata().is_ok() {
        return Err(taken(to));
    }
    if let Some(folder) = to.parent() {
        durable::make_directory(folder)?;
    }
    let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
    let result = sidecars_of(from)
        .into_iter()
        .try_for_each(|(sidecar, suffix)| {
            let place = sidecar_of(to, &suffix);
            durable::move_to_new(&sidecar, &place)?;
            moved.push((sidecar, place));
            Ok(())
        })
        .and_then(|()| durable::move_to_new(from, to));
    if result.is_err() {
        for (sidecar, place) in moved {
            drop(durable::move_to_new(&place, &sidecar));
        }
    }
    result
}

fn sidecar_of(video: &Path, suffix: &OsStr) -> PathBuf {
    let mut name = video.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    video.with_file_name(name)
}

/// The sidecars of a video, each with what follows the stem in its name.
fn sidecars_of(source: &Path) -> Vec<(PathBuf, OsString)> {
    let (Some(folder), Some(stem)) = (source.parent(), source.file_stem()) else {
        return Vec::new();
    };
    let names: Vec<OsString> = folder
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    let belongs_to_another = |tagged: &OsStr| {
        names
            .iter()
            .any(|name| Path::new(name).file_stem() == Some(tagged) && !is_sidecar_extension(Path::new(name)))
    };
    let mut found: Vec<(PathBuf, OsString)> = names
        .iter()
        .filter(|name| is_sidecar_extension(Path::new(name)))
        .filter_map(|name| {
            let rest = name.as_encoded_bytes().strip_prefix(stem.as_encoded_bytes())?;
            let rest = str::from_utf8(rest).ok().filter(|rest| rest.starts_with('.'))?;
            let tag = rest[1..].rsplit_once('.').map_or("", |(tag, _)| tag);
            let sidecar_stem = Path::new(name).file_stem()?;
            let is_ours = tag.is_empty()
                || (tag.len() <= SIDECAR_TAG_LIMIT_BYTES
                    && !tag.contains('.')
                    && !belongs_to_another(sidecar_stem));
            let path = folder.join(name);
            (is_ours && path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()))
                .then(|| (path, rest.into()))
        })
        .collect();
    found.sort();
    found
}

fn is_sidecar_extension(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| {
        SIDECAR_EXTENSIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension))
    })
}

/// A source and the output that now stands for it.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    /// Absolute.
    pub source: &'a Path,
    pub source_identity: &'a Identity,
    /// Relative to `input/`.
    pub relative: &'a Path,
    /// Absolute.
    pub output: &'a Path,
    pub output_identity: &'a Identity,
}

/// What became of a result that a person does not want.
#[derive(Debug, PartialEq, Eq)]
pub enum Dropped {
    Removed,
    AlreadyGone,
    /// It stays: it would be the only copy.
    SourceIsGone,
    /// It stays: what it was made of is not there any more.
    SourceChanged,
    /// It stays: it is not the file that was published.
    NotOurs,
}

/// Removes a published output, whose source is there as it was. Each with its path and the identity that it had. Copies
/// of sidecars stay.
///
/// # Errors
/// The output is still there then, or may be there again after a power cut.
pub fn drop_result(
    (source, source_identity): (&Path, &Identity),
    (output, output_identity): (&Path, &Identity),
) -> Result<Dropped, DurableError> {
    let Some(found) = look(source) else {
        return Ok(Dropped::SourceIsGone);
    };
    if !found.same_file(source_identity) {
        return Ok(Dropped::SourceChanged);
    }
    match look(output) {
        None => Ok(Dropped::AlreadyGone),
        Some(found) if !is_published(&found, output_identity) => Ok(Dropped::NotOurs),
        Some(_) => {
            durable::remove(output)?;
            Ok(Dropped::Removed)
        }
    }
}

/// What became of a source.
#[derive(Debug, PartialEq, Eq)]
pub enum Disposed {
    Kept,
    AlreadyGone,
    ArchivedTo(PathBuf),
    Deleted,
    /// It is not the file that was encoded any more, so it stays.
    KeptBecauseChanged,
    /// The output is not there any more or is not the file that was verified, so the source stays.
    KeptBecauseOutputIsGone,
}

/// Does with the source of a published and recorded output what `after_success` says.
///
/// # Errors
/// The source is still there then, or may be there again after a power cut.
pub fn dispose(published: Published<'_>, config: &PublishConfig) -> Result<Disposed, DurableError> {
    let Published {
        source,
        source_identity,
        relative,
        output,
        output_identity,
    } = published;
    if config.after_success == AfterSuccess::Keep {
        return Ok(Disposed::Kept);
    }
    let Some(found) = look(source) else {
        return Ok(Disposed::AlreadyGone);
    };
    if !found.same_file(source_identity) {
        return Ok(Disposed::KeptBecauseChanged);
    }
    let is_safe = look(output).is_some_and(|output| {
        is_published(&output, output_identity) && (output.device, output.inode) != (found.device, found.inode)
    });
    if !is_safe {
        return Ok(Disposed::KeptBecauseOutputIsGone);
    }
    let sidecars = if config.sidecars == Sidecars::Follow {
        // The copies may have failed when the output was published, or a crash came before them.
        copy_sidecars(source, output)?;
        sidecars_of(source)
    } else {
        Vec::new()
    };
    // The source last: as long as it is there, a start after a crash finds what is left to do.
    for (sidecar, suffix) in sidecars {
        match config.after_success {
            AfterSuccess::Delete => {
                // Where its copy could not be made, or another file has the name, it is the only one.
                if is_same_content(&sidecar, &sidecar_of(output, &suffix)) {
                    durable::remove(&sidecar)?;
                }
            }
            AfterSuccess::Archive | AfterSuccess::Keep => {
                let name = sidecar.file_name().unwrap_or_default();
                archive(&sidecar, &config.archive_dir.join(relative.with_file_name(name)))?;
            }
        }
    }
    Ok(match config.after_success {
        AfterSuccess::Delete => {
            durable::remove(source)?;
            Disposed::Deleted
        }
        AfterSuccess::Archive | AfterSuccess::Keep => {
            Disposed::ArchivedTo(archive(source, &config.archive_dir.join(relative))?)
        }
    })
}

/// Moves `from` to `to`, or to a numbered name beside it. Repeated after a crash, it finds its own copy.
fn archive(from: &Path, to: &Path) -> Result<PathBuf, DurableError> {
    if let Some(folder) = to.parent() {
        durable::make_directory(folder)?;
    }
    // A copy to another disk that a crash cut off may be as large as the source.
    for left in durable::leftover_temporaries(to) {
        durable::remove(&left)?;
    }
    let mut number = 1;
    let mut target = to.to_owned();
    loop {
        match durable::move_to_new(from, &target) {
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| target),
        }
        if is_same_content(from, &target) {
            // It may be there by the kernel's word only: the crash came before its folder was fsynced.
            durable::sync_file_and_name(&target)?;
            durable::remove(from)?;
            return Ok(target);
        }
        number += 1;
        let mut name = to.file_stem().unwrap_or_default().to_owned();
        name.push(format!(" ({number})"));
        if let Some(extension) = to.extension() {
            name.push(".");
            name.push(extension);
        }
        target = to.with_file_name(name);
    }
}

fn is_same_content(one: &Path, other: &Path) -> bool {
    compare_content(one, other, &|| true).is_ok_and(|same| same == Some(true))
}

/// Whether two files, which must not be one, hold the same bytes; `None` when `go_on` said no.
fn compare_content(one: &Path, other: &Path, go_on: &dyn Fn() -> bool) -> io::Result<Option<bool>> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (one_is, other_is) = (one.metadata()?, other.metadata()?);
    if one_is.len() != other_is.len() || (one_is.dev(), one_is.ino()) == (other_is.dev(), other_is.ino()) {
        return Ok(Some(false));
    }
    let (mut left, mut right) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    while go_on() {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(Some(true));
        }
        other.read_exact(&mut right[..count])?;
        if left[..count] != right[..count] {
            return Ok(Some(false));
        }
    }
    Ok(None)
}

/// Parts below `output/` that no task needs any more are removed, and copies of sidecars that a crash cut off. Returns
/// how many.
pub fn sweep_parts(output: &Path, is_needed: impl Fn(&Path) -> bool) -> usize {
    sweep(output, |path, name| {
        let is_part = name.as_encoded_bytes().starts_with(PART_PREFIX.as_bytes())
            && name.as_encoded_bytes().ends_with(PART_SUFFIX.as_bytes());
        (is_part && !is_needed(path)) || durable::is_temporary(name)
    })
}

/// Copies that a crash cut off while sources were moved to another disk are removed. Returns how many.
pub fn sweep_copies(archive_dir: &Path) -> usize {
    sweep(archive_dir, |_, name| durable::is_temporary(name))
}

fn sweep(folder: &Path, is_left_over: impl Fn(&Path, &OsStr) -> bool) -> usize {
    // A resolution folder may be a link to another disk; the walk follows its starting points only.
    let linked = folder
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_symlink());
    linked
        .chain([folder.to_owned()])
        .flat_map(|start| walkdir::WalkDir::new(start).into_iter().flatten())
        .filter(|entry| entry.file_type().is_file() && is_left_over(entry.path(), entry.file_name()))
        .filter(|part| match durable::remove(part.path()) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!("{error}; remove it by hand");
                false
            }
        })
        .count()
}

/// Bytes that this user may still write on the disk of `folder`.
///
/// # Errors
/// When the folder is not there.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    fs2::available_space(folder)
}

/// Whether `output_group`, if it is set, names a group.
///
/// # Errors
/// `NoSuchGroup`, before hours of encoding.
pub fn check_group(config: &PublishConfig) -> Result<(), PublishError> {
    config
        .output_group
        .as_deref()
        .map_or(Ok(()), |group| group_number(group).map(drop))
}

fn group_number(group: &str) -> Result<u32, PublishError> {
    let no_such_group = || PublishError::NoSuchGroup(group.to_owned());
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = std::fs::read_to_string("/etc/group").map_err(|_| no_such_group())?;
    groups
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&group))
        .and_then(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(no_such_group)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        config::{Verify, WhenNotSmaller},
        durable::faults::{self, Fault},
    };

    fn config(after_success: AfterSuccess, sidecars: Sidecars, folder: &Path) -> PublishConfig {
        PublishConfig {
            verify: Verify::Auto,
            after_success,
            when_not_smaller: WhenNotSmaller::Copy,
            archive_dir: folder.join("input/.done"),
            sidecars,
            output_mode: None,
            output_group: None,
            min_free_bytes: 0,
        }
    }

    struct Scene {
        folder: tempfile::TempDir,
        source: PathBuf,
        output: PathBuf,
        part: PathBuf,
    }

    fn scene() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let (source, output) = (
            folder.path().join("input/720/a.mov"),
            folder.path().join("output/720/a.mp4"),
        );
        for path in [&source, &output] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        fs::write(&source, "source").unwrap();
        let part = part_of(&output, &TaskId::from("x"));
        fs::write(&part, "output").unwrap();
        Scene {
            folder,
            source,
            output,
            part,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = walkdir::WalkDir::new(folder)
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                entry
                    .path()
                    .strip_prefix(folder)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_source_is_carried_as_a_file_of_its_own_or_as_a_link_that_leaves_it_untouched() {
        for (wanted, carried) in [
            (WhenNotSmaller::Copy, Carried::Copied),
            (WhenNotSmaller::Link, Carried::Linked),
        ] {
            let scene = scene();
            let config = PublishConfig {
                when_not_smaller: wanted,
                output_mode: Some(0o600),
                ..config(AfterSuccess::Delete, Sidecars::Copy, scene.folder.path())
            };
            durable::set_mode(&scene.source, 0o644).unwrap();
            durable::set_modified(&scene.source, 1_000_000_000_123_456_789).unwrap();
            let before = look(&scene.source).unwrap();
            assert_eq!(
                carry_source(&scene.source, &scene.part, &config, &|| true).unwrap(),
                carried
            );
            let sealed = seal_carried(&scene.part, carried, before.mtime_ns, &config).unwrap();
            place(&scene.part, &scene.output, &sealed, Replace::Nothing).unwrap();
            assert_eq!(fs::read(&scene.output).unwrap(), b"source");
            assert_eq!(sealed.mtime_ns, before.mtime_ns);
            assert!(look(&scene.source).unwrap().same_file(&before), "{wanted:?}");
            assert_eq!(
                scene.source.metadata().unwrap().mode() & 0o777,
                0o644,
                "{wanted:?}"
            );
            assert_eq!(sealed.inode == before.inode, carried == Carried::Linked);
            let disposed = dispose(
                Published {
                    source: &scene.source,
                    source_identity: &before,
                    relative: Path::new("720/a.mov"),
                    output: &scene.output,
                    output_identity: &sealed,
                },
                &config,
            );
            let goes = carried == Carried::Copied;
            assert_eq!(disposed.unwrap() == Disposed::Deleted, goes, "{wanted:?}");
            assert_eq!(scene.source.exists(), !goes, "{wanted:?}");
        }
    }

    #[test]
    fn a_copy_that_has_no_room_or_is_stopped_is_none() {
        let scene = scene();
        let roomy = config(AfterSuccess::Keep, Sidecars::Copy, scene.folder.path());
        // A file system with reflinks needs no room.
        let is_cloned = durable::clone_not_synced(&scene.source, &scene.part).is_ok();
        let full = PublishConfig {
            min_free_bytes: u64::MAX,
            ..roomy.clone()
        };
        let carried = carry_source(&scene.source, &scene.part, &full, &|| true);
        assert!(
            is_cloned || matches!(carried, Err(PublishError::NoRoom { .. })),
            "{carried:?}"
        );
        let stopped = carry_source(&scene.source, &scene.part, &roomy, &|| false);
        assert!(
            is_cloned || matches!(stopped, Err(PublishError::Stopped)),
            "{stopped:?}"
        );
    }

    #[test]
    fn a_link_to_another_disk_is_a_copy() {
        let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let scene = scene();
        let config = PublishConfig {
            when_not_smaller: WhenNotSmaller::Link,
            ..config(AfterSuccess::Keep, Sidecars::Copy, scene.folder.path())
        };
        let source = elsewhere.path().join("a.mov");
        fs::write(&source, "elsewhere").unwrap();
        let is_elsewhere = look(&source).unwrap().device != look(&scene.source).unwrap().device;
        let carried = carry_source(&source, &scene.part, &config, &|| true).unwrap();
        assert_eq!(carried == Carried::Copied, is_elsewhere);
        assert_eq!(fs::read(&scene.part).unwrap(), b"elsewhere");
    }

    #[test]
    fn a_copy_that_a_crash_cuts_off_at_any_step_is_made_again_and_never_seen_half() {
        for wanted in [WhenNotSmaller::Copy, WhenNotSmaller::Link] {
            let mut step = 1;
            loop {
                let scene = scene();
                let config = PublishConfig {
                    when_not_smaller: wanted,
                    ..config(AfterSuccess::Keep, Sidecars::Copy, scene.folder.path())
                };
                let run = || -> Result<(), PublishError> {
                    let carried = carry_source(&scene.source, &scene.part, &config, &|| true)?;
                    let sealed = seal_carried(&scene.part, carried, 7, &config)?;
                    place(&scene.part, &scene.output, &sealed, Replace::OwnResult(sealed))
                };
                faults::inject(Fault::CrashAt(step));
                let crashed = run().is_err();
                faults::end();
                let whole = |path: &Path| fs::read(path).is_ok_and(|bytes| bytes == b"source");
                assert!(whole(&scene.source), "{wanted:?}, step {step}");
                assert!(
                    !scene.output.exists() || whole(&scene.output),
                    "{wanted:?}, step {step}: half a copy"
                );
                // As a start does: what has its name is completed, everything else is done again.
                sweep_parts(&scene.folder.path().join("output"), |_| false);
                if !scene.output.exists() {
                    run().unwrap();
                }
                assert!(whole(&scene.output), "{wanted:?}, step {step}");
                assert_eq!(
                    names(&scene.folder.path().join("output")),
                    ["720/a.mp4"],
                    "{wanted:?}, step {step}"
                );
                if !crashed {
                    assert!(step > 4, "only {step} steps");
                    break;
                }
                step += 1;
            }
        }
    }

    #[test]
    fn an_older_output_is_removed_only_as_long_as_it_is_ours() {
        let scene = scene();
        let own = look(&scene.part).unwrap();
        assert!(remove_replaced(&scene.part, &own).unwrap());
        assert!(!remove_replaced(&scene.part, &own).unwrap(), "it is gone");
        fs::write(&scene.part, "somebody else's").unwrap();
        assert!(!remove_replaced(&scene.part, &own).unwrap());
        assert!(scene.part.exists());
    }

    #[test]
    fn publishing_twice_is_publishing_once_and_the_mtime_is_the_sources() {
        let scene = scene();
        let config = config(AfterSuccess::Keep, Sidecars::Copy, scene.folder.path());
        let sealed = seal(&scene.part, 1_500_000_000_123_456_789, &config).unwrap();
        place(&scene.part, &scene.output, &sealed, Replace::Nothing).unwrap();
        faults::inject(Fault::None);
        place(&scene.part, &scene.output, &sealed, Replace::Nothing).unwrap();
        assert_eq!(faults::end(), 2, "the file and its folder are fsynced again");
        assert_eq!(fs::read(&scene.output).unwrap(), b"output");
        assert_eq!(look(&scene.output).unwrap().mtime_ns, 1_500_000_000_123_456_789);
        assert!(!scene.part.exists());
    }

    #[test]
    fn a_file_of_others_is_never_replaced_and_our_own_only_while_it_is_unchanged() {
        let scene = scene();
        let config = config(AfterSuccess::Keep, Sidecars::Copy, scene.folder.path());
        let sealed = seal(&scene.part, 0, &config).unwrap();
        fs::write(&scene.output, "other").unwrap();
        let other = look(&scene.output).unwrap();
        let changed = Identity {
            size_bytes: 99,
            ..other
        };
        for replace in [Replace::Nothing, Replace::OwnResult(changed)] {
            let result = place(&scene.part, &scene.output, &sealed, replace);
            assert!(matches!(result, Err(PublishError::NameTaken(_))), "{replace:?}");
            assert_eq!(fs::read(&scene.output).unwrap(), b"other");
        }
        place(&scene.part, &scene.output, &sealed, Replace::OwnResult(other)).unwrap();
        assert_eq!(fs::read(&scene.output).unwrap(), b"output");
    }

    #[test]
    fn a_sidecar_is_deleted_only_when_its_content_is_beside_the_output() {
        let (scene, source_identity, output_identity) = published_scene();
        let input = scene.source.parent().unwrap();
        fs::write(input.join("a.srt"), "ours").unwrap();
        fs::write(input.join("a.nfo"), "never copied yet").unwrap();
        fs::write(scene.output.with_file_name("a.srt"), "somebody else's").unwrap();
        let published = Published {
            source: &scene.source,
            source_identity: &source_identity,
            relative: Path::new("720/a.mov"),
            output: &scene.output,
            output_identity: &output_identity,
        };
        let config = config(AfterSuccess::Delete, Sidecars::Follow, scene.folder.path());
        assert_eq!(dispose(published, &config).unwrap(), Disposed::Deleted);
        assert_eq!(names(input), ["a.srt"]);
        let output = scene.output.parent().unwrap();
        assert_eq!(names(output), ["a.mp4", "a.nfo", "a.srt"]);
        assert_eq!(fs::read(output.join("a.nfo")).unwrap(), b"never copied yet");
    }

    fn published_scene() -> (Scene, Identity, Identity) {
        let scene = scene();
        let config = config(AfterSuccess::Keep, Sidecars::Copy, scene.folder.path());
        let sealed = seal(&scene.part, 0, &config).unwrap();
        place(&scene.part, &scene.output, &sealed, Replace::Nothing).unwrap();
        let source = look(&scene.source).unwrap();
        (scene, source, sealed)
    }

    #[test]
    fn a_result_goes_only_when_its_source_stands_for_it() {
        type Spoil = fn(&Scene);
        let table: [(&str, Spoil, Dropped, bool); 5] = [
            ("as it was", |_| {}, Dropped::Removed, false),
            (
                "no source",
                |scene| fs::remove_file(&scene.source).unwrap(),
                Dropped::SourceIsGone,
                true,
            ),
            (
                "another source",
                |scene| fs::write(&scene.source, "a longer source").unwrap(),
                Dropped::SourceChanged,
                true,
            ),
            (
                "another output",
                |scene| fs::write(&scene.output, "somebody else's file").unwrap(),
                Dropped::NotOurs,
                true,
            ),
            (
                "no output",
                |scene| fs::remove_file(&scene.output).unwrap(),
                Dropped::AlreadyGone,
                false,
            ),
        ];
        for (name, spoil, expected, stays) in table {
            let (scene, source, output) = published_scene();
            spoil(&scene);
            let content = fs::read(&scene.source).ok();
            let dropped = drop_result((&scene.source, &source), (&scene.output, &output)).unwrap();
            assert_eq!((dropped, scene.output.exists()), (expected, stays), "{name}");
            assert_eq!(fs::read(&scene.source).ok(), content, "{name}");
        }
    }

    #[test]
    fn a_source_goes_only_when_its_output_stands_for_it() {
        use AfterSuccess::{Archive, Delete, Keep};
        type Spoil = fn(&Scene);
        let table: [(&str, AfterSuccess, Spoil, Disposed, bool); 6] = [
            ("keep", Keep, |_| {}, Disposed::Kept, true),
            ("delete", Delete, |_| {}, Disposed::Deleted, false),
            (
                "output gone",
                Delete,
                |scene| fs::remove_file(&scene.output).unwrap(),
                Disposed::KeptBecauseOutputIsGone,
                true,
            ),
            (
                "output changed",
                Archive,
                |scene| fs::write(&scene.output, "x").unwrap(),
                Disposed::KeptBecauseOutputIsGone,
                true,
            ),
            (
                "source changed",
                Delete,
                |scene| fs::write(&scene.source, "new version").unwrap(),
                Disposed::KeptBecauseChanged,
                true,
            ),
            (
                "source gone",
                Archive,
                |scene| fs::remove_file(&scene.source).unwrap(),
                Disposed::AlreadyGone,
                false,
            ),
        ];
        for (name, after_success, spoil, expected, is_there) in table {
            let (scene, source_identity, output_identity) = published_scene();
            spoil(&scene);
            let config = config(after_success, Sidecars::Copy, scene.folder.path());
            let published = Published {
                source: &scene.source,
                source_identity: &source_identity,
                relative: Path::new("720/a.mov"),
                output: &scene.output,
                output_identity: &output_identity,
            };
            assert_eq!(dispose(published, &config).unwrap(), expected, "{name}");
            assert_eq!(scene.source.exists(), is_there, "{name}");
        }
    }

    #[test]
    fn sidecars_are_copied_under_the_outputs_name_and_follow_the_source_when_asked() {
        let (scene, source_identity, output_identity) = published_scene();
        let input = scene.source.parent().unwrap();
        for name in [
            "a.srt", "a.en.SRT", "a.nfo", "a.b.ass", "a.b.mkv", "ab.srt", "b.srt", "a.txt",
        ] {
            fs::write(input.join(name), name).unwrap();
        }
        copy_sidecars(&scene.source, &scene.output).unwrap();
        copy_sidecars(&scene.source, &scene.output).unwrap();
        assert_eq!(
            names(scene.output.parent().unwrap()),
            ["a.en.SRT", "a.mp4", "a.nfo", "a.srt"]
        );

        let config = config(AfterSuccess::Archive, Sidecars::Follow, scene.folder.path());
        fs::create_dir_all(config.archive_dir.join("720")).unwrap();
        fs::write(
            config.archive_dir.join("720/.a.mov.Xy12.vc-tmp"),
            "half of an older one",
        )
        .unwrap();
        fs::write(config.archive_dir.join("720/a.mov"), "an older one").unwrap();
        let published = Published {
            source: &scene.source,
            source_identity: &source_identity,
            relative: Path::new("720/a.mov"),
            output: &scene.output,
            output_identity: &output_identity,
        };
        let disposed = dispose(published, &config).unwrap();
        assert_eq!(
            disposed,
            Disposed::ArchivedTo(config.archive_dir.join("720/a (2).mov"))
        );
        assert_eq!(
            names(&config.archive_dir),
            [
                "720/a (2).mov",
                "720/a.en.SRT",
                "720/a.mov",
                "720/a.nfo",
                "720/a.srt"
            ]
        );
    }

    /// Does the work with each fault at each step, each time in a new scene, and gives `after` the scene and whether
    /// the work said that it was done.
    fn at_every_step(
        prepare: impl Fn() -> (Scene, Identity, Identity),
        work: impl Fn(&Scene, &Identity, &Identity) -> bool,
        after: impl Fn(&Scene, bool, Fault),
        least_steps: u32,
    ) {
        for at in 1.. {
            let mut steps = 0;
            for fault in [Fault::CrashAt(at), Fault::FailAt(at, 5), Fault::FailAt(at, 28)] {
                let (scene, source, output) = prepare();
                faults::inject(fault);
                let is_done = work(&scene, &source, &output);
                steps = faults::end();
                after(&scene, is_done, fault);
                assert!(
                    work(&scene, &source, &output),
                    "{fault:?}: not done the second time"
                );
                after(&scene, true, Fault::None);
            }
            if steps < at {
                assert!(at > least_steps, "only {steps} steps were seen");
                return;
            }
        }
    }

    #[test]
    fn giving_an_output_its_name_may_be_cut_off_at_every_step() {
        for replaces in [false, true] {
            at_every_step(
                || {
                    let scene = scene();
                    let config = config(AfterSuccess::Keep, Sidecars::Copy, scene.folder.path());
                    if replaces {
                        fs::write(&scene.output, "an earlier result").unwrap();
                    }
                    let earlier = look(&scene.output).unwrap_or(look(&scene.source).unwrap());
                    let sealed = seal(&scene.part, 0, &config).unwrap();
                    (scene, earlier, sealed)
                },
                |scene, earlier, sealed| {
                    let replace = if replaces {
                        Replace::OwnResult(*earlier)
                    } else {
                        Replace::Nothing
                    };
                    place(&scene.part, &scene.output, sealed, replace).is_ok()
                },
                |scene, is_done, fault| {
                    let placed = fs::read(&scene.output).is_ok_and(|bytes| bytes == b"output");
                    assert_ne!(placed, scene.part.exists(), "{fault:?}");
                    assert!(placed || !is_done, "{fault:?}");
                },
                2,
            );
        }
    }

    #[test]
    fn disposing_of_a_source_may_be_cut_off_at_every_step() {
        for after_success in [AfterSuccess::Archive, AfterSuccess::Delete] {
            at_every_step(
                || {
                    let (scene, source, sealed) = published_scene();
                    fs::write(scene.source.with_extension("srt"), "subtitles").unwrap();
                    copy_sidecars(&scene.source, &scene.output).unwrap();
                    (scene, source, sealed)
                },
                |scene, source, sealed| {
                    let published = Published {
                        source: &scene.source,
                        source_identity: source,
                        relative: Path::new("720/a.mov"),
                        output: &scene.output,
                        output_identity: sealed,
                    };
                    let config = config(after_success, Sidecars::Follow, scene.folder.path());
                    dispose(published, &config).is_ok()
                },
                |scene, is_done, fault| {
                    assert_eq!(names(scene.output.parent().unwrap()), ["a.mp4", "a.srt"]);
                    let kept = names(&scene.folder.path().join("input"));
                    let archived = [".done/720/a.mov", ".done/720/a.srt"];
                    match (is_done, after_success) {
                        (true, AfterSuccess::Archive) => assert_eq!(kept, archived),
                        (true, _) => assert_eq!(kept, Vec::<String>::new()),
                        (false, AfterSuccess::Archive) => {
                            assert_eq!(kept.len(), 2, "{fault:?}: {kept:?}");
                            // A process that dies says nothing, whatever it had done.
                            assert!(
                                scene.source.exists() || matches!(fault, Fault::CrashAt(_)),
                                "{fault:?}"
                            );
                        }
                        (false, _) => {
                            assert!(scene.source.exists() || kept.is_empty(), "{fault:?}: {kept:?}")
                        }
                    }
                },
                4,
            );
        }
    }

    #[test]
    fn a_sidecar_that_has_no_copy_in_output_is_not_deleted() {
        let (scene, source_identity, output_identity) = published_scene();
        let sidecar = scene.source.with_extension("srt");
        fs::write(&sidecar, "ours").unwrap();
        fs::write(scene.output.with_extension("srt"), "of others").unwrap();
        copy_sidecars(&scene.source, &scene.output).unwrap();
        let published = Published {
            source: &scene.source,
            source_identity: &source_identity,
            relative: Path::new("720/a.mov"),
            output: &scene.output,
            output_identity: &output_identity,
        };
        let config = config(AfterSuccess::Delete, Sidecars::Follow, scene.folder.path());
        assert_eq!(dispose(published, &config).unwrap(), Disposed::Deleted);
        assert_eq!(fs::read(sidecar).unwrap(), b"ours");
    }

    #[test]
    fn what_a_crash_left_behind_is_swept_and_nothing_else() {
        let scene = scene();
        let folder = scene.output.parent().unwrap();
        for name in [
            ".vc-1.part",
            ".a.srt.x7Kq2a.vc-tmp",
            ".hidden",
            "b.part",
            "c.vc-tmp",
        ] {
            fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(sweep_copies(folder), 1);
        assert_eq!(sweep_parts(folder, |path| path == scene.part), 1);
        assert_eq!(names(folder), [".hidden", ".vc-x.part", "b.part", "c.vc-tmp"]);
    }
}
