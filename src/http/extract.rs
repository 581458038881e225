//! axum's own extractors, with errors in the one form.
//!
//! Promises: what a caller sent wrong is answered as a [`Problem`], whatever part of the request it is.
//! Never in here: who may call (`who`).

use axum::{
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::problem::{Kind, Problem};

/// The body, as a JSON object.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(body): axum::Json<Box<RawValue>> = axum::Json::from_request(request, state).await?;
        // serde would take a list for an object as well: its first value for the first field.
        if !body.get().starts_with('{') {
            return Err(Problem::unprocessable("the body is no object: write { … }"));
        }
        serde_json::from_str(body.get())
            .map(Self)
            .map_err(|error| Problem::unprocessable(error.to_string()))
    }
}

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
