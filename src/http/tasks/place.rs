//! The order in which tasks are begun, changed by hand.
//!
//! Never in here: what the order is (`task::turn`).

use std::{collections::HashMap, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Api, TaskDto, actions::IDS_LIMIT};
use crate::{
    http::{
        extract::{Json, Path},
        problem::{Problem, ProblemDto},
        who::Operator,
    },
    service::desk::Order,
    task::{Task, TaskId},
};

/// Where a task is to be begun.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPlace {
    /// Right before this task, which waits; `null`: last.
    before: Option<String>,
}

/// Where several tasks are to be begun.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    /// One after the other, as they stand here. All of them or none.
    #[schema(min_items = 1, max_items = 10000)]
    ids: Vec<String>,
    /// Right before this task, which waits; `null`: last.
    before: Option<String>,
}

/// The tasks that were moved, as they are now.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Moved {
    tasks: Vec<TaskDto>,
}

/// Has a waiting task begun right before another one, whose priority it takes, or last.
#[utoipa::path(
    post,
    path = "/tasks/{id}/place",
    tag = "tasks",
    params(("id" = String, Path)),
    request_body = NewPlace,
    responses((status = 200, body = Moved), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
pub(super) async fn place(
    _: Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(place): Json<NewPlace>,
) -> Result<Json<Moved>, Problem> {
    carry_out(&api, &[id], place.before.as_deref()).await
}

/// Has several waiting tasks begun right before another one, whose priority they take, or last. Others keep their order.
#[utoipa::path(
    post,
    path = "/queue/order",
    tag = "queue",
    request_body = NewOrder,
    responses((status = 200, body = Moved), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
pub(super) async fn order(
    _: Operator,
    State(api): State<Api>,
    Json(order): Json<NewOrder>,
) -> Result<Json<Moved>, Problem> {
    if !(1..=IDS_LIMIT).contains(&order.ids.len()) {
        let message = format!("ids: allowed are 1 to {IDS_LIMIT}");
        return Err(Problem::unprocessable(message));
    }
    carry_out(&api, &order.ids, order.before.as_deref()).await
}

async fn carry_out(api: &Api, ids: &[String], before: Option<&str>) -> Result<Json<Moved>, Problem> {
    let order = Order::Place {
        ids: ids.iter().map(|id| id.as_str().into()).collect(),
        before: before.map(TaskId::from),
    };
    let outcome = api.desk.order(order).await?;
    let board = api.desk.board();
    let places: HashMap<&TaskId, &Arc<Task>> = board.tasks.iter().map(|task| (&task.id, task)).collect();
    let moved = outcome.tasks.iter().filter_map(|id| places.get(id));
    Ok(Json(Moved {
        tasks: moved.map(|task| TaskDto::on(&board, task)).collect(),
    }))
}
