//! What a client says of a file that it is about to send: tus's `Upload-Metadata`, names, checksums. Pure.
//!
//! Promises: a name that is accepted lies below its resolution folder, passes through no hidden folder, and is one that
//! the watch will take; whatever is refused is told with the reason.
//! Never in here: the disk.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    task::Resolution,
    watch::{self, Taken},
};

/// Folders deep; a path of the operating system ends at 4,096 bytes.
const COMPONENTS_LIMIT: usize = 16;
const PATH_LIMIT_BYTES: usize = 2048;
/// Of one folder's name; the file's own is shortened when it is too long.
const FOLDER_LIMIT_BYTES: usize = 255;
/// A client's own mark, by which it finds its upload again.
const MARK_LIMIT_BYTES: usize = 128;

/// What is wrong with what a client said. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

fn unfit<T>(text: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit(text.into()))
}

/// A file that somebody wants to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    #[serde(with = "height")]
    pub resolution: Resolution,
    /// Relative to the resolution folder.
    pub name: PathBuf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default)]
    pub priority: i32,
    /// By which the client finds its upload again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

mod height {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::task::Resolution;

    pub fn serialize<S: Serializer>(resolution: &Resolution, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(resolution.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Resolution, D::Error> {
        u32::deserialize(deserializer).map(Resolution)
    }
}

/// What the settings allow.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    pub resolutions: &'a BTreeSet<Resolution>,
    pub extensions: &'a BTreeSet<String>,
    pub profiles: &'a [&'a str],
}

impl Wanted {
    /// From tus's header: `filename`, `resolution`, `profile`, `priority` and `mark`; other keys are the client's own.
    ///
    /// # Errors
    /// What is missing or not allowed.
    pub fn from_metadata(header: &str, allowed: Allowed<'_>) -> Result<Self, Unfit> {
        let metadata = Metadata::parse(header)?;
        let Some(name) = metadata.text("filename")? else {
            return unfit("Upload-Metadata has no `filename`: give the name of the file");
        };
        let Some(resolution) = metadata.text("resolution")? else {
            return unfit("Upload-Metadata has no `resolution`: give the folder's number, such as 720");
        };
        Self::new(
            &resolution,
            &name,
            metadata.text("profile")?,
            metadata.text("priority")?.as_deref(),
            metadata.text("mark")?,
            allowed,
        )
    }

    /// # Errors
    /// What is not allowed.
    pub fn new(
        resolution: &str,
        name: &str,
        profile: Option<String>,
        priority: Option<&str>,
        mark: Option<String>,
        allowed: Allowed<'_>,
    ) -> Result<Self, Unfit> {
        let known = allowed
            .resolutions
            .iter()
            .find(|known| known.to_string() == resolution);
        let Some(resolution) = known.copied() else {
            let known: Vec<String> = allowed.resolutions.iter().map(ToString::to_string).collect();
            let known = known.join(", ");
            return unfit(format!(
                "there is no folder for resolution {resolution:?}; known are {known}"
            ));
        };
        let priority = match priority.map(str::parse) {
            None => 0,
            Some(Ok(priority)) => priority,
            Some(Err(_)) => return unfit("priority: give a whole number; higher goes first"),
        };
        let profile = profile.filter(|profile| !profile.is_empty());
        if let Some(profile) = profile
            .as_ref()
            .filter(|profile| !allowed.profiles.contains(&profile.as_str()))
        {
            let known = allowed.profiles.join(", ");
            return unfit(format!("there is no profile {profile:?}; known are {known}"));
        }
        if mark.as_ref().is_some_and(|mark| mark.len() > MARK_LIMIT_BYTES) {
            return unfit(format!("mark: at most {MARK_LIMIT_BYTES} bytes"));
        }
        Ok(Self {
            resolution,
            name: relative(name, allowed.extensions)?,
            profile,
            priority,
            mark,
        })
    }

    /// Whether the task is to be other than that of a dropped file.
    #[must_use]
    pub fn has_wishes(&self) -> bool {
        self.profile.is_some() || self.priority != 0
    }
}

/// A name, or a path of folders and a name, that may be made below a resolution folder.
fn relative(name: &str, extensions: &BTreeSet<String>) -> Result<PathBuf, Unfit> {
    if name.len() > PATH_LIMIT_BYTES {
        return unfit(format!("the name is too long: at most {PATH_LIMIT_BYTES} bytes"));
    }
    if name.chars().any(char::is_control) {
        return unfit("the name has a control character; rename the file");
    }
    // `Path` would overlook empty and `.` components, and an absolute path.
    let parts: Vec<&str> = name.split('/').collect();
    if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
        return unfit(
            "the name leads elsewhere: give a name, or folders and a name with a / between each, without . and ..",
        );
    }
    let folders = &parts[..parts.len() - 1];
    if parts.len() > COMPONENTS_LIMIT || folders.iter().any(|folder| folder.len() > FOLDER_LIMIT_BYTES) {
        return unfit(format!(
            "the name has too many folders (more than {COMPONENTS_LIMIT}), or one of more than {FOLDER_LIMIT_BYTES} bytes"
        ));
    }
    let path = PathBuf::from(name);
    debug_assert!(path.components().all(|part| matches!(part, Component::Normal(_))));
    match watch::takes(&path, extensions) {
        Taken::Yes => Ok(path),
        Taken::Ignored => unfit(
            "a file or folder whose name begins with a dot, or ends as those of unfinished files do (.part, .tmp …), is never compressed; rename it",
        ),
        Taken::NotAVideo => {
            let known: Vec<&str> = extensions.iter().map(String::as_str).collect();
            let known = known.join(", ");
            unfit(format!(
                "not the name of a video: its extension is none of {known} (the setting `extensions`)"
            ))
        }
    }
}

/// tus's `Upload-Metadata`: keys, and values in base64, which may be missing.
struct Metadata<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Metadata<'a> {
    fn parse(header: &'a str) -> Result<Self, Unfit> {
        let mut pairs = Vec::new();
        for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if pairs.iter().any(|(known, _)| *known == key) {
                return unfit(format!("Upload-Metadata has {key:?} twice"));
            }
            pairs.push((key, value.trim()));
        }
        Ok(Self(pairs))
    }

    /// `None` when the key is missing or its value is empty.
    fn text(&self, key: &str) -> Result<Option<String>, Unfit> {
        let Some((_, value)) = self.0.iter().find(|(known, _)| *known == key) else {
            return Ok(None);
        };
        let Ok(bytes) = STANDARD.decode(value) else {
            return unfit(format!("Upload-Metadata: the value of `{key}` is not base64"));
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return unfit(format!("Upload-Metadata: the value of `{key}` is not UTF-8"));
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// What a part that is sent must hash to.
#[derive(Clone)]
pub struct Checksum {
    algorithm: &'static ring::digest::Algorithm,
    expected: Vec<u8>,
}

/// What tus's `Tus-Checksum-Algorithm` says; the protocol asks for sha1.
pub const CHECKSUM_ALGORITHMS: &str = "sha1,sha256,sha512";

impl Checksum {
    /// From tus's `Upload-Checksum`: the algorithm's name, a space, and the hash in base64.
    ///
    /// # Errors
    /// What is not understood.
    pub fn parse(header: &str) -> Result<Self, Unfit> {
        let (name, value) = header.split_once(' ').unwrap_or((header, ""));
        let algorithm = match name {
            "sha1" => &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &ring::digest::SHA256,
            "sha512" => &ring::digest::SHA512,
            _ => return unfit(format!("Upload-Checksum: known are {CHECKSUM_ALGORITHMS}")),
        };
        let expected = STANDARD.decode(value.trim()).unwrap_or_default();
        if expected.len() != algorithm.output_len() {
            return unfit(format!("Upload-Checksum: that is no {name} in base64"));
        }
        Ok(Self { algorithm, expected })
    }

    #[must_use]
    pub fn start(&self) -> ring::digest::Context {
        ring::digest::Context::new(self.algorithm)
    }

    #[must_use]
    pub fn is_met_by(&self, found: ring::digest::Context) -> bool {
        found.finish().as_ref() == self.expected
    }
}

/// The path of a task below `input/`.
#[must_use]
pub fn below_input(resolution: Resolution, name: &Path) -> PathBuf {
    Path::new(&resolution.to_string()).join(name)
}

/// For `crate::fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::*;
    use crate::http::uploads::record::{Record, UploadId};

    pub fn upload(bytes: &[u8]) {
        if let Ok(record) = Record::parse(bytes) {
            let written = record.to_bytes().map(|bytes| Record::parse(&bytes));
            assert!(
                matches!(written, Ok(Ok(again)) if again == record),
                "what is written is read back"
            );
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let allowed = Allowed {
            resolutions: &BTreeSet::from([Resolution(720)]),
            extensions: &BTreeSet::from(["mkv".to_owned()]),
            profiles: &["slow"],
        };
        if let Ok(id) = text.parse::<UploadId>() {
            assert_eq!(id.to_string(), text, "an upload has one name");
        }
        drop(Checksum::parse(text));
        drop(Wanted::from_metadata(text, allowed).map(stays_inside));
        drop(Wanted::new("720", text, None, None, None, allowed).map(stays_inside));
    }

    fn stays_inside(wanted: Wanted) {
        let folder = Path::new("/input/720");
        let joined = folder.join(&wanted.name);
        assert!(joined.starts_with(folder), "{joined:?}");
        assert!(joined.components().count() <= 3 + COMPONENTS_LIMIT, "{joined:?}");
        let mut parts = wanted.name.components();
        assert!(
            parts.all(|part| matches!(part, Component::Normal(_))),
            "{joined:?}"
        );
        assert!(!wanted.name.as_os_str().is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_allowed<T>(act: impl FnOnce(Allowed<'_>) -> T) -> T {
        act(Allowed {
            resolutions: &BTreeSet::from([Resolution(480), Resolution(720)]),
            extensions: &BTreeSet::from(["mkv".to_owned(), "mp4".to_owned()]),
            profiles: &["fast", "slow"],
        })
    }

    fn named(name: &str) -> Result<PathBuf, Unfit> {
        with_allowed(|allowed| Wanted::new("720", name, None, None, None, allowed)).map(|wanted| wanted.name)
    }

    #[test]
    fn names_stay_below_their_folder_and_are_ones_that_the_watch_takes() {
        for name in [
            "a.mkv",
            "season 1/e 1.MKV",
            "ü/ö.mp4",
            "-rf.mkv",
            "a\\b.mkv",
            "a...mkv/x.mkv",
            "%2e%2e.mkv",
            "~.mkv",
        ] {
            assert_eq!(named(name).as_deref(), Ok(Path::new(name)), "{name}");
        }
        for name in [
            "",
            "/",
            "/etc/a.mkv",
            "//a.mkv",
            "../a.mkv",
            "a/../../b.mkv",
            "a/..",
            "..",
            ".",
            "./a.mkv",
            "a/./b.mkv",
            "a//b.mkv",
            "a.mkv/",
            ".a.mkv",
            ".vc-uploads/a.mkv",
            "x/.hidden/a.mkv",
            "a.mkv.part",
            "x.tmp/a.mkv",
            "a.txt",
            "a",
            "mkv",
            "a.mkv\0",
            "a\n.mkv",
            "a\u{7f}.mkv",
        ] {
            assert!(named(name).is_err(), "{name:?}");
        }
        assert!(named(&format!("{}/a.mkv", "x".repeat(256))).is_err());
        assert!(named(&format!("{}a.mkv", "x/".repeat(16))).is_err());
        assert!(named(&format!("{}a.mkv", "x/".repeat(15))).is_ok());
        // The name itself is shortened later.
        assert!(named(&format!("{}.mkv", "x".repeat(1000))).is_ok());
    }

    #[test]
    fn metadata_is_read_as_tus_writes_it() {
        let read = |header: &str| with_allowed(|allowed| Wanted::from_metadata(header, allowed));
        let wanted = |profile: Option<&str>, priority| Wanted {
            resolution: Resolution(720),
            name: "a b.mkv".into(),
            profile: profile.map(ToOwned::to_owned),
            priority,
            mark: None,
        };
        // a b.mkv, 720, slow, -3
        for (header, expected) in [
            ("filename YSBiLm1rdg==,resolution NzIw", Some(wanted(None, 0))),
            (
                " filename YSBiLm1rdg== , resolution NzIw,is_private,filetype dmlkZW8vbXA0",
                Some(wanted(None, 0)),
            ),
            (
                "resolution NzIw,filename YSBiLm1rdg==,profile c2xvdw==,priority LTM=",
                Some(wanted(Some("slow"), -3)),
            ),
            (
                "filename YSBiLm1rdg==,resolution NzIw,profile",
                Some(wanted(None, 0)),
            ),
            ("", None),
            ("filename YSBiLm1rdg==", None),
            ("resolution NzIw", None),
            ("filename,resolution NzIw", None),
            ("filename !!,resolution NzIw", None),
            ("filename /w==,resolution NzIw", None),
            (
                "filename YSBiLm1rdg==,filename YSBiLm1rdg==,resolution NzIw",
                None,
            ),
            ("filename YSBiLm1rdg==,resolution NzIx", None),
            ("filename YSBiLm1rdg==,resolution KzcyMA==", None),
            ("filename YSBiLm1rdg==,resolution NzIw,profile eHl6", None),
            ("filename YSBiLm1rdg==,resolution NzIw,priority eHl6", None),
        ] {
            assert_eq!(read(header).ok(), expected, "{header}");
        }
    }

    #[test]
    fn checksums_are_compared_by_the_algorithm_that_is_named() {
        for (header, of_hello) in [
            ("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", true),
            ("sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", true),
            ("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false),
        ] {
            let checksum = Checksum::parse(header).unwrap();
            let mut found = checksum.start();
            found.update(b"hel");
            found.update(b"lo");
            assert_eq!(checksum.is_met_by(found), of_hello, "{header}");
        }
        for header in [
            "",
            "sha1",
            "md5 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
            "sha256 qvTGHdzF6KLavt4PO0gs2a6pQ00=",
            "sha1 !",
        ] {
            assert!(Checksum::parse(header).is_err(), "{header}");
        }
    }
}
