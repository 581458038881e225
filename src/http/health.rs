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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{Config, Sources},
        queue::Control,
        service::{Live, LiveQueue},
        task::Savings,
    };
    use std::sync::Arc;

    fn board(number: u64, queue: QueueState, updated: Timestamp) -> Board {
        let live = Live {
            version: 2,
            pid: 1,
            updated,
            watching: "events".into(),
            watching_reason: None,
            unavailable: Vec::new(),
            settling: 0,
            measuring: 0,
            free_bytes: 0,
            hours_begin: None,
            encodes: Vec::new(),
            queue: LiveQueue::default(),
            troubles: Vec::new(),
            saved: Savings::default(),
        };
        let sources = Sources {
            root: "/nowhere".into(),
            ..Sources::default()
        };
        Board {
            number,
            tasks: Arc::default(),
            live: Arc::new(live),
            control: Control::default(),
            config: Arc::new(Config::load(&sources).unwrap().config),
            queue,
        }
    }

    #[test]
    fn a_service_is_ready_when_it_has_its_queue_and_can_write_it_and_alive_while_it_gets_somewhere() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (number, queue, updated, is_ready_now, is_alive_now) in [
            (0, QueueState::Written, 100, false, true),
            (1, QueueState::Written, 100, true, true),
            (9, QueueState::Failing, 100, false, true),
            (9, QueueState::Written, 41, true, true),
            (9, QueueState::Written, 40, true, false),
        ] {
            let board = board(number, queue, at(updated));
            assert_eq!(is_ready(&board).is_ok(), is_ready_now, "{number} {queue:?}");
            assert_eq!(is_alive(&board, at(100)).is_ok(), is_alive_now, "{updated}");
        }
    }
}
