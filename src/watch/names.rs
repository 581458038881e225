//! What a name says about a file: pure.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Component, Path},
};

use super::Place;
use crate::task::Resolution;

/// What programs append to the name of a file they are still writing. Safari's `.download` is a folder.
const TEMPORARY_SUFFIXES: [&[u8]; 7] = [
    b".part",
    b".partial",
    b".tmp",
    b".!qb",
    b".crdownload",
    b".download",
    b"~",
];

/// Extensions of videos that are not taken unless the settings say so. Whoever drops such a file is told why nothing
/// happens.
const OTHER_VIDEO_EXTENSIONS: [&str; 24] = [
    "3g2", "3gp", "asf", "divx", "dv", "f4v", "h264", "hevc", "m2v", "mkv3d", "mod", "mpe", "mpeg", "mts",
    "mxf", "ogm", "ogv", "rm", "rmvb", "tod", "trp", "vob", "wtv", "y4m",
];

/// Whether one component of a path is hidden or temporary, and so is everything below it.
pub(super) fn is_ignored(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let ends_with = |suffix: &&[u8]| {
        name.len() >= suffix.len() && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
    };
    name.starts_with(b".") || TEMPORARY_SUFFIXES.iter().any(ends_with)
}

/// Whether a relative path leads through an ignored name, or out of the root.
pub(super) fn leads_through_ignored(path: &Path) -> bool {
    path.components().any(|component| match component {
        Component::Normal(name) => is_ignored(name),
        _ => true,
    })
}

/// `extensions` in lower case, without the dot.
pub(super) fn is_video(name: &OsStr, extensions: &BTreeSet<String>) -> bool {
    Path::new(name)
        .extension()
        .and_then(OsStr::to_str)
        .is_some_and(|found| extensions.iter().any(|known| known.eq_ignore_ascii_case(found)))
}

/// The extension of a video that the settings leave out.
pub(super) fn other_video(name: &OsStr) -> Option<&'static str> {
    let extension = Path::new(name).extension()?;
    OTHER_VIDEO_EXTENSIONS
        .into_iter()
        .find(|other| extension.eq_ignore_ascii_case(other))
}

/// The resolution folder of that name, if it is configured. `0720` and `+720` are not `720`.
pub(super) fn resolution(name: &OsStr, resolutions: &BTreeSet<Resolution>) -> Option<Resolution> {
    let name = name.to_str()?;
    let resolution: Resolution = name.parse().ok()?;
    (resolution.to_string() == name && resolutions.contains(&resolution)).then_some(resolution)
}

/// Where the file at a relative path lies.
pub(super) fn place(path: &Path, resolutions: &BTreeSet<Resolution>) -> Place {
    let mut components = path.components();
    let first = components.next();
    match (first, components.next()) {
        (Some(first), Some(_)) => {
            resolution(first.as_os_str(), resolutions).map_or(Place::Stray, Place::Resolution)
        }
        _ => Place::Stray,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_temporary_names_are_ignored_at_any_depth() {
        for (path, ignored) in [
            ("720/a.mkv", false),
            ("a.mkv", false),
            ("720/x/y/a b.mkv", false),
            ("720/part", false),
            ("720/a.part.mkv", false),
            ("720/a.mkv.part", true),
            ("720/a.mkv.PART", true),
            ("720/a.partial", true),
            ("720/a.mkv.tmp", true),
            ("720/a.mkv.!qB", true),
            ("720/a.mkv.crdownload", true),
            ("720/a.mkv.download/a.mkv", true),
            ("720/a.mkv~", true),
            ("720/.a.mkv", true),
            ("720/.hidden/a.mkv", true),
            (".done/720/a.mkv", true),
            ("../a.mkv", true),
            ("/etc/a.mkv", true),
            ("", false),
        ] {
            assert_eq!(leads_through_ignored(Path::new(path)), ignored, "{path}");
        }
    }

    #[test]
    fn a_video_is_known_by_its_extension_in_any_case() {
        let extensions = BTreeSet::from(["mkv".to_owned(), "mp4".to_owned()]);
        for (name, video) in [
            (&b"a.mkv"[..], true),
            (b"a.MkV", true),
            (b"a.b.mp4", true),
            (b"\xff\xfe.mkv", true),
            (b"new\nline.mp4", true),
            (b"-y.mp4", true),
            (b"a.avi", false),
            (b"a.mk\xff", false),
            (b"mkv", false),
            (b"a.mkv ", false),
            (b"a", false),
        ] {
            assert_eq!(is_video(OsStr::from_bytes(name), &extensions), video, "{name:?}");
        }
    }

    #[test]
    fn the_first_component_says_the_resolution() {
        let resolutions = BTreeSet::from([Resolution(480), Resolution(720)]);
        for (path, place_expected) in [
            ("720/a.mkv", Place::Resolution(Resolution(720))),
            ("480/x/720/a.mkv", Place::Resolution(Resolution(480))),
            ("1080/a.mkv", Place::Stray),
            ("0720/a.mkv", Place::Stray),
            ("+720/a.mkv", Place::Stray),
            ("720p/a.mkv", Place::Stray),
            ("foo/720/a.mkv", Place::Stray),
            ("a.mkv", Place::Stray),
            ("720", Place::Stray),
        ] {
            assert_eq!(place(Path::new(path), &resolutions), place_expected, "{path}");
        }
    }
}
