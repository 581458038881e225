//! A whole file in one request, for clients that do not speak tus.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Placed, Wanted};
use crate::http::{
    Api,
    extract::{Path, Query},
    problem::{Problem, ProblemDto},
    who::Operator,
};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(put))
}

#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
struct Wishes {
    /// A profile of the settings; else that of the folder.
    profile: Option<String>,
    /// Higher goes first; 0 is usual.
    priority: Option<String>,
}

/// Send a file
///
/// The body is the file. It gets its name once all of it is on the disk, and never that of a file that is there:
/// `name (2).mkv`. `%2F` in the name makes folders.
#[utoipa::path(
    put,
    path = "/files/{resolution}/{name}",
    tag = "uploads",
    params(
        ("resolution" = String, Path, description = "The folder's number, such as 720"),
        ("name" = String, Path, description = "The file's name"),
        Wishes,
    ),
    request_body(content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 201, description = "The file is there, and is taken like a dropped one", body = Placed),
        (status = 400, description = "The connection broke off", body = ProblemDto, content_type = "application/problem+json"),
        (status = 408, description = "Nothing came any more", body = ProblemDto, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = ProblemDto, content_type = "application/problem+json"),
        (status = 422, description = "A name, folder or profile that is not allowed", body = ProblemDto, content_type = "application/problem+json"),
        (status = 503, description = "Too many at once, or the service stops", body = ProblemDto, content_type = "application/problem+json"),
        (status = 507, description = "No room on the disk, or the quota is used up", body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", description = "Refused", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn put(
    State(api): State<Api>,
    _: Operator,
    Path((resolution, name)): Path<(String, String)>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Placed>), Problem> {
    let wanted = api.uploads.check(|allowed| {
        let priority = wishes.priority.as_deref();
        Wanted::new(&resolution, &name, wishes.profile, priority, None, allowed)
    })?;
    let length_bytes = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let placed = api.uploads.take_whole(wanted, length_bytes, body).await?;
    Ok((StatusCode::CREATED, Json(placed)))
}
