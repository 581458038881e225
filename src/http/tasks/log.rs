//! What the service and ffmpeg said about one task.
//!
//! Promises: of the log only what is about this task; the same secrets are blotted out as in the whole log.
//! Never in here: how the log is read (`logs`).

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Api, find, read_receipt};
use crate::{
    http::{
        extract::{Json, Path, Query},
        logs::{self, LogEntryDto},
        problem::{Problem, ProblemDto},
        who::Viewer,
    },
    receipt::wire,
};

/// What is wanted of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TaskLogQuery {
    /// How many entries at most.
    #[param(minimum = 1, maximum = 1000, default = 200)]
    lines: Option<usize>,
    /// Entries older than where the former answer ended: its `next`.
    before: Option<String>,
}

/// What was said about a task.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct TaskLog {
    /// Of the service's log, newest first.
    entries: Vec<LogEntryDto>,
    /// Give it as `before` to go on; `null`: there is no more.
    next: Option<String>,
    /// That made the result, quoted for a shell.
    commands: Vec<String>,
    /// What ffmpeg said about the source, line by line.
    complaints: Vec<String>,
}

/// The log of one task: what the service said about it, the command of its encode, what ffmpeg complained of.
#[utoipa::path(
    get,
    path = "/tasks/{id}/log",
    tag = "tasks",
    params(("id" = String, Path), TaskLogQuery),
    responses((status = 200, body = TaskLog), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
pub(super) async fn log(
    _: Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<TaskLogQuery>,
) -> Result<Json<TaskLog>, Problem> {
    let task = find(&api, &id).await?;
    let log = logs::about(&api, &task, query.lines, query.before.as_deref()).await?;
    // One that a newer version wrote, or none, says nothing here.
    let receipt = read_receipt(&api, &task.id).await?;
    let receipt = receipt.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let receipt = receipt.and_then(|value| wire::File::from_value(&value).ok());
    let (encoder, complaints) = receipt.map_or((None, None), |file| (file.encoder, file.decoder_complaints));
    Ok(Json(TaskLog {
        entries: log.entries,
        next: log.next,
        commands: encoder.into_iter().map(|encoder| encoder.command).collect(),
        complaints: complaints
            .unwrap_or_default()
            .lines()
            .map(ToOwned::to_owned)
            .collect(),
    }))
}
