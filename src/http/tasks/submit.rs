//! Files that lie below a root, submitted.
//!
//! Promises: a path leads nowhere but below its root, to nothing hidden, and to nothing that would never be taken.

use std::path::{Component, Path as FilePath, PathBuf};

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Api, blocking};
use crate::{
    config::{Folders, WatchConfig},
    http::{
        extract::Json,
        problem::{Problem, ProblemDto},
        who::Operator,
    },
    record,
    service::desk::{Order, Wanted},
    task::Resolution,
    watch::{self, Taken},
};

/// A path that no file system takes is not looked for.
const PATH_LIMIT_BYTES: usize = 4096;

/// A file that is to be compressed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    /// `input`.
    root: String,
    /// Relative to the root, as `720/holiday.mp4`.
    path: String,
    /// `null`: that of its folder.
    #[serde(default)]
    resolution: Option<u32>,
    /// `null`: that of its folder.
    #[serde(default)]
    profile: Option<String>,
    #[serde(default)]
    priority: i32,
}

/// A task that there will be.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Submitted {
    /// The task has this id from the moment the file has settled and is taken.
    pub(super) id: String,
    /// Below the root `input`.
    pub(super) path: String,
}

/// Submits a file that lies below a root already: again when it has been dealt with, with what is said here when the watch
/// has yet to take it.
#[utoipa::path(
    post,
    path = "/tasks",
    tag = "tasks",
    request_body = Submission,
    responses(
        (status = 202, body = Submitted),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn submit(
    _: Operator,
    State(api): State<Api>,
    Json(submission): Json<Submission>,
) -> Result<(StatusCode, Json<Submitted>), Problem> {
    if submission.root != "input" {
        return Err(Problem::unprocessable("the only root is \"input\""));
    }
    let path = path_below_root(&submission.path)?;
    let config = api.desk.config();
    may_be_taken(&path, &config.watch)?;
    let (folders, looked_for) = (api.folders.clone(), path.clone());
    let is_file = blocking(move || is_file_below(&folders, &looked_for)).await?;
    if !is_file {
        return Err(Problem::not_found(format!(
            "there is no file {:?} below the root input",
            submission.path
        )));
    }
    let wanted = Wanted {
        path: path.clone(),
        resolution: submission.resolution.map(Resolution),
        profile: submission.profile,
        priority: submission.priority,
    };
    let outcome = api.desk.order(Order::Submit(wanted)).await?;
    let submitted = Submitted {
        id: outcome.tasks.first().map(ToString::to_string).unwrap_or_default(),
        path: record::encode_path(&path).0,
    };
    Ok((StatusCode::ACCEPTED, Json(submitted)))
}

/// A path that leads nowhere but below its root, to nothing hidden.
fn path_below_root(text: &str) -> Result<PathBuf, Problem> {
    let refused = |what: &str| {
        Problem::unprocessable(format!(
            "the path {text:?} {what}; write it relative to the root, as \"720/holiday.mp4\""
        ))
    };
    if text.is_empty() || text.len() > PATH_LIMIT_BYTES || text.contains(char::is_control) {
        return Err(refused("is empty, too long, or holds control characters"));
    }
    let path = FilePath::new(text);
    for part in path.components() {
        match part {
            Component::Normal(name) if !name.as_encoded_bytes().starts_with(b".") => {}
            Component::Normal(_) => return Err(refused("leads to something hidden")),
            _ => return Err(refused("leads elsewhere")),
        }
    }
    // `a//b` and `a/./b` are other ways to write a path that has one.
    match path.components().collect::<PathBuf>().as_os_str() == path.as_os_str() {
        true => Ok(path.to_owned()),
        false => Err(refused("is not written plainly")),
    }
}

/// What the watch never takes would be promised a task in vain.
fn may_be_taken(path: &FilePath, config: &WatchConfig) -> Result<(), Problem> {
    let folder = record::resolution_of(path).filter(|folder| config.resolutions.contains(folder));
    if folder.is_none() {
        let folders: Vec<String> = config.resolutions.iter().map(ToString::to_string).collect();
        return Err(Problem::unprocessable(format!(
            "it lies in none of the resolution folders {}; move it into one",
            folders.join(", ")
        )));
    }
    let below: PathBuf = path.components().skip(1).collect();
    match watch::takes(&below, &config.extensions) {
        Taken::Yes => Ok(()),
        Taken::Ignored => Err(Problem::unprocessable(
            "files of such names are not finished or hidden, and never compressed; rename it",
        )),
        Taken::NotAVideo => Err(Problem::unprocessable(
            "its extension is not among the `extensions` in the settings; add it there, or rename the file",
        )),
    }
}

/// A resolution's folder may be a symlink, nothing below it.
fn is_file_below(folders: &Folders, path: &FilePath) -> bool {
    let mut at = folders.input.clone();
    let count = path.components().count();
    path.components().enumerate().all(|(depth, part)| {
        at.push(part);
        let found = match depth {
            0 if count > 1 => at.metadata(),
            _ => at.symlink_metadata(),
        };
        found.is_ok_and(|found| {
            if depth + 1 == count {
                found.is_file()
            } else {
                found.is_dir()
            }
        })
    })
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::{os::unix::fs::symlink, time::Duration};

    #[test]
    fn no_path_leads_out_of_its_root_or_to_anything_hidden() {
        for path in ["720/a.mkv", "720/show/ä b.mkv", "stray.mkv"] {
            assert_eq!(path_below_root(path).unwrap(), FilePath::new(path));
        }
        for path in [
            "",
            "/etc/passwd",
            "..",
            "../conf/access.json",
            "720/../../conf/access.json",
            "720/./a.mkv",
            "720//a.mkv",
            "720/a.mkv/",
            "720/.vc-uploads/x.part",
            ".done/720/a.mkv",
            "720/a\0.mkv",
            "720/a\n.mkv",
            &"a/".repeat(3000),
        ] {
            assert!(path_below_root(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn only_what_the_watch_takes_can_be_submitted() {
        let config = WatchConfig {
            sweep: Duration::ZERO,
            settle: Duration::ZERO,
            settle_without_lease: Duration::ZERO,
            extensions: ["mkv".to_owned()].into(),
            resolutions: [Resolution(720)].into(),
        };
        for (path, is_taken) in [
            ("720/a.mkv", true),
            ("720/show/a.MKV", true),
            ("a.mkv", false),
            ("480/a.mkv", false),
            ("720/a.txt", false),
            ("720/a.mkv.part", false),
        ] {
            assert_eq!(
                may_be_taken(FilePath::new(path), &config).is_ok(),
                is_taken,
                "{path}"
            );
        }
    }

    #[test]
    fn a_resolution_folder_may_be_a_symlink_and_nothing_below_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["input/480", "disk", "elsewhere"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        symlink(at("disk"), at("input/720")).unwrap();
        symlink(at("elsewhere"), at("input/480/link")).unwrap();
        symlink(at("elsewhere/a.mkv"), at("input/480/b.mkv")).unwrap();
        for file in [
            "disk/a.mkv",
            "elsewhere/a.mkv",
            "input/480/a.mkv",
            "input/stray.mkv",
        ] {
            std::fs::write(at(file), "").unwrap();
        }
        let folders = Folders {
            root: at(""),
            input: at("input"),
            output: at("output"),
            conf: at("conf"),
            logs: at("logs"),
        };
        for (path, is_there) in [
            ("720/a.mkv", true),
            ("480/a.mkv", true),
            ("stray.mkv", true),
            ("480/b.mkv", false),
            ("480/link/a.mkv", false),
            ("480", false),
            ("720/none.mkv", false),
        ] {
            assert_eq!(is_file_below(&folders, FilePath::new(path)), is_there, "{path}");
        }
    }
}
