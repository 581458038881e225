//! Tasks: one of them, and what may be asked of it.
//!
//! Promises: a task is named by its id.
//! Never in here: what an order does (`service`).

mod actions;
mod dto;
mod export;
mod list;
mod log;
mod place;
mod submit;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use dto::{Place, ProgressDto, TaskDto};

use super::{
    Api,
    blocking::blocking,
    extract::{Json, Path, Query},
    problem::{Problem, ProblemDto},
    who::{Operator, Viewer},
};
use crate::{
    queue::Files,
    record,
    service::desk::{self, Force, OnRunning, Order},
    task::{Resolution, Task, TaskId},
};
use dto::encode_of;
use submit::Submitted;

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list::list, submit::submit))
        .routes(routes!(export::export))
        .routes(routes!(get, patch))
        .routes(routes!(receipt))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(freeze))
        .routes(routes!(thaw))
        .routes(routes!(move_to))
        .routes(routes!(place::place))
        .routes(routes!(place::order))
        .routes(routes!(log::log))
        .routes(routes!(actions::act))
}

/// A task of the queue or, by its newest archived form, of the archives.
///
/// # Errors
/// When there is none of that id.
pub(super) async fn find(api: &Api, id: &str) -> Result<Arc<Task>, Problem> {
    find_with_place(api, &TaskId::from(id))
        .await
        .map(|(task, _)| task)
}

async fn find_with_place(api: &Api, id: &TaskId) -> Result<(Arc<Task>, Place), Problem> {
    let board = api.desk.board();
    if let Some(task) = board.tasks.iter().find(|task| task.id == *id) {
        return Ok((Arc::clone(task), Place::Queue));
    }
    match api.archive.find(id).await? {
        Some(task) => Ok((task, Place::Archive)),
        None => Err(Problem::not_found(format!(
            "there is no task {id:?}",
            id = id.as_str()
        ))),
    }
}

async fn told(api: &Api, id: &TaskId) -> Result<Json<TaskDto>, Problem> {
    let (task, place) = find_with_place(api, id).await?;
    let board = api.desk.board();
    Ok(Json(TaskDto::new(&task, encode_of(&board.live, id), place)))
}

/// A task.
#[utoipa::path(
    get,
    path = "/tasks/{id}",
    tag = "tasks",
    params(("id" = String, Path)),
    responses((status = 200, body = TaskDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn get(_: Viewer, State(api): State<Api>, Path(id): Path<String>) -> Result<Json<TaskDto>, Problem> {
    told(&api, &TaskId::from(id.as_str())).await
}

/// What was done to a file, in full: its receipt, as docs/ describes it.
#[utoipa::path(
    get,
    path = "/tasks/{id}/receipt",
    tag = "tasks",
    params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "application/json", body = Object),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn receipt(_: Viewer, State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let task = find(&api, &id).await?;
    let bytes = read_receipt(&api, &task.id).await?.ok_or_else(|| {
        Problem::not_found(format!(
            "task {} has no receipt; one is written when its file has been compressed or left as it is",
            task.id
        ))
    })?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], Body::from(bytes)).into_response())
}

/// The receipt's file, if there is one.
async fn read_receipt(api: &Api, id: &TaskId) -> Result<Option<Vec<u8>>, Problem> {
    let file = Files::new(&api.folders.conf).receipt(id);
    let bytes = blocking(move || match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    });
    bytes.await?.map_err(Problem::internal)
}

/// Orders something for one task, and tells it as it is then.
async fn order(api: &Api, order: Order) -> Result<Json<TaskDto>, Problem> {
    let outcome = api.desk.order(order).await?;
    match outcome.tasks.first() {
        Some(id) => told(api, id).await,
        None => Err(Problem::internal("an order about a task was about none")),
    }
}

/// Cancels a task; an encode that runs is ended first. Its source stays.
#[utoipa::path(
    post,
    path = "/tasks/{id}/cancel",
    tag = "tasks",
    params(("id" = String, Path)),
    responses((status = 200, body = TaskDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn cancel(
    _: Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<TaskDto>, Problem> {
    order(&api, Order::Cancel(vec![id.as_str().into()])).await
}

/// How to try again.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RetryQuery {
    /// `true`: the result is taken even when it is not smaller.
    #[serde(default)]
    force: bool,
}

fn force(is_forced: bool) -> Force {
    match is_forced {
        true => Force::Yes,
        false => Force::No,
    }
}

/// Queues a task again that has ended. An archived one gets a new id.
#[utoipa::path(
    post,
    path = "/tasks/{id}/retry",
    tag = "tasks",
    params(("id" = String, Path), RetryQuery),
    responses((status = 200, body = TaskDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn retry(
    _: Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<RetryQuery>,
) -> Result<Json<TaskDto>, Problem> {
    let ids = vec![id.as_str().into()];
    let force = force(query.force);
    order(&api, Order::Retry { ids, force }).await
}

/// Makes one encode stand still, with all that it has, until `thaw`.
#[utoipa::path(
    post,
    path = "/tasks/{id}/freeze",
    tag = "tasks",
    params(("id" = String, Path)),
    responses((status = 200, body = TaskDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn freeze(
    _: Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<TaskDto>, Problem> {
    order(&api, Order::Freeze(id.as_str().into())).await
}

/// Lets an encode go on that was made to stand still.
#[utoipa::path(
    post,
    path = "/tasks/{id}/thaw",
    tag = "tasks",
    params(("id" = String, Path)),
    responses((status = 200, body = TaskDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn thaw(_: Operator, State(api): State<Api>, Path(id): Path<String>) -> Result<Json<TaskDto>, Problem> {
    order(&api, Order::Thaw(id.as_str().into())).await
}

/// Where a source is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Destination {
    resolution: u32,
}

/// Moves the source, with the files beside it of its name, into the folder of another resolution, where it becomes a task
/// of the id that is answered. A task that waits is cancelled. Answered when the file lies there: on another disk that takes
/// as long as a copy.
#[utoipa::path(
    post,
    path = "/tasks/{id}/move",
    tag = "tasks",
    params(("id" = String, Path)),
    request_body = Destination,
    responses((status = 202, body = Submitted), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn move_to(
    _: Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(destination): Json<Destination>,
) -> Result<(StatusCode, Json<Submitted>), Problem> {
    let id = TaskId::from(id.as_str());
    let resolution = Resolution(destination.resolution);
    let task = find(&api, id.as_str()).await?;
    let outcome = api.desk.order(Order::Move { id, resolution }).await?;
    let path = desk::moved(&task.path, resolution);
    let submitted = Submitted {
        id: outcome.tasks.first().map(ToString::to_string).unwrap_or_default(),
        path: record::encode_path(&path).0,
    };
    Ok((StatusCode::ACCEPTED, Json(submitted)))
}

/// What is to be changed; what is not there stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    priority: Option<i32>,
    /// `null`: that of its folder.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    profile: Option<Option<String>>,
    /// `true`: an encode that runs begins again with the new profile; what is done of it is thrown away.
    #[serde(default)]
    restart: bool,
}

/// Tells `null` from nothing.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(value).map(Some)
}

/// Changes a task's priority, profile or both.
#[utoipa::path(
    patch,
    path = "/tasks/{id}",
    tag = "tasks",
    params(("id" = String, Path)),
    request_body = Change,
    responses((status = 200, body = TaskDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn patch(
    _: Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Result<Json<TaskDto>, Problem> {
    let id = TaskId::from(id.as_str());
    if change.priority.is_none() && change.profile.is_none() {
        return Err(Problem::unprocessable("give a priority, a profile or both"));
    }
    // First what may be refused.
    if let Some(profile) = change.profile {
        let running = match change.restart {
            true => OnRunning::BeginsAgain,
            false => OnRunning::IsLeft,
        };
        let id = id.clone();
        api.desk.order(Order::Profile { id, profile, running }).await?;
    }
    if let Some(priority) = change.priority {
        let ids = vec![id.clone()];
        api.desk.order(Order::Priority { ids, priority }).await?;
    }
    told(&api, &id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_another_profile_than_none_at_all() {
        let change = |text: &str| serde_json::from_str::<Change>(text).unwrap();
        assert_eq!(change("{}").profile, None);
        assert_eq!(change(r#"{"profile": null}"#).profile, Some(None));
        assert_eq!(
            change(r#"{"profile": "slow"}"#).profile,
            Some(Some("slow".into()))
        );
        assert!(serde_json::from_str::<Change>(r#"{"priorty": 1}"#).is_err());
    }
}
