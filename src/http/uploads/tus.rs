//! tus 1.0.0 (tus.io/protocols/resumable-upload): core, creation, creation with upload, termination, checksum, expiration.
//!
//! Never in here: what happens to the bytes.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Record, Stage, UploadDto, UploadError, UploadId, Uploads, Way,
    receive::blocking,
    wanted::{CHECKSUM_ALGORITHMS, Checksum, Wanted},
};
use crate::http::{
    Api,
    extract::Path,
    problem::{Problem, ProblemDto},
    who::{Operator, Viewer},
};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,termination,checksum,expiration";
const BYTES_TYPE: &str = "application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(options, create, list))
        .routes(routes!(offset, get, append, append_as_post, terminate))
        .layer(axum::middleware::map_response(say_version))
}

async fn say_version(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    if response.status() == StatusCode::PRECONDITION_FAILED {
        response
            .headers_mut()
            .insert(TUS_VERSION, HeaderValue::from_static(VERSION));
    }
    response
}

/// What this server can
#[utoipa::path(
    options,
    path = "/uploads",
    tag = "uploads",
    responses((status = 204, description = "Versions, extensions and limits, in headers"),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn options(State(api): State<Api>, _: Viewer) -> Response {
    let max_bytes = api.uploads.config().http.upload_max_bytes;
    let headers = [
        (TUS_VERSION, HeaderValue::from_static(VERSION)),
        (TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS)),
        (
            TUS_CHECKSUM_ALGORITHM,
            HeaderValue::from_static(CHECKSUM_ALGORITHMS),
        ),
        (TUS_MAX_SIZE, HeaderValue::from(max_bytes)),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Begin an upload (tus)
///
/// `Upload-Metadata` has `filename` and `resolution`, and may have `profile`, `priority` and `mark`, each in base64. The
/// body may already be the beginning of the file.
#[utoipa::path(
    post,
    path = "/uploads",
    tag = "uploads",
    params(
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "Bytes of the file"),
        ("Upload-Metadata" = String, Header, description = "filename …,resolution …"),
    ),
    responses(
        (status = 201, description = "Its address is in Location"),
        (status = 400, description = "A header is missing or wrong", body = ProblemDto, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus", body = ProblemDto, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemDto, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another kind", body = ProblemDto, content_type = "application/problem+json"),
        (status = 422, description = "A name, folder or profile that is not allowed", body = ProblemDto, content_type = "application/problem+json"),
        (status = 507, description = "No room on the disk, or the quota is used up", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn create(
    State(api): State<Api>,
    _: Operator,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_version(&headers)?;
    let length_bytes = number(&headers, &UPLOAD_LENGTH)?;
    let metadata = text(&headers, &UPLOAD_METADATA)?.unwrap_or_default().to_owned();
    let wanted = api
        .uploads
        .check(|allowed| Wanted::from_metadata(&metadata, allowed))?;
    // Nothing that is refused for its headers leaves an upload behind.
    let brings_bytes = is_bytes(&headers);
    let checksum = checksum(&headers)?;
    let declared_bytes = declared(&headers);
    if !brings_bytes && declared_bytes.is_some_and(|bytes| bytes > 0) {
        return Err(UploadError::OtherMediaType.into());
    }
    if declared_bytes.is_some_and(|bytes| bytes > length_bytes) {
        return Err(UploadError::TooLong {
            limit_bytes: length_bytes,
        }
        .into());
    }
    let uploads = &api.uploads;
    let (held, mut record, _) = uploads
        .admit(Way::Resumable, wanted, Some(length_bytes), metadata)
        .await?;
    let id = held.id;
    if brings_bytes {
        let reception = uploads.reception(id, record.clone(), checksum);
        // The upload is there, whatever becomes of its first bytes: the client asks how far it is.
        match uploads.receive(held, reception, body).await {
            Ok(received) => record = received,
            Err(error) => {
                tracing::debug!("the beginning of an upload: {error}");
                record = uploads.load(id).await?;
            }
        }
    } else if length_bytes == 0 {
        record = uploads
            .receive(held, uploads.reception(id, record, None), Body::empty())
            .await?;
    } else {
        drop(held);
        uploads.news().changed(id);
    }
    let location = format!("/api/v1/uploads/{id}");
    let mut response = (StatusCode::CREATED, [(header::LOCATION, location)]).into_response();
    put_state(&mut response, uploads, &record);
    Ok(response)
}

/// How far an upload is (tus)
#[utoipa::path(
    head,
    path = "/uploads/{id}",
    tag = "uploads",
    params(("id" = String, Path, description = "The upload"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses(
        (status = 200, description = "Upload-Offset and Upload-Length"),
        (status = 404, description = "There is no such upload"),
        (status = 412, description = "Another version of tus"),
        (status = "4XX", description = "Refused"),
    )
)]
async fn offset(
    State(api): State<Api>,
    _: Operator,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_version(&headers)?;
    let record = api.uploads.load(parse(&id)?).await?;
    let mut response = StatusCode::OK.into_response();
    put_state(&mut response, &api.uploads, &record);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(length_bytes) = record.length_bytes {
        headers.insert(UPLOAD_LENGTH, HeaderValue::from(length_bytes));
    }
    if let Some(metadata) = Some(&record.metadata).filter(|metadata| !metadata.is_empty())
        && let Ok(metadata) = HeaderValue::from_str(metadata)
    {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    Ok(response)
}

/// One upload
#[utoipa::path(
    get,
    path = "/uploads/{id}",
    tag = "uploads",
    params(("id" = String, Path, description = "The upload")),
    responses(
        (status = 200, description = "How far it is, and what has become of it", body = UploadDto),
        (status = 404, description = "There is no such upload", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn get(State(api): State<Api>, _: Viewer, Path(id): Path<String>) -> Result<Json<UploadDto>, Problem> {
    let id = parse(&id)?;
    let record = api.uploads.load(id).await?;
    Ok(Json(api.uploads.told(id, &record)))
}

/// All uploads, oldest first; finished ones for upload_keep_hours
#[utoipa::path(
    get,
    path = "/uploads",
    tag = "uploads",
    responses(
        (status = 200, description = "The uploads", body = Vec<UploadDto>),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn list(State(api): State<Api>, _: Viewer) -> Result<Json<Vec<UploadDto>>, Problem> {
    Ok(Json(api.uploads.all().await?))
}

/// Go on with an upload (tus)
#[utoipa::path(
    patch,
    path = "/uploads/{id}",
    tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where the body begins"),
        ("Upload-Checksum" = Option<String>, Header, description = "sha256 and the hash of the body in base64; also sha1, sha512"),
    ),
    request_body(content_type = "application/offset+octet-stream", description = "The next bytes"),
    responses(
        (status = 204, description = "They are on the disk; Upload-Offset is where to go on"),
        (status = 400, description = "A header is missing or wrong, or the connection broke off", body = ProblemDto, content_type = "application/problem+json"),
        (status = 404, description = "There is no such upload", body = ProblemDto, content_type = "application/problem+json"),
        (status = 408, description = "Nothing came any more", body = ProblemDto, content_type = "application/problem+json"),
        (status = 409, description = "The upload stands elsewhere", body = ProblemDto, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus", body = ProblemDto, content_type = "application/problem+json"),
        (status = 413, description = "More than was announced", body = ProblemDto, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another kind", body = ProblemDto, content_type = "application/problem+json"),
        (status = 423, description = "Another request is at it", body = ProblemDto, content_type = "application/problem+json"),
        (status = 460, description = "Another checksum", body = ProblemDto, content_type = "application/problem+json"),
        (status = 503, description = "Too many at once, or the service stops", body = ProblemDto, content_type = "application/problem+json"),
        (status = 507, description = "No room on the disk", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn append(
    State(api): State<Api>,
    _: Operator,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    Ok(append_to(&api.uploads, &id, &headers, body).await?)
}

async fn append_to(
    uploads: &Uploads,
    id: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, UploadError> {
    check_version(headers)?;
    if !is_bytes(headers) {
        return Err(UploadError::OtherMediaType);
    }
    let offset_bytes = number(headers, &UPLOAD_OFFSET)?;
    let checksum = checksum(headers)?;
    let id = parse(id)?;
    let held = uploads.hold(id)?;
    let record = uploads.load_held(&held).await?;
    if record.way != Way::Resumable {
        return Err(UploadError::NotFound);
    }
    if offset_bytes != record.offset_bytes {
        return Err(UploadError::OtherOffset {
            offset_bytes: record.offset_bytes,
        });
    }
    let limit_bytes = record.length_bytes.unwrap_or(u64::MAX);
    let end = declared(headers).and_then(|bytes| offset_bytes.checked_add(bytes));
    if end.is_some_and(|end| end > limit_bytes) {
        return Err(UploadError::TooLong { limit_bytes });
    }
    let record = if record.stage == Stage::Receiving {
        uploads.check_room(&held, &record).await?;
        let reception = uploads.reception(id, record, checksum);
        uploads.receive(held, reception, body).await?
    } else {
        record
    };
    let mut response = StatusCode::NO_CONTENT.into_response();
    put_state(&mut response, uploads, &record);
    Ok(response)
}

/// Another method in disguise (tus)
///
/// For clients that can send neither PATCH nor DELETE: `X-HTTP-Method-Override` says which is meant.
#[utoipa::path(
    post,
    path = "/uploads/{id}",
    tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("X-HTTP-Method-Override" = String, Header, description = "PATCH or DELETE"),
    ),
    responses(
        (status = 204, description = "As the method that was meant"),
        (status = 400, description = "None is meant", body = ProblemDto, content_type = "application/problem+json"),
        (status = 404, description = "There is no such upload", body = ProblemDto, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn append_as_post(
    State(api): State<Api>,
    operator: Operator,
    path: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    match text(&headers, &METHOD_OVERRIDE)? {
        Some("PATCH") => append(State(api), operator, path, headers, body).await,
        Some("DELETE") => terminate(State(api), operator, path, headers).await,
        _ => Err(Problem::invalid(
            "X-HTTP-Method-Override: give PATCH or DELETE, or use these methods",
        )),
    }
}

/// End an upload and forget its bytes (tus); of a finished one only its record goes
#[utoipa::path(
    delete,
    path = "/uploads/{id}",
    tag = "uploads",
    params(("id" = String, Path, description = "The upload"), ("Tus-Resumable" = String, Header, description = "1.0.0")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such upload", body = ProblemDto, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus", body = ProblemDto, content_type = "application/problem+json"),
        (status = 423, description = "Another request is at it", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn terminate(
    State(api): State<Api>,
    _: Operator,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_version(&headers)?;
    let id = parse(&id)?;
    let held = api.uploads.hold(id)?;
    let record = api.uploads.load_held(&held).await?;
    // Between its last byte and its name it is too late.
    if matches!(record.stage, Stage::Placing { .. }) {
        return Err(UploadError::Busy.into());
    }
    let store = api.uploads.store();
    blocking(move || store.remove(id))
        .await?
        .map_err(UploadError::from)?;
    api.uploads.news().changed(id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn put_state(response: &mut Response, uploads: &Uploads, record: &Record) {
    let headers = response.headers_mut();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(record.offset_bytes));
    if record.stage == Stage::Receiving && !record.is_complete() {
        let expires = http_date(record.expires(uploads.config().http.upload_keep));
        headers.extend(expires.map(|expires| (UPLOAD_EXPIRES, expires)));
    }
}

/// As RFC 9110 wants it.
fn http_date(time: Timestamp) -> Option<HeaderValue> {
    let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&text).ok()
}

fn check_version(headers: &HeaderMap) -> Result<(), UploadError> {
    match headers.get(TUS_RESUMABLE) {
        Some(version) if version == VERSION => Ok(()),
        _ => Err(UploadError::OtherVersion),
    }
}

fn is_bytes(headers: &HeaderMap) -> bool {
    let found = headers
        .get(header::CONTENT_TYPE)
        .and_then(|found| found.to_str().ok());
    found.is_some_and(|found| found.eq_ignore_ascii_case(BYTES_TYPE))
}

fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, UploadError> {
    let header = text(headers, &UPLOAD_CHECKSUM)?;
    header
        .map(Checksum::parse)
        .transpose()
        .map_err(|unfit| UploadError::Header(unfit.to_string()))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, UploadError> {
    let value = headers.get(name).map(HeaderValue::to_str);
    value
        .transpose()
        .map_err(|_| UploadError::Header(format!("{name}: only ASCII is allowed")))
}

/// A number that must be there.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, UploadError> {
    let digits = text(headers, name)?.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| UploadError::Header(format!("{name}: give a number of bytes")))
}

/// What is no id of ours names nothing.
fn parse(id: &str) -> Result<UploadId, UploadError> {
    id.parse().map_err(|_| UploadError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        let time = "1994-11-06T08:49:37Z".parse().unwrap();
        assert_eq!(http_date(time).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        let read = |value: &'static str| {
            let headers = HeaderMap::from_iter([(UPLOAD_OFFSET, HeaderValue::from_static(value))]);
            number(&headers, &UPLOAD_OFFSET).ok()
        };
        for (value, expected) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("", None),
        ] {
            assert_eq!(read(value), expected, "{value}");
        }
    }
}
