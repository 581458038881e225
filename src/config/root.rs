//! Which folder is the root: the one that holds input, output, conf and logs unless a setting says otherwise.
//!
//! Promises: the choice says why it was made; nothing is created.
//! Never in here: settings.

use std::{
    ffi::OsStr,
    fmt, io,
    path::{Path, PathBuf},
};

/// The variable that names the root.
const ROOT_VARIABLE: &str = "VIDEO_COMPRESSOR_ROOT";

/// Files that make the current folder the root. The first one is shipped.
const MARKERS: [&str; 2] = ["conf/video-compressor.toml", "conf/tasks.json"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Absolute where the current folder is.
    pub path: PathBuf,
    pub why: RootReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootReason {
    Flag,
    Environment,
    /// The current folder holds this file.
    CurrentFolder(&'static str),
    DataFolder,
    /// The platform names no data folder (no home): the current one, for want of another.
    NoDataFolder,
}

/// Reads as the end of "root /srv/videos, from …".
impl fmt::Display for RootReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--root"),
            Self::Environment => write!(f, "${ROOT_VARIABLE}"),
            Self::CurrentFolder(marker) => write!(f, "the current folder, which holds {marker}"),
            Self::DataFolder => f.write_str("the platform's data folder"),
            Self::NoDataFolder => f.write_str("the current folder, as there is no data folder"),
        }
    }
}

/// The flag, else the variable (when not empty), else `current` when it holds one of our files, else `data_directory`.
/// Relative ones are relative to `current`.
#[must_use]
pub fn choose_root(
    flag: Option<&Path>,
    environment: Option<&OsStr>,
    current: &Path,
    data_directory: Option<&Path>,
) -> Root {
    let environment = environment.filter(|value| !value.is_empty()).map(Path::new);
    let marker = || MARKERS.into_iter().find(|marker| current.join(marker).is_file());
    let (path, why) = match (flag, environment, data_directory) {
        (Some(path), ..) => (path, RootReason::Flag),
        (None, Some(path), _) => (path, RootReason::Environment),
        (None, None, data_directory) => match (marker(), data_directory) {
            (Some(marker), _) => (current, RootReason::CurrentFolder(marker)),
            (None, Some(path)) => (path, RootReason::DataFolder),
            (None, None) => (current, RootReason::NoDataFolder),
        },
    };
    // `--root .` is to be shown as the folder that it is.
    let path = current.join(path).components().collect();
    Root { path, why }
}

/// `~/.local/share/video-compressor` on Linux, `~/Library/Application Support/video-compressor` on macOS.
#[must_use]
pub fn data_directory() -> Option<PathBuf> {
    let project = directories::ProjectDirs::from("", "", "video-compressor")?;
    Some(project.data_dir().to_owned())
}

/// [`choose_root`] with this process's variable, current folder and platform. For the command line.
///
/// # Errors
/// When the current folder is gone or unreadable.
pub fn root_from_here(flag: Option<&Path>) -> io::Result<Root> {
    let environment = std::env::var_os(ROOT_VARIABLE);
    let current = std::env::current_dir()?;
    let data_directory = data_directory();
    Ok(choose_root(
        flag,
        environment.as_deref(),
        &current,
        data_directory.as_deref(),
    ))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_first_of_flag_variable_current_folder_and_data_folder() {
        let empty = tempfile::tempdir().unwrap();
        let ours = tempfile::tempdir().unwrap();
        std::fs::create_dir(ours.path().join("conf")).unwrap();
        std::fs::write(ours.path().join("conf/tasks.json"), "[]").unwrap();
        let marker = RootReason::CurrentFolder("conf/tasks.json");
        let (empty, ours) = (empty.path(), ours.path());
        let data = Path::new("/data");

        type Case<'a> = (
            Option<&'a str>,
            Option<&'a str>,
            &'a Path,
            Option<&'a Path>,
            PathBuf,
            RootReason,
        );
        let cases: [Case; 8] = [
            (
                Some("/f"),
                Some("/e"),
                ours,
                Some(data),
                "/f".into(),
                RootReason::Flag,
            ),
            (
                Some("f"),
                None,
                ours,
                Some(data),
                ours.join("f"),
                RootReason::Flag,
            ),
            (
                None,
                Some("/e"),
                ours,
                Some(data),
                "/e".into(),
                RootReason::Environment,
            ),
            (None, Some(""), ours, Some(data), ours.into(), marker),
            (None, None, ours, Some(data), ours.into(), marker),
            (None, None, ours, None, ours.into(), marker),
            (None, None, empty, Some(data), data.into(), RootReason::DataFolder),
            (None, None, empty, None, empty.into(), RootReason::NoDataFolder),
        ];
        for (flag, environment, current, data, path, why) in cases {
            let root = choose_root(flag.map(Path::new), environment.map(OsStr::new), current, data);
            assert_eq!(root, Root { path, why }, "{flag:?} {environment:?}");
        }
    }
}
