//! `fetch`: brings a result here, and goes on where an earlier try has stopped.
//!
//! Promises: the file gets its name when all of it is here and durable, and replaces nothing; a part is gone on with only
//! while the server still has the very same file.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ureq::{
    SendBody,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    super::{Exit, Failure, Outcome, print, print_json},
    client::{Client, RemoteError, encoded, text},
    progress::Transfer,
};
use crate::{
    durable::{self, Growing},
    task::{Shown, Task},
};

const BLOCK_BYTES: usize = 256 * 1024;
/// After so long without a byte it is given up; a later run goes on.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
const PAUSE: Duration = Duration::from_secs(2);

/// The file as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remote {
    name: String,
    size_bytes: u64,
    /// Another one for every version of the file.
    tag: HeaderValue,
}

/// What stands between a part and a whole file.
enum Broken {
    /// The connection, or the server for a moment.
    Off(RemoteError),
    /// The server has another file now.
    OtherFile,
    Here(Failure),
}

impl From<durable::DurableError> for Broken {
    fn from(error: durable::DurableError) -> Self {
        Self::Here(error.into())
    }
}

/// Brings the result of `task` to `to`: a file's name, or a folder that is there.
pub fn fetch(client: &Client, task: &Task, to: Option<&Path>, json: bool) -> Outcome {
    let address = format!("/tasks/{}/output", encoded(task.id.as_str()));
    let began = Instant::now();
    let mut remote = look(client, &address)?;
    let target = target(&remote.name, to);
    if target.symlink_metadata().is_ok() {
        return Err(Failure::usage(format!(
            "{}: is there already; move it away, or give another name with --to",
            Shown(&target)
        )));
    }
    let mut transfer = None;
    let mut moved = began;
    let part = loop {
        let part = part_of(&target, &remote);
        let before_bytes = length(&part);
        let broken = match receive(client, &address, &remote, &part, &mut transfer) {
            Ok(()) => break part,
            Err(broken) => broken,
        };
        if length(&part) > before_bytes {
            moved = Instant::now();
        }
        match broken {
            Broken::Here(failure) => return Err(failure),
            Broken::OtherFile if moved.elapsed() < PATIENCE => {
                durable::remove(&part)?;
                transfer = None;
                remote = look(client, &address)?;
            }
            Broken::Off(error) if error.is_passing() && moved.elapsed() < PATIENCE => {
                if let Some(transfer) = &transfer {
                    transfer.say(&format!("{error}; goes on soon"));
                }
                std::thread::sleep(PAUSE);
            }
            Broken::OtherFile => {
                let strange = RemoteError::Strange("it has another file each time".to_owned());
                return Err(strange.into());
            }
            Broken::Off(error) => {
                let mut failure = Failure::from(error);
                failure
                    .message
                    .push_str("; fetch it again, and it goes on where it stands");
                return Err(failure);
            }
        }
    };
    if let Some(transfer) = transfer {
        transfer.end();
    }
    durable::sync_file(&part)?;
    durable::rename_to_new(&part, &target)?;
    if json {
        print_json(&serde_json::json!({
            "task": task.id.as_str(),
            "file": target.to_string_lossy(),
            "size_bytes": remote.size_bytes,
        }));
    } else {
        print(&format!(
            "{}: {}\n",
            Shown(&target),
            indicatif::DecimalBytes(remote.size_bytes)
        ));
    }
    Ok(Exit::Done)
}

fn look(client: &Client, address: &str) -> Result<Remote, Failure> {
    let identity = [(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))];
    let response = client
        .send(Method::HEAD, address, &identity, SendBody::none())
        .map_err(|error| match error {
            RemoteError::Refused { status: 404, .. } => {
                Failure::usage("the task has no result there; `show` says how it stands")
            }
            error => error.into(),
        })?;
    describe(response.headers())
        .ok_or_else(|| RemoteError::Strange("it does not describe the file".to_owned()).into())
}

fn describe(headers: &HeaderMap) -> Option<Remote> {
    Some(Remote {
        name: text(headers, header::CONTENT_DISPOSITION.as_str()).and_then(file_name)?,
        size_bytes: text(headers, header::CONTENT_LENGTH.as_str())?.parse().ok()?,
        tag: headers.get(header::ETAG)?.clone(),
    })
}

/// From `Content-Disposition` (RFC 6266). A name that would lead elsewhere is none.
fn file_name(header: &str) -> Option<String> {
    let between = |begin: &str, end: char| {
        let (_, rest) = header.split_once(begin)?;
        rest.split(end).next()
    };
    let name = match between("filename*=UTF-8''", ';') {
        Some(extended) => decoded(extended)?,
        None => between("filename=\"", '"')?.to_owned(),
    };
    let is_plain =
        !matches!(name.as_str(), "" | "." | "..") && !name.contains('/') && !name.contains(char::is_control);
    is_plain.then_some(name)
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match first {
            b'%' => {
                let digits = std::str::from_utf8(after.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                after.get(2..)?
            }
            byte => {
                bytes.push(*byte);
                after
            }
        };
    }
    String::from_utf8(bytes).ok()
}

fn target(name: &str, to: Option<&Path>) -> PathBuf {
    match to {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file.to_owned(),
        None => PathBuf::from(name),
    }
}

/// The part's name says which version of the file it is of.
fn part_of(target: &Path, remote: &Remote) -> PathBuf {
    let name = target.file_name().unwrap_or_default();
    let version = xxh3_64(remote.tag.as_bytes());
    // A long name leaves no room behind it.
    let name: String = name.to_string_lossy().chars().take(40).collect();
    target.with_file_name(format!(".{name}.{version:016x}.part"))
}

fn length(part: &Path) -> u64 {
    part.metadata().map_or(0, |metadata| metadata.len())
}

fn receive(
    client: &Client,
    address: &str,
    remote: &Remote,
    part: &Path,
    transfer: &mut Option<Transfer>,
) -> Result<(), Broken> {
    let mut done_bytes = length(part).min(remote.size_bytes);
    let file = Growing::open(part, done_bytes)?;
    let transfer =
        transfer.get_or_insert_with(|| Transfer::start(&remote.name, remote.size_bytes, done_bytes));
    if done_bytes == remote.size_bytes {
        return Ok(());
    }
    let mut headers = vec![(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))];
    if done_bytes > 0 {
        let range = HeaderValue::from_str(&format!("bytes={done_bytes}-"));
        let range = range.map_err(|error| Broken::Here(Failure::usage(error.to_string())))?;
        headers.extend([(header::RANGE, range), (header::IF_RANGE, remote.tag.clone())]);
    }
    let mut response = client
        .send(Method::GET, address, &headers, SendBody::none())
        .map_err(Broken::Off)?;
    let expected = if done_bytes > 0 {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    if response.headers().get(header::ETAG) != Some(&remote.tag) || response.status() != expected {
        return Err(Broken::OtherFile);
    }
    let mut body = response.body_mut().as_reader();
    let mut block = vec![0; BLOCK_BYTES];
    while done_bytes < remote.size_bytes {
        let count = match body.read(&mut block) {
            Ok(0) => {
                return Err(Broken::Off(RemoteError::Unreachable(
                    "the connection ended".to_owned(),
                )));
            }
            Ok(count) => count,
            Err(error) => return Err(Broken::Off(RemoteError::Unreachable(error.to_string()))),
        };
        // More than was announced is no result of ours.
        if done_bytes + count as u64 > remote.size_bytes {
            return Err(Broken::OtherFile);
        }
        file.append(&block[..count])?;
        done_bytes += count as u64;
        transfer.is_at(done_bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_the_server_is_one_name_or_none() {
        for (header, expected) in [
            ("attachment; filename=\"a b.mkv\"", Some("a b.mkv")),
            ("attachment; filename=\"a;b.mkv\"", Some("a;b.mkv")),
            ("attachment; filename=a.mkv", None),
            (
                "attachment; filename=\"_.mkv\"; filename*=UTF-8''%C3%BC%20x.mkv",
                Some("ü x.mkv"),
            ),
            ("attachment; filename=\"../a.mkv\"", None),
            ("attachment; filename=\"..\"", None),
            ("attachment; filename*=UTF-8''%2Fetc%2Fpasswd", None),
            ("attachment; filename*=UTF-8''a%0A", None),
            ("attachment; filename*=UTF-8''%ff", None),
            ("attachment; filename*=UTF-8''%f", None),
            ("attachment; filename*=UTF-8''%é", None),
            ("attachment", None),
            ("", None),
        ] {
            assert_eq!(file_name(header).as_deref(), expected, "{header}");
        }
    }
}
