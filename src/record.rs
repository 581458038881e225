//! The JSON form of a task: a row of `tasks.json`, of an archive, of a receipt.
//!
//! Promises: a row that is read and written again keeps its unknown fields and every byte of its paths; rows of the
//! older Python service (`md5`, naive UTC times, paths with the input folder in front) are understood; no input panics.
//! Never in here: files. The names of the fields are a contract with people's `jq` scripts: tests freeze them.

use std::{
    borrow::Cow,
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::task::{
    Disposal, Fingerprint, Identity, Known, Origin, Resolution, Saved, Standing, Status, Task, TaskId,
    WaitingFor,
};

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_encoding: Option<&'static str>,
    hash: Option<String>,
    resolution: Option<String>,
    status: &'a str,
    priority: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    turn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    added_time: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    file_size_before: u64,
    file_size_after: Option<u64>,
    time_taken_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    retried: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forced: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_file: Option<FileRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_file: Option<FileRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_output_encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_output_file: Option<FileRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disposal: Option<&'static str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    unknown_fields: Option<&'a Map<String, Value>>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
struct FileRow {
    device: u64,
    inode: u64,
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<Identity> for FileRow {
    fn from(identity: Identity) -> Self {
        let Identity {
            device,
            inode,
            size_bytes: size,
            mtime_ns,
            ctime_ns,
        } = identity;
        Self {
            device,
            inode,
            size,
            mtime_ns,
            ctime_ns,
        }
    }
}

impl From<FileRow> for Identity {
    fn from(row: FileRow) -> Self {
        let FileRow {
            device,
            inode,
            size: size_bytes,
            mtime_ns,
            ctime_ns,
        } = row;
        Self {
            device,
            inode,
            size_bytes,
            mtime_ns,
            ctime_ns,
        }
    }
}

/// The row of one task, on one line.
///
/// # Errors
/// Never in practice: every field has a JSON form.
pub fn to_json(task: &Task) -> serde_json::Result<String> {
    serde_json::to_string(&row(task))
}

/// The row of one task as a value, for receipts and `--json`.
///
/// # Errors
/// Never in practice: every field has a JSON form.
pub fn to_value(task: &Task) -> serde_json::Result<Value> {
    serde_json::to_value(row(task))
}

/// RFC 3339 in UTC, always with milliseconds, so that sorting the text sorts the times; more digits only where a foreign
/// row had them.
fn time_text(time: Timestamp) -> String {
    if time.subsec_nanosecond() % 1_000_000 == 0 {
        format!("{time:.3}")
    } else {
        time.to_string()
    }
}

fn row(task: &Task) -> Row<'_> {
    let (path, path_encoding) = encode_path(&task.path);
    let output = task.output.as_deref().map(encode_path);
    let previous = task
        .previous_output
        .as_ref()
        .map(|(output, _)| encode_path(output));
    Row {
        id: task.id.as_str(),
        path,
        path_encoding,
        hash: task.fingerprint.map(|fingerprint| fingerprint.to_string()),
        resolution: task.resolution.map(|resolution| resolution.to_string()),
        status: task.status.as_str(),
        priority: task.priority,
        turn: task.turn.map(time_text),
        profile: task.profile.as_deref(),
        added_time: task.added.map(time_text),
        start_time: task.started.map(time_text),
        end_time: task.ended.map(time_text),
        file_size_before: task.size_before_bytes,
        file_size_after: task.size_after_bytes,
        time_taken_seconds: task
            .time_taken_seconds
            .map(|seconds| (seconds * 1000.0).round() / 1000.0),
        output_encoding: output.as_ref().and_then(|(_, encoding)| *encoding),
        output: output.map(|(output, _)| output),
        summary: task.summary.as_deref(),
        error: task.error.as_deref(),
        reason: task.reason.as_deref(),
        waiting_for: task.waiting_for.as_ref().map(ToString::to_string),
        attempts: task.attempts,
        retried: (task.origin != Origin::Dropped).then_some(true),
        forced: (task.origin == Origin::Forced).then_some(true),
        sample_hash: task.sample.map(|sample| Fingerprint(sample).to_string()),
        source_file: task.source.map(FileRow::from),
        output_file: task.output_identity.map(FileRow::from),
        previous_output_encoding: previous.as_ref().and_then(|(_, encoding)| *encoding),
        previous_output: previous.map(|(output, _)| output),
        previous_output_file: task
            .previous_output
            .as_ref()
            .map(|(_, identity)| FileRow::from(*identity)),
        disposal: (task.disposal == Disposal::Pending).then_some("pending"),
        unknown_fields: task.unknown_fields.as_deref(),
    }
}

/// Reads one row. A field of a wrong type counts as absent.
///
/// # Errors
/// Gives the value back when it is not an object with an id or a path.
pub fn from_value(value: Value, new_id: impl FnOnce() -> TaskId) -> Result<Task, Value> {
    let Value::Object(mut map) = value else {
        return Err(value);
    };
    let Some(path) = map.get("path").and_then(Value::as_str).map(ToOwned::to_owned) else {
        return Err(Value::Object(map));
    };
    let mut take = |key: &str| map.shift_remove(key).filter(|value| !value.is_null());
    let id = match take("id") {
        Some(Value::String(text)) if !text.is_empty() => TaskId::from(text.as_str()),
        Some(Value::Number(number)) => TaskId::from(number.to_string().as_str()),
        _ => new_id(),
    };
    take("path");
    let is_encoded = take("path_encoding").is_some_and(|encoding| encoding == "percent");
    let path = below_input(&decode_path(&path, is_encoded));
    let previous_is_encoded = take("previous_output_encoding").is_some_and(|encoding| encoding == "percent");
    let previous_output = text(take("previous_output"))
        .map(|output| decode_path(&output, previous_is_encoded))
        .zip(file(take("previous_output_file")));
    let output_is_encoded = take("output_encoding").is_some_and(|encoding| encoding == "percent");
    let resolution = take("resolution")
        .and_then(|value| match value {
            Value::String(text) => text.trim_end_matches('p').parse().ok(),
            Value::Number(number) => number
                .as_u64()
                .and_then(|height| u32::try_from(height).ok())
                .map(Resolution),
            _ => None,
        })
        .or_else(|| resolution_of(&path));
    let task = Task {
        id,
        resolution,
        path,
        status: Status::from(text(take("status")).as_deref().unwrap_or("queued")),
        priority: take("priority")
            .and_then(|value| value.as_i64())
            .and_then(|value| i32::try_from(value).ok())
            .unwrap_or(0),
        turn: time(take("turn")),
        profile: text(take("profile")),
        origin: match (take("retried"), take("forced")) {
            (_, Some(Value::Bool(true))) => Origin::Forced,
            (Some(Value::Bool(true)), _) => Origin::Retried,
            _ => Origin::Dropped,
        },
        fingerprint: text(take("hash")).and_then(|hash| hash.parse().ok()),
        sample: text(take("sample_hash"))
            .and_then(|hash| hash.parse::<Fingerprint>().ok())
            .map(|hash| hash.0),
        source: file(take("source_file")),
        added: time(take("added_time")),
        started: time(take("start_time")),
        ended: time(take("end_time")),
        size_before_bytes: take("file_size_before")
            .and_then(|value| size(&value))
            .unwrap_or(0),
        size_after_bytes: take("file_size_after").and_then(|value| size(&value)),
        time_taken_seconds: take("time_taken_seconds").and_then(|value| value.as_f64()),
        output: text(take("output")).map(|output| decode_path(&output, output_is_encoded)),
        output_identity: file(take("output_file")),
        previous_output,
        disposal: if take("disposal").is_some_and(|value| value == "pending") {
            Disposal::Pending
        } else {
            Disposal::Settled
        },
        summary: text(take("summary")),
        error: text(take("error")),
        reason: text(take("reason")),
        waiting_for: text(take("waiting_for")).and_then(|text| waiting_for(&text)),
        attempts: take("attempts")
            .and_then(|value| value.as_u64())
            .and_then(|value| u32::try_from(value).ok())
            .unwrap_or(0),
        unknown_fields: None,
    };
    Ok(Task {
        unknown_fields: (!map.is_empty()).then(|| Box::new(map)),
        ..task
    })
}

/// What a row says that its task waits for.
#[must_use]
pub fn waiting_for(text: &str) -> Option<WaitingFor> {
    match text {
        "space" => Some(WaitingFor::Space),
        "folder" => Some(WaitingFor::Folder),
        "encoder" => Some(WaitingFor::Encoder),
        other => other.strip_prefix("task ").map(|id| WaitingFor::Task(id.into())),
    }
}

/// As much of a row as recognises its file: a third of the cost of a whole row, for archives of 100,000.
#[derive(Deserialize)]
struct KnownRow<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    path_encoding: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    hash: Option<Cow<'a, str>>,
    resolution: Option<Cow<'a, str>>,
    sample_hash: Option<Cow<'a, str>>,
    file_size_before: u64,
    file_size_after: Option<u64>,
    source_file: Option<FileRow>,
    output: Option<Cow<'a, str>>,
    output_encoding: Option<Cow<'a, str>>,
    output_file: Option<FileRow>,
}

/// What a row says about its file, and its path below `input/`. `None` when it is no row of a task.
#[must_use]
pub fn known_from_json(json: &str) -> Option<(PathBuf, Known)> {
    let Ok(row) = serde_json::from_str::<KnownRow<'_>>(json) else {
        // Python's rows and hand-made ones.
        let task = from_value(serde_json::from_str(json).ok()?, || TaskId::from("")).ok()?;
        return Some((task.path.clone(), Known::from(&task)));
    };
    let hash = |text: Option<Cow<'_, str>>| text.and_then(|text| text.parse::<Fingerprint>().ok());
    let path = below_input(&decode_path(&row.path, row.path_encoding.is_some()));
    let status = Status::from(&*row.status);
    let output = row
        .output
        .map(|output| decode_path(&output, row.output_encoding.is_some()));
    let output_file = row.output_file.map(Identity::from);
    let known = Known {
        id: TaskId::from(&*row.id),
        resolution: row
            .resolution
            .and_then(|text| text.parse().ok())
            .or_else(|| resolution_of(&path)),
        fingerprint: hash(row.hash),
        sample: hash(row.sample_hash).map(|hash| hash.0),
        source: row.source_file.map(Identity::from),
        size_before_bytes: row.file_size_before,
        saved: Saved::new(
            &status,
            output_file.is_some(),
            row.file_size_before,
            row.file_size_after,
        ),
        published: output
            .zip(output_file)
            .filter(|_| matches!(status, Status::Processed | Status::Skipped))
            .map(|(output, file)| (Arc::from(output), file)),
        made_of: None,
        standing: Standing::new(&status, None, output_file.as_ref()),
        status,
    };
    Some((path, known))
}

/// As much of a row as totals need, for archives of 100,000.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Relative to `input/`.
    pub path: PathBuf,
    /// Relative to `output/`; `None` when no file of ours is known to have been put there, as in rows of the older service.
    pub output: Option<PathBuf>,
    pub status: Status,
    pub ended: Option<Timestamp>,
    /// 0 when unknown.
    pub size_before_bytes: u64,
    pub size_after_bytes: Option<u64>,
    pub time_taken_seconds: Option<f64>,
}

impl From<&Task> for Ended {
    fn from(task: &Task) -> Self {
        Self {
            path: task.path.clone(),
            output: task.output.clone().filter(|_| task.output_identity.is_some()),
            status: task.status.clone(),
            ended: task.ended,
            size_before_bytes: task.size_before_bytes,
            size_after_bytes: task.size_after_bytes,
            time_taken_seconds: task.time_taken_seconds,
        }
    }
}

#[derive(Deserialize)]
struct EndedRow<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    path_encoding: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    end_time: Option<Cow<'a, str>>,
    file_size_before: u64,
    file_size_after: Option<u64>,
    time_taken_seconds: Option<f64>,
    output: Option<Cow<'a, str>>,
    output_encoding: Option<Cow<'a, str>>,
    output_file: Option<FileRow>,
}

/// What a row says about how its task ended. `None` when it is no row of a task.
#[must_use]
pub fn ended_from_json(json: &str) -> Option<Ended> {
    let Ok(row) = serde_json::from_str::<EndedRow<'_>>(json) else {
        // Python's rows and hand-made ones.
        let task = from_value(serde_json::from_str(json).ok()?, || TaskId::from("")).ok()?;
        return Some(Ended::from(&task));
    };
    let is_encoded = |encoding: Option<Cow<'_, str>>| encoding.as_deref() == Some("percent");
    let output_is_encoded = is_encoded(row.output_encoding);
    Some(Ended {
        path: below_input(&decode_path(&row.path, is_encoded(row.path_encoding))),
        output: row
            .output
            .filter(|_| row.output_file.is_some())
            .map(|output| decode_path(&output, output_is_encoded)),
        status: Status::from(&*row.status),
        ended: time(row.end_time.map(|text| Value::String(text.into_owned()))),
        size_before_bytes: row.file_size_before,
        size_after_bytes: row.file_size_after,
        time_taken_seconds: row.time_taken_seconds,
    })
}

fn text(value: Option<Value>) -> Option<String> {
    value.and_then(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    })
}

fn file(value: Option<Value>) -> Option<Identity> {
    value
        .and_then(|value| serde_json::from_value::<FileRow>(value).ok())
        .map(Identity::from)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size written as 1e9 or 12.0 by hand"
)]
fn size(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_f64().filter(|size| *size >= 0.0).map(|size| size as u64))
}

/// RFC 3339, or the naive times of the older Python service, which are UTC.
fn time(value: Option<Value>) -> Option<Timestamp> {
    let text = text(value)?;
    text.parse().ok().or_else(|| {
        let naive: civil::DateTime = text.parse().ok()?;
        naive.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// The resolution that the first folder of a path below `input/` names.
#[must_use]
pub fn resolution_of(path: &Path) -> Option<Resolution> {
    let mut components = path.components();
    let first = components.next()?.as_os_str().to_str()?.parse().ok();
    components.next().and(first)
}

/// Older rows hold the whole path, or one from the project's folder: what counts is the part below `input`.
fn below_input(path: &Path) -> PathBuf {
    let components: Vec<_> = path
        .components()
        .filter(|component| *component != Component::CurDir)
        .collect();
    let is_whole = path.is_absolute()
        || components
            .first()
            .is_some_and(|first| first.as_os_str() == "input");
    let input = components
        .iter()
        .rposition(|component| component.as_os_str() == "input")
        .filter(|_| is_whole);
    components[input.map_or(0, |input| input + 1)..].iter().collect()
}

/// The text of a path; where it is not UTF-8, its bad bytes (and `%`) are written `%XX` and the encoding is named.
#[must_use]
pub fn encode_path(path: &Path) -> (String, Option<&'static str>) {
    if let Some(text) = path.to_str() {
        return (text.to_owned(), None);
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    (text, Some("percent"))
}

fn decode_path(text: &str, is_encoded: bool) -> PathBuf {
    if !is_encoded {
        return PathBuf::from(text);
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| str::from_utf8(hex).ok());
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    PathBuf::from(OsString::from_vec(decoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Task {
        from_value(value, || TaskId::from("new")).unwrap()
    }

    #[test]
    fn the_row_of_a_task_is_frozen() {
        let mut task = Task::new(
            "0k5v2d4x9q001".into(),
            "720/a.mkv".into(),
            Some(Resolution(720)),
            "2026-11-21T01:02:03Z".parse().unwrap(),
        );
        assert_eq!(
            to_json(&task).unwrap(),
            r#"{"id":"0k5v2d4x9q001","path":"720/a.mkv","hash":null,"resolution":"720","status":"queued","priority":0,"added_time":"2026-11-21T01:02:03.000Z","start_time":null,"end_time":null,"file_size_before":0,"file_size_after":null,"time_taken_seconds":null}"#
        );
        task.status = Status::Processed;
        task.priority = -1;
        task.turn = Some("2026-11-21T01:02:03.5Z".parse().unwrap());
        task.profile = Some("slow".into());
        task.origin = Origin::Forced;
        task.fingerprint = Some(Fingerprint(0xab));
        task.sample = Some(0xcd);
        let identity = Identity {
            device: 1,
            inode: 2,
            size_bytes: 3,
            mtime_ns: 4,
            ctime_ns: 5,
        };
        task.source = Some(identity);
        task.output_identity = Some(identity);
        task.started = Some("2026-11-21T01:02:04.5Z".parse().unwrap());
        task.ended = Some("2026-11-21T01:03:04.5Z".parse().unwrap());
        task.size_before_bytes = 1000;
        task.size_after_bytes = Some(400);
        task.time_taken_seconds = Some(60.000_49);
        task.output = Some("720/a.mkv".into());
        task.previous_output = Some(("720/b.mkv".into(), identity));
        task.disposal = Disposal::Pending;
        task.summary = Some("-60 %".into());
        task.error = Some("e".into());
        task.reason = Some("r".into());
        task.waiting_for = Some(WaitingFor::Task("x".into()));
        task.attempts = 2;
        let json = to_json(&task).unwrap();
        assert_eq!(
            json,
            r#"{"id":"0k5v2d4x9q001","path":"720/a.mkv","hash":"000000000000000000000000000000ab","resolution":"720","status":"processed","priority":-1,"turn":"2026-11-21T01:02:03.500Z","profile":"slow","added_time":"2026-11-21T01:02:03.000Z","start_time":"2026-11-21T01:02:04.500Z","end_time":"2026-11-21T01:03:04.500Z","file_size_before":1000,"file_size_after":400,"time_taken_seconds":60.0,"output":"720/a.mkv","summary":"-60 %","error":"e","reason":"r","waiting_for":"task x","attempts":2,"retried":true,"forced":true,"sample_hash":"000000000000000000000000000000cd","source_file":{"device":1,"inode":2,"size":3,"mtime_ns":4,"ctime_ns":5},"output_file":{"device":1,"inode":2,"size":3,"mtime_ns":4,"ctime_ns":5},"previous_output":"720/b.mkv","previous_output_file":{"device":1,"inode":2,"size":3,"mtime_ns":4,"ctime_ns":5},"disposal":"pending"}"#
        );
        let again = read(serde_json::from_str(&json).unwrap());
        assert_eq!(
            again,
            Task {
                time_taken_seconds: Some(60.0),
                ..task
            }
        );
    }

    #[test]
    fn the_quick_way_to_read_how_a_task_ended_agrees_with_the_whole_row() {
        for json in [
            r#"{"id":"1","path":"720/a\"\n.mkv","hash":null,"resolution":"720","status":"processed","priority":0,"end_time":"2026-11-21T06:00:06.500Z","file_size_before":9,"file_size_after":4,"time_taken_seconds":1.5,"output":"720/a.mkv","summary":"x"}"#,
            r#"{"id":"2","path":"720/%FF%25.mkv","path_encoding":"percent","status":"processed","file_size_before":9,"file_size_after":null,"time_taken_seconds":null,"output":"720/%FF.mkv","output_encoding":"percent","output_file":{"device":1,"inode":2,"size":3,"mtime_ns":4,"ctime_ns":5}}"#,
            r#"{"id":3,"path":"/srv/vc/input/480/odd.mp4","md5":"d4","status":"processed","end_time":"2024-05-01T10:10:05.5","file_size_before":9,"file_size_after":4}"#,
            r#"{"path":"input/480/odd.mp4","status":"error_exception","file_size_before":null,"end_time":7}"#,
            r#"{"path":"480/odd.mp4","status":"skipped","file_size_before":1e9,"file_size_after":-1}"#,
            r#"{"path":"480/odd.mp4"}"#,
        ] {
            let whole = read(serde_json::from_str(json).unwrap());
            assert_eq!(ended_from_json(json), Some(Ended::from(&whole)), "{json}");
        }
        for json in ["3", "{}", "{\"path\":3}", "[", ""] {
            assert_eq!(ended_from_json(json), None, "{json}");
        }
    }

    #[test]
    fn a_row_of_the_older_python_service_is_read_as_it_is() {
        let json = r#"{"id":17,"path":"/srv/vc/input/720/show/a.mkv","md5":"d41d8cd98f00b204e9800998ecf8427e","resolution":"720p","status":"processed","priority":0,"added_time":"2024-05-01T10:00:00.123456","start_time":"2024-05-01 10:00:05","end_time":"2024-05-01T10:10:05","file_size_before":1000,"file_size_after":400,"time_taken_seconds":600.0}"#;
        let task = read(serde_json::from_str(json).unwrap());
        assert_eq!(task.id.as_str(), "17");
        assert_eq!(task.path, Path::new("720/show/a.mkv"));
        assert_eq!(task.resolution, Some(Resolution(720)));
        assert_eq!(task.added.unwrap().to_string(), "2024-05-01T10:00:00.123456Z");
        assert_eq!(task.started.unwrap().to_string(), "2024-05-01T10:00:05Z");
        assert!(
            to_json(&task)
                .unwrap()
                .ends_with(r#""md5":"d41d8cd98f00b204e9800998ecf8427e"}"#)
        );
    }

    #[test]
    fn paths_below_input_are_found_however_they_are_written() {
        for (written, below) in [
            ("720/a.mkv", "720/a.mkv"),
            ("input/720/a.mkv", "720/a.mkv"),
            ("./input/720/a.mkv", "720/a.mkv"),
            ("/data/input/720/a.mkv", "720/a.mkv"),
            ("720/input/a.mkv", "720/input/a.mkv"),
        ] {
            assert_eq!(below_input(Path::new(written)), Path::new(below), "{written}");
        }
    }

    #[test]
    fn unknown_fields_and_an_unknown_status_survive() {
        let json = r#"{"id":"x","path":"720/a.mkv","hash":null,"resolution":"720","status":"on holiday","priority":0,"added_time":null,"start_time":null,"end_time":null,"file_size_before":0,"file_size_after":null,"time_taken_seconds":null,"colour":"blue","tags":[1,{"a":null}]}"#;
        assert_eq!(to_json(&read(serde_json::from_str(json).unwrap())).unwrap(), json);
    }

    proptest::proptest! {
        #[test]
        fn every_path_survives_as_text(bytes in proptest::collection::vec(1u8..=255, 1..40)) {
            let path = PathBuf::from(OsString::from_vec(bytes));
            let (text, encoding) = encode_path(&path);
            proptest::prop_assert_eq!(decode_path(&text, encoding.is_some()), path);
        }

        #[test]
        fn no_row_panics(json in r#"\{"path":"[a-z/%.]{0,12}","(id|status|hash|resolution|added_time|attempts|file_size_before|source_file)":("[0-9a-fp:TZ-]{0,20}"|-?[0-9]{1,25}|null|\[\]|\{\}|true)\}"#) {
            if let Ok(value) = serde_json::from_str::<Value>(&json) {
                let task = read(value);
                proptest::prop_assert!(to_json(&task).is_ok());
            }
        }
    }
}
