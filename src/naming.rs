//! Where an output goes: below `output/` as its source lies below `input/`, with the container's extension.
//!
//! Promises: two sources never get one name; a file that is not ours is never chosen; every name fits the file system.
//! Never in here: looking at the disk. Who occupies a name is asked through a function.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

/// The longest name of one file, in bytes, on ext4, xfs, btrfs, APFS and NTFS alike.
const NAME_LIMIT_BYTES: usize = 255;
/// Room kept free behind the stem: ` (9999)`, a source's extension and the container's, and a sidecar's.
const RESERVED_BYTES: usize = 40;

/// Who has a name below `output/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupant {
    Nobody,
    /// The unchanged result of this very source: a newer one replaces it.
    OwnResult,
    /// Somebody else's file, the result of another source, or a result of ours that was changed since.
    Other,
}

/// Whether another source has the same name but for its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namesake {
    None,
    Exists,
}

/// A chosen name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Relative to `output/`.
    pub path: PathBuf,
    pub replaces: Occupant,
    /// What a person should know about the name, for the receipt.
    pub note: Option<String>,
}

/// Chooses the name for the result of `source` (relative to `input/`) in a container with this `extension`.
pub fn choose(
    source: &Path,
    extension: &str,
    namesake: Namesake,
    mut occupant: impl FnMut(&Path) -> Occupant,
) -> Named {
    let folder = source.parent().unwrap_or(Path::new(""));
    let whole_stem = source.file_stem().unwrap_or_default();
    let (stem, note) = shorten(whole_stem);
    let source_extension = source.extension().unwrap_or_default();
    let first = match namesake {
        Namesake::None => named(&stem, &[OsStr::new(extension)]),
        Namesake::Exists => named(&stem, &[source_extension, OsStr::new(extension)]),
    };
    let base = Path::new(&first).file_stem().unwrap_or_default().to_owned();
    let mut path = folder.join(first);
    let mut number = 1_u64;
    loop {
        match occupant(&path) {
            Occupant::Other => {}
            replaces => return Named { path, replaces, note },
        }
        number += 1;
        let mut numbered = base.clone();
        numbered.push(format!(" ({number})"));
        path = folder.join(named(&numbered, &[OsStr::new(extension)]));
    }
}

fn named(stem: &OsStr, extensions: &[&OsStr]) -> OsString {
    let mut name = stem.to_owned();
    for extension in extensions.iter().filter(|extension| !extension.is_empty()) {
        name.push(".");
        name.push(extension);
    }
    name
}

/// Cuts a stem that leaves no room for what comes behind it; a hash of the whole keeps two of them apart.
fn shorten(stem: &OsStr) -> (OsString, Option<String>) {
    let bytes = stem.as_bytes();
    if bytes.len() <= NAME_LIMIT_BYTES - RESERVED_BYTES {
        return (stem.to_owned(), None);
    }
    let mark = format!("~{:08x}", xxh3_64(bytes) & 0xffff_ffff);
    let mut end = NAME_LIMIT_BYTES - RESERVED_BYTES - mark.len();
    while end > 0 && bytes[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    let mut short = bytes[..end].to_vec();
    short.extend_from_slice(mark.as_bytes());
    (
        OsString::from_vec(short),
        Some(format!("the name of {} bytes was shortened", bytes.len())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        source: &str,
        extension: &str,
        namesake: Namesake,
        taken: &[&str],
        own: &[&str],
    ) -> (String, Occupant) {
        let named = choose(Path::new(source), extension, namesake, |path| {
            let path = path.to_str().unwrap();
            if own.contains(&path) {
                Occupant::OwnResult
            } else if taken.contains(&path) {
                Occupant::Other
            } else {
                Occupant::Nobody
            }
        });
        (named.path.to_str().unwrap().to_owned(), named.replaces)
    }

    #[test]
    fn names_follow_the_source_and_never_take_what_is_not_ours() {
        use Namesake::{Exists, None};
        use Occupant::{Nobody, OwnResult};
        for (source, extension, namesake, taken, own, expected) in [
            ("720/a.mov", "mp4", None, &[][..], &[][..], ("720/a.mp4", Nobody)),
            (
                "720/deep/er/a.b.mkv",
                "mkv",
                None,
                &[],
                &[],
                ("720/deep/er/a.b.mkv", Nobody),
            ),
            ("720/a.mov", "mp4", Exists, &[], &[], ("720/a.mov.mp4", Nobody)),
            ("720/a.mp4", "mp4", Exists, &[], &[], ("720/a.mp4.mp4", Nobody)),
            (
                "720/a.mkv",
                "mkv",
                None,
                &["720/a.mkv"],
                &[],
                ("720/a (2).mkv", Nobody),
            ),
            (
                "720/a.mkv",
                "mkv",
                None,
                &["720/a.mkv", "720/a (2).mkv"],
                &[],
                ("720/a (3).mkv", Nobody),
            ),
            (
                "720/a.mkv",
                "mkv",
                None,
                &[],
                &["720/a.mkv"],
                ("720/a.mkv", OwnResult),
            ),
            (
                "720/a.mkv",
                "mkv",
                None,
                &["720/a.mkv"],
                &["720/a (2).mkv"],
                ("720/a (2).mkv", OwnResult),
            ),
            (
                "720/a.mov",
                "mp4",
                Exists,
                &["720/a.mov.mp4"],
                &[],
                ("720/a.mov (2).mp4", Nobody),
            ),
        ] {
            let (path, replaces) = chosen(source, extension, namesake, taken, own);
            assert_eq!((path.as_str(), replaces), expected, "{source} {namesake:?}");
        }
    }

    #[test]
    fn names_too_long_are_shortened_at_a_character_and_stay_apart() {
        let long = |last: char| format!("720/{}{last}.mkv", "ü".repeat(124));
        let name = |source: &str| choose(Path::new(source), "mkv", Namesake::None, |_| Occupant::Nobody);
        let (one, other) = (name(&long('a')), name(&long('b')));
        assert_ne!(one.path, other.path);
        assert!(one.path.to_str().is_some(), "cut between characters");
        assert!(one.path.file_name().unwrap().len() <= NAME_LIMIT_BYTES - RESERVED_BYTES + 4);
        assert!(one.note.is_some());
    }
}
