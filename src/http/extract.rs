//! axum's own extractors, with errors in the one form.
//!
//! Promises: what a caller sent wrong is answered as a [`Problem`], whatever part of the request it is.
//! Never in here: who may call (`who`).

use axum::{
    extract::{
        FromRequest, FromRequestParts,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::problem::{Kind, Problem};

/// The body, as JSON.
#[derive(Debug, Clone, FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// What stands behind the `?`.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Problem))]
pub struct Query<T>(pub T);

/// The parts in braces of the route's path.
#[derive(Debug, Clone, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub struct Path<T>(pub T);

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match &rejection {
            JsonRejection::JsonDataError(_) => Kind::Unprocessable,
            JsonRejection::MissingJsonContentType(_) => Kind::UnsupportedMediaType,
            JsonRejection::BytesRejection(bytes) if bytes.status() == Kind::TooLarge.status() => {
                Kind::TooLarge
            }
            _ => Kind::Invalid,
        };
        Self::new(kind, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        // What cannot be an id is the id of nothing.
        Self::not_found("there is nothing of that name")
    }
}
