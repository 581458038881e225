//! `submit`: sends files to a service elsewhere with tus, and goes on where an earlier try has stopped.
//!
//! Promises: a connection that breaks costs only what was under way; a run that ends in the middle is gone on with by the
//! next one, for the server remembers the file by its mark; a file that changes while it is sent is not submitted.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;
use ureq::{
    SendBody,
    http::{HeaderName, HeaderValue, Method, header},
};
use xxhash_rust::xxh3::Xxh3;

use super::{
    super::{Exit, Failure, Outcome, print, print_json},
    client::{Client, RemoteError, text},
    progress::Transfer,
};
use crate::task::{Identity, Shown};

/// After so long without a byte that arrived, it is given up; a later run goes on.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// At either end of a file, for its mark.
const MARK_BLOCK_BYTES: u64 = 64 * 1024;
/// The server gives a file its name at once, unless its disk is full.
const PLACE_LIMIT: Duration = Duration::from_secs(30);

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// Where files are to go.
#[derive(Debug, Clone)]
pub struct Wishes {
    pub resolution: u32,
    pub profile: Option<String>,
    pub priority: i32,
}

/// As the server tells of an upload.
#[derive(Debug, Deserialize)]
struct Upload {
    id: String,
    mark: Option<String>,
    state: String,
    path: Option<String>,
    task: Option<String>,
}

/// Sends every file; one that fails does not hold up the others.
pub fn submit(client: &Client, files: &[PathBuf], wishes: &Wishes, json: bool) -> Outcome {
    let mut exit = Exit::Done;
    let mut told = Vec::new();
    for file in files {
        let shown = Shown(file).to_string();
        match submit_one(client, file, wishes) {
            Ok(upload) if json => told.push(json!({
                "file": file.to_string_lossy(),
                "path": upload.path,
                "task": upload.task,
                "upload": upload.id,
            })),
            Ok(upload) => print(&format!(
                "{shown}: is there as {} (task {})\n",
                Shown(Path::new(&upload.path.unwrap_or_default())),
                upload.task.unwrap_or_default()
            )),
            Err(failure) => {
                eprintln!("video-compressor: {shown}: {}", failure.message);
                told.push(json!({ "file": file.to_string_lossy(), "error": failure.message }));
                exit = failure.exit;
            }
        }
    }
    if json {
        print_json(&told.into());
    }
    Ok(exit)
}

fn submit_one(client: &Client, path: &Path, wishes: &Wishes) -> Result<Upload, Failure> {
    let cannot = |error: io::Error| Failure::usage(error.to_string());
    let mut file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err(Failure::usage("is not a file; give files, not folders"));
    }
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Err(Failure::usage("its name is not UTF-8; rename it"));
    };
    let mark = mark(&mut file, &metadata, name, wishes).map_err(cannot)?;
    let length_bytes = metadata.len();

    let id = match unfinished(client, &mark)? {
        Some(id) => id,
        None => create(client, name, wishes, &mark, length_bytes)?,
    };
    send(client, &id, &mut file, name, length_bytes)?;
    // What was sent is a mixture then.
    let now = path.metadata().map_err(cannot)?;
    if Identity::from(&now) != Identity::from(&metadata) {
        return Err(Failure::usage(
            "changed while it was sent, so the server may have a mixture; cancel its task there and submit it again",
        ));
    }
    placed(client, &id)
}

/// By which the server finds the upload of this very file again.
fn mark(file: &mut File, metadata: &Metadata, name: &str, wishes: &Wishes) -> io::Result<String> {
    let identity = Identity::from(metadata);
    let mut hash = Xxh3::new();
    let Wishes {
        resolution,
        profile,
        priority,
    } = wishes;
    hash.update(
        format!(
            "{name}\0{}\0{}\0{resolution}\0{profile:?}\0{priority}",
            identity.size_bytes, identity.mtime_ns
        )
        .as_bytes(),
    );
    for from in [0, identity.size_bytes.saturating_sub(MARK_BLOCK_BYTES)] {
        file.seek(SeekFrom::Start(from))?;
        let mut block = Vec::new();
        file.take(MARK_BLOCK_BYTES).read_to_end(&mut block)?;
        hash.update(&block);
    }
    Ok(format!("{:032x}", hash.digest128()))
}

fn unfinished(client: &Client, mark: &str) -> Result<Option<String>, RemoteError> {
    let uploads: Vec<Upload> = client.get("/uploads")?;
    Ok(uploads
        .into_iter()
        .find(|upload| upload.mark.as_deref() == Some(mark) && upload.state != "placed")
        .map(|upload| upload.id))
}

fn create(
    client: &Client,
    name: &str,
    wishes: &Wishes,
    mark: &str,
    length_bytes: u64,
) -> Result<String, Failure> {
    let pairs = [
        ("filename", Some(name.to_owned())),
        ("resolution", Some(wishes.resolution.to_string())),
        ("profile", wishes.profile.clone()),
        ("priority", Some(wishes.priority.to_string())),
        ("mark", Some(mark.to_owned())),
    ];
    let metadata: Vec<String> = pairs
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", STANDARD.encode(value?))))
        .collect();
    let metadata =
        HeaderValue::from_str(&metadata.join(",")).map_err(|error| Failure::usage(error.to_string()))?;
    let headers = [
        tus(),
        (UPLOAD_LENGTH, HeaderValue::from(length_bytes)),
        (UPLOAD_METADATA, metadata),
    ];
    let response = client.send(Method::POST, "/uploads", &headers, SendBody::none())?;
    let location =
        text(response.headers(), header::LOCATION.as_str()).and_then(|location| location.rsplit('/').next());
    match location.filter(|id| !id.is_empty()) {
        Some(id) => Ok(id.to_owned()),
        None => Err(RemoteError::Strange("it began an upload without an address".to_owned()).into()),
    }
}

/// Until all bytes are there.
fn send(client: &Client, id: &str, file: &mut File, name: &str, length_bytes: u64) -> Result<(), Failure> {
    let mut transfer: Option<Transfer> = None;
    let mut reached_bytes = None;
    let mut moved = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let step = offset(client, id).and_then(|offset_bytes| {
            if reached_bytes.is_none_or(|reached| offset_bytes > reached) {
                (reached_bytes, moved, pause) = (Some(offset_bytes), Instant::now(), FIRST_PAUSE);
            }
            if offset_bytes >= length_bytes {
                return Ok(Step::Done);
            }
            let transfer = transfer.get_or_insert_with(|| Transfer::start(name, length_bytes, offset_bytes));
            append(client, id, file, offset_bytes, length_bytes, transfer).map(|()| Step::Sent)
        });
        match step {
            Ok(Step::Done) => break,
            Ok(Step::Sent) => {}
            Err(error) if error.is_passing() && moved.elapsed() < PATIENCE => {
                if let Some(transfer) = &transfer {
                    transfer.say(&format!("{error}; goes on soon"));
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                let mut failure = Failure::from(error);
                failure
                    .message
                    .push_str("; submit it again, and it goes on where it stands");
                return Err(failure);
            }
        }
    }
    if let Some(transfer) = transfer {
        transfer.end();
    }
    Ok(())
}

enum Step {
    Done,
    /// All that was left; the server says whether it has it.
    Sent,
}

fn offset(client: &Client, id: &str) -> Result<u64, RemoteError> {
    let response = client.send(
        Method::HEAD,
        &format!("/uploads/{id}"),
        &[tus()],
        SendBody::none(),
    )?;
    text(response.headers(), UPLOAD_OFFSET.as_str())
        .and_then(|offset| offset.parse().ok())
        .ok_or_else(|| RemoteError::Strange("it does not say how far the upload is".to_owned()))
}

fn append(
    client: &Client,
    id: &str,
    file: &mut File,
    offset_bytes: u64,
    length_bytes: u64,
    transfer: &mut Transfer,
) -> Result<(), RemoteError> {
    let unreadable =
        |error: io::Error| RemoteError::Strange(format!("the file here cannot be read: {error}"));
    file.seek(SeekFrom::Start(offset_bytes)).map_err(unreadable)?;
    let headers = [
        tus(),
        (UPLOAD_OFFSET, HeaderValue::from(offset_bytes)),
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/offset+octet-stream"),
        ),
        (
            header::CONTENT_LENGTH,
            HeaderValue::from(length_bytes - offset_bytes),
        ),
        // What the server will not take is not sent either.
        (header::EXPECT, HeaderValue::from_static("100-continue")),
    ];
    let mut counted = Counted {
        file: file.take(length_bytes - offset_bytes),
        done_bytes: offset_bytes,
        transfer,
    };
    client
        .send(
            Method::PATCH,
            &format!("/uploads/{id}"),
            &headers,
            SendBody::from_reader(&mut counted),
        )
        .map(drop)
}

/// Tells how far it has been read.
struct Counted<'a> {
    file: io::Take<&'a mut File>,
    done_bytes: u64,
    transfer: &'a mut Transfer,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.done_bytes += count as u64;
        self.transfer.is_at(self.done_bytes);
        Ok(count)
    }
}

/// Waits until the file has its name.
fn placed(client: &Client, id: &str) -> Result<Upload, Failure> {
    let until = Instant::now() + PLACE_LIMIT;
    loop {
        let upload: Upload = client.get(&format!("/uploads/{id}"))?;
        if upload.state == "placed" || Instant::now() >= until {
            return Ok(upload);
        }
        std::thread::sleep(FIRST_PAUSE);
    }
}

fn tus() -> (HeaderName, HeaderValue) {
    (TUS_RESUMABLE, HeaderValue::from_static("1.0.0"))
}
