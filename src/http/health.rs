//! Whether the service lives, and whether it is ready, for those who watch over it.
//!
//! Promises: tells nothing but that, since it asks nobody who they are.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    extract::Json,
    problem::{Kind, Problem, ProblemDto},
};
use crate::service::desk::{Board, QueueState};

/// The loop tells how everything is each few seconds.
const LATE_AFTER: SignedDuration = SignedDuration::from_secs(60);

/// The routes; they stand outside `/api/v1`, where others look for them.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the service gets anywhere; if it does not, it is to be started again.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    security(()),
    responses((status = 200, body = Health), (status = 503, body = ProblemDto, content_type = "application/problem+json"))
)]
async fn healthz(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    answer(is_alive(&api.desk.board(), Timestamp::now()))
}

/// Whether the service takes work: it has read its queue, and its disk takes writes.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses((status = 200, body = Health), (status = 503, body = ProblemDto, content_type = "application/problem+json"))
)]
async fn readyz(State(api): State<Api>) -> Result<Json<Health>, Problem> {
    answer(is_ready(&api.desk.board()))
}

fn answer(result: Result<(), &'static str>) -> Result<Json<Health>, Problem> {
    match result {
        Ok(()) => Ok(Json(Health { status: "ok" })),
        Err(reason) => Err(Problem::new(Kind::Unavailable, reason).after(5)),
    }
}

fn is_alive(board: &Board, now: Timestamp) -> Result<(), &'static str> {
    match now.duration_since(board.live.updated) < LATE_AFTER {
        true => Ok(()),
        false => Err("the service has not got anywhere for a minute; restart it"),
    }
}

fn is_ready(board: &Board) -> Result<(), &'static str> {
    match (board.number, board.queue) {
        (0, _) => Err("the service is starting"),
        (_, QueueState::Failing) => Err("the queue cannot be written; look at the disk of conf/"),
        (_, QueueState::Written) => Ok(()),
    }
}
