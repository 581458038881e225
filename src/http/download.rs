//! Results, as files.
//!
//! Promises: what is sent is the file that the service published for this task, as it was published, or nothing; any size
//! at constant memory; a part can be asked for, and goes on only with the same file.
//! Never in here: which part a request asks for (`ranges`).

use std::{
    ffi::OsStr,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Component, Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    blocking::blocking,
    extract::Path,
    files,
    problem::{Kind, Problem, ProblemDto},
    ranges::{self, Part},
    tasks,
    who::Viewer,
};
use crate::task::{Identity, Task};

/// What is read at once for one download.
const BLOCK_BYTES: u64 = 256 << 10;

/// A published result that is still what it was.
pub(super) struct Published {
    pub file: File,
    pub identity: Identity,
    pub path: PathBuf,
}

/// The result of a task, opened.
///
/// # Errors
/// When it has none, or there is another file in its place.
pub(super) async fn published(api: &Api, task: &Task) -> Result<Published, Problem> {
    let (Some(output), Some(identity)) = (&task.output, task.output_identity) else {
        return Err(Problem::not_found(format!(
            "task {} has no result: it is {}",
            task.id, task.status
        )));
    };
    if !task.status.is_finished() {
        return Err(Problem::not_found(format!(
            "task {} has no result yet: it is {}",
            task.id, task.status
        )));
    }
    let gone = || {
        Problem::not_found(format!(
            "the result of task {} is not in its place any more, or another file is; `retry` makes it anew",
            task.id
        ))
    };
    if !is_below(output) {
        return Err(gone());
    }
    let path = api.desk.config().folders.output.join(output);
    let opened = path.clone();
    let (file, found) = blocking(move || files::open_plain(&opened))
        .await?
        .map_err(|_| gone())?;
    if !found.same_file(&identity) {
        return Err(gone());
    }
    Ok(Published {
        file,
        identity: found,
        path,
    })
}

/// Whether a path leads below the folder that it is relative to. A queue that was edited by hand may say anything.
pub(super) fn is_below(path: &FilePath) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_))) && path.file_name().is_some()
}

/// A strong tag: another one for every version of the file, and nothing of the disk in it.
pub(super) fn etag(identity: &Identity, of: &str) -> String {
    let Identity {
        device,
        inode,
        size_bytes,
        mtime_ns,
        ..
    } = identity;
    let told = format!("{device} {inode} {size_bytes} {mtime_ns} {of}");
    format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(told.as_bytes()))
}

fn content_type(name: &OsStr) -> &'static str {
    let extension = FilePath::new(name).extension().map(OsStr::to_ascii_lowercase);
    match extension.as_deref().and_then(OsStr::to_str) {
        Some("mp4" | "m4v") => "video/mp4",
        Some("mkv") => "video/x-matroska",
        Some("mov") => "video/quicktime",
        Some("webm") => "video/webm",
        _ => "application/octet-stream",
    }
}

/// `attachment`, with the name for old clients and, where that is not all of it, for new ones (RFC 6266, RFC 8187).
fn disposition(name: &OsStr) -> String {
    let name: String = name
        .to_string_lossy()
        .chars()
        .map(|letter| if letter.is_control() { '_' } else { letter })
        .collect();
    let plain =
        |letter: char| (letter.is_ascii_graphic() || letter == ' ') && !matches!(letter, '"' | '\\' | '%');
    let old: String = name
        .chars()
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    if old == name {
        return format!("attachment; filename=\"{old}\"");
    }
    let mut new = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            new.push(char::from(byte));
        } else {
            new.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{old}\"; filename*=UTF-8''{new}")
}

fn told<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn header_value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(Problem::internal)
}

/// The answer to a request for `published`.
pub(super) fn answer(
    published: Published,
    method: &Method,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let Published { file, identity, path } = published;
    let size = identity.size_bytes;
    let name = path.file_name().unwrap_or_default();
    let tag = etag(&identity, "");
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, header_value(&tag)?);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    if told(request, &header::IF_NONE_MATCH).is_some_and(|header| ranges::names(header, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    headers.insert(header::CONTENT_DISPOSITION, header_value(&disposition(name))?);
    let goes_on = told(request, &header::IF_RANGE).is_none_or(|header| ranges::same(header, &tag));
    let range = told(request, &header::RANGE).filter(|_| goes_on && method == Method::GET);
    let (status, part) = match range.map_or(Part::Whole, |range| ranges::part(range, size)) {
        Part::Whole => (StatusCode::OK, 0..size),
        Part::Of(part) => {
            let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            headers.insert(header::CONTENT_RANGE, header_value(&told)?);
            (StatusCode::PARTIAL_CONTENT, part)
        }
        Part::Refused => {
            let problem = Problem::new(
                Kind::RangeNotSatisfiable,
                format!("the file has {size} bytes; ask for one range in it"),
            );
            let told = header_value(&format!("bytes */{size}"))?;
            return Ok(([(header::CONTENT_RANGE, told)], problem).into_response());
        }
    };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    let body = match *method {
        Method::HEAD => Body::empty(),
        _ => body(file, part),
    };
    Ok((status, headers, body).into_response())
}

/// Reads on as the caller takes it. A file that has become shorter breaks the connection off.
fn body(file: File, part: Range<u64>) -> Body {
    let file = Arc::new(file);
    Body::from_stream(stream::try_unfold(part, move |part| {
        let file = Arc::clone(&file);
        async move {
            if part.is_empty() {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || {
                let length = BLOCK_BYTES.min(part.end - part.start);
                let mut block = vec![0; usize::try_from(length).unwrap_or(0)];
                file.read_exact_at(&mut block, part.start)?;
                Ok::<_, io::Error>((Bytes::from(block), part.start + length..part.end))
            });
            read.await.map_err(io::Error::other)?.map(Some)
        }
    }))
}

/// The result of a task, as a file
///
/// One `Range` is answered; `If-Range` and `If-None-Match` take the `ETag`.
#[utoipa::path(
    get, path = "/tasks/{id}/output", tag = "tasks",
    params(("id" = String, Path, description = "The task's id")),
    responses(
        (status = 200, description = "The file", body = String, content_type = "video/*"),
        (status = 206, description = "The part of it that `Range` asked for", body = String, content_type = "video/*"),
        (status = 304, description = "Still the file that `If-None-Match` names"),
        (status = 404, description = "No such task, no result, or another file in its place",
            body = ProblemDto, content_type = "application/problem+json"),
        (status = 416, description = "No such part, or several",
            body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn get(
    _: Viewer,
    State(api): State<Api>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let task = tasks::find(&api, &id).await?;
    answer(published(&api, &task).await?, &method, &headers)
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn a_name_arrives_whole_and_breaks_no_header() {
        for (name, header) in [
            ("a b.mkv".as_bytes(), "attachment; filename=\"a b.mkv\""),
            (
                b"\"; x=\".mkv",
                "attachment; filename=\"_; x=_.mkv\"; filename*=UTF-8''%22%3B%20x%3D%22.mkv",
            ),
            (
                "映画.mkv".as_bytes(),
                "attachment; filename=\"__.mkv\"; filename*=UTF-8''%E6%98%A0%E7%94%BB.mkv",
            ),
            (b"a\r\nX: y", "attachment; filename=\"a__X: y\""),
            (
                b"50%.mkv",
                "attachment; filename=\"50_.mkv\"; filename*=UTF-8''50%25.mkv",
            ),
            (
                b"\xff.mkv",
                "attachment; filename=\"_.mkv\"; filename*=UTF-8''%EF%BF%BD.mkv",
            ),
        ] {
            let disposition = disposition(OsStr::from_bytes(name));
            assert_eq!(disposition, header);
            assert!(HeaderValue::from_str(&disposition).is_ok());
        }
    }

    #[test]
    fn paths_that_lead_elsewhere_are_no_results() {
        for (path, is_result) in [
            ("720/a.mkv", true),
            ("../a.mkv", false),
            ("720/../../a.mkv", false),
            ("/etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(is_below(FilePath::new(path)), is_result, "{path}");
        }
    }

    #[test]
    fn a_link_or_a_pipe_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("plain"), "x").unwrap();
        std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        assert!(pipe.unwrap().success());
        assert!(files::open_plain(&at("plain")).is_ok());
        for name in ["link", "pipe", "nothing", "."] {
            assert!(files::open_plain(&at(name)).is_err(), "{name}");
        }
    }

    fn published_with(content: &[u8]) -> (tempfile::TempDir, Published) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mkv");
        std::fs::write(&path, content).unwrap();
        let (file, identity) = files::open_plain(&path).unwrap();
        (folder, Published { file, identity, path })
    }

    async fn asked(content: &[u8], method: &Method, headers: &[(HeaderName, &str)]) -> (Response, String) {
        let (_folder, published) = published_with(content);
        let tag = etag(&published.identity, "");
        let mut request = HeaderMap::new();
        for (name, value) in headers {
            let value = value.replace("TAG", &tag);
            request.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        (answer(published, method, &request).unwrap(), tag)
    }

    #[tokio::test]
    async fn the_parts_that_are_asked_for_are_answered() {
        // Several blocks, the last one not whole.
        let content: Vec<u8> = (0..BLOCK_BYTES * 2 + 7).map(|byte| (byte % 251) as u8).collect();
        let size = content.len();
        let range = header::RANGE;
        let (if_range, if_none) = (header::IF_RANGE, header::IF_NONE_MATCH);
        type Case<'a> = (&'a [(HeaderName, &'a str)], u16, Range<usize>);
        let cases: [Case; 8] = [
            (&[], 200, 0..size),
            (&[(range.clone(), "bytes=3-300000")], 206, 3..300_001),
            (&[(range.clone(), "bytes=-7")], 206, size - 7..size),
            (
                &[(range.clone(), "bytes=1-1"), (if_range.clone(), "TAG")],
                206,
                1..2,
            ),
            (
                &[(range.clone(), "bytes=1-1"), (if_range.clone(), "\"x\"")],
                200,
                0..size,
            ),
            (&[(range.clone(), "bytes=1-1"), (if_range, "W/TAG")], 200, 0..size),
            (
                &[(if_none.clone(), "\"x\", W/TAG"), (range, "bytes=1-1")],
                304,
                0..0,
            ),
            (&[(if_none, "\"x\"")], 200, 0..size),
        ];
        for (headers, status, part) in cases {
            let (response, tag) = asked(&content, &Method::GET, headers).await;
            assert_eq!(response.status(), status, "{headers:?}");
            assert_eq!(response.headers()[header::ETAG], tag.as_str());
            if status == 206 {
                let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                assert_eq!(response.headers()[header::CONTENT_RANGE], told.as_str());
            }
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, content[part], "{headers:?}");
        }
    }

    #[tokio::test]
    async fn what_does_not_exist_is_refused_with_the_size() {
        for asked_for in ["bytes=5-", "bytes=0-0,2-2"] {
            let (response, _) = asked(b"12345", &Method::GET, &[(header::RANGE, asked_for)]).await;
            assert_eq!(response.status(), 416);
            assert_eq!(response.headers()[header::CONTENT_RANGE], "bytes */5");
            assert_eq!(
                response.headers()[header::CONTENT_TYPE],
                "application/problem+json"
            );
        }
    }

    #[tokio::test]
    async fn a_look_at_the_head_says_the_size_and_takes_no_part() {
        let (response, _) = asked(b"12345", &Method::HEAD, &[(header::RANGE, "bytes=0-0")]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "5");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
    }
}
