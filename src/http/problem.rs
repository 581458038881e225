//! The one form of every error (RFC 9457, `application/problem+json`).
//!
//! Promises: what a caller may not know of looks like what is not there; an internal error tells nothing but where to
//! look.
//! Never in here: what is wrong where.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::service::desk::Refusal;

/// The kinds of errors; each has a page at its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request cannot be understood.
    Invalid,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// It does not go with the present state.
    Conflict,
    /// It was there, and is not there any more.
    Gone,
    /// A precondition of the request (a checksum, an ETag, an offset) does not hold.
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    RangeNotSatisfiable,
    /// The request is for a server of another name.
    Misdirected,
    /// A client that sends too slowly, or nothing any more.
    Timeout,
    /// Another request is at it.
    Locked,
    /// What came is not what was sent (tus).
    OtherChecksum,
    /// Understood, and not allowed by the rules for its content.
    Unprocessable,
    TooManyRequests,
    Internal,
    /// The service stops, or its disk does not take writes.
    Unavailable,
    InsufficientStorage,
}

/// An error as callers get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: Kind,
    /// For a person: what, why, and the way out.
    pub detail: String,
    /// In seconds.
    pub retry_after_seconds: Option<u64>,
    /// What is wrong with single keys of the body.
    pub errors: Vec<KeyError>,
}

/// What is wrong with one key of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyError {
    pub key: String,
    /// What, and what is allowed.
    pub detail: String,
}

/// Its form on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDto {
    /// `/api/v1/problems/NAME`; programs tell errors apart by it.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<KeyError>,
}

impl Kind {
    pub const ALL: [Self; 20] = [
        Self::Invalid,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::Gone,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::Misdirected,
        Self::Timeout,
        Self::Locked,
        Self::OtherChecksum,
        Self::Unprocessable,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
        Self::InsufficientStorage,
    ];

    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Locked => StatusCode::LOCKED,
            // tus's own number, which has no name; it is in the range that is allowed.
            Self::OtherChecksum => StatusCode::from_u16(460).unwrap_or(StatusCode::CONFLICT),
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::InsufficientStorage => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// The last part of its `type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::PreconditionFailed => "precondition-failed",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::RangeNotSatisfiable => "range-not-satisfiable",
            Self::Misdirected => "misdirected",
            Self::Timeout => "timeout",
            Self::Locked => "locked",
            Self::OtherChecksum => "other-checksum",
            Self::Unprocessable => "unprocessable",
            Self::TooManyRequests => "too-many-requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::InsufficientStorage => "insufficient-storage",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Invalid => "The request cannot be understood",
            Self::Unauthorized => "Log in first",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "This method is not for this address",
            Self::Gone => "Not there any more",
            Self::Conflict => "It does not go with the present state",
            Self::PreconditionFailed => "A precondition does not hold",
            Self::TooLarge => "Too large",
            Self::UnsupportedMediaType => "The body is of the wrong kind",
            Self::RangeNotSatisfiable => "The file has no such range",
            Self::Misdirected => "Not the server that was asked for",
            Self::Timeout => "The request took too long",
            Self::Locked => "Another request is at it",
            Self::OtherChecksum => "What came is not what was sent",
            Self::Unprocessable => "The content is not allowed",
            Self::TooManyRequests => "Too many requests",
            Self::Internal => "Something went wrong here",
            Self::Unavailable => "Not available now",
            Self::InsufficientStorage => "Not enough space",
        }
    }
}

impl Problem {
    #[must_use]
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after_seconds: None,
            errors: Vec::new(),
        }
    }

    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, detail)
    }

    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            Kind::Unauthorized,
            "send a key (`Authorization: Bearer vck_…`), or log in",
        )
    }

    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, detail)
    }

    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, detail)
    }

    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail)
    }

    #[must_use]
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(Kind::Unprocessable, detail)
    }

    /// Keys of the body that are not allowed as they are.
    #[must_use]
    pub fn of_keys(errors: Vec<KeyError>) -> Self {
        let details: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
        Self {
            errors: errors.clone(),
            ..Self::unprocessable(details.join("; "))
        }
    }

    /// The cause goes to the log and not to the caller.
    #[must_use]
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!("a request failed: {cause}");
        Self::new(Kind::Internal, "it could not be done; the log says why")
    }

    #[must_use]
    pub fn after(self, retry_after_seconds: u64) -> Self {
        Self {
            retry_after_seconds: Some(retry_after_seconds),
            ..self
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let kind = match &refusal {
            Refusal::NotFound(_) => Kind::NotFound,
            Refusal::Conflict(_) => Kind::Conflict,
            Refusal::Stopping | Refusal::Failing(_) => Kind::Unavailable,
        };
        Self::new(kind, refusal.to_string())
    }
}

impl Problem {
    fn on_wire(&self, instance: Option<&str>) -> ProblemDto {
        ProblemDto {
            kind: format!("/api/v1/problems/{}", self.kind.name()),
            title: self.kind.title().to_owned(),
            status: self.kind.status().as_u16(),
            detail: self.detail.clone(),
            instance: instance.map(ToOwned::to_owned),
            errors: self.errors.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.kind.status(), axum::Json(self.on_wire(None))).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.kind == Kind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Adds to each problem the address that was asked for.
pub async fn with_instance(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = problem.filter(|_| !is_head) {
        let body = serde_json::to_vec(&problem.on_wire(Some(&path))).unwrap_or_default();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
    }
    response
}
