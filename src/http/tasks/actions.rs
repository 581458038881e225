//! One thing done to several tasks.

use std::collections::HashSet;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Api, blocking, force, list::FilterDto};
use crate::{
    http::{
        extract::Json,
        page,
        problem::{Problem, ProblemDto},
        who::Operator,
    },
    service::desk::Order,
    task::{Status, TaskId},
};

/// Tasks that one request may name.
pub(super) const IDS_LIMIT: usize = 10_000;

/// What is done to several tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    Cancel,
    Retry,
    /// Takes results even when they are not smaller.
    RetryForced,
    /// Needs `priority`.
    Priority,
}

/// Tasks, named or described.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Actions {
    action: Action,
    /// All of them or none; at most 10000.
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// Instead of `ids`: those of the queue that it fits and for which the action is possible.
    #[serde(default)]
    filter: Option<FilterDto>,
    /// Those of `filter` that are left out; at most 10000.
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    priority: Option<i32>,
}

/// The tasks that were changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Acted {
    ids: Vec<String>,
}

/// Does one thing to several tasks.
#[utoipa::path(
    post,
    path = "/tasks/actions",
    tag = "tasks",
    request_body = Actions,
    responses((status = 200, body = Acted), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
pub(super) async fn act(
    _: Operator,
    State(api): State<Api>,
    Json(actions): Json<Actions>,
) -> Result<Json<Acted>, Problem> {
    let action = actions.action;
    if actions.except.len() > IDS_LIMIT {
        let message = format!("more than {IDS_LIMIT} are left out; use another filter");
        return Err(Problem::unprocessable(message));
    }
    let except: HashSet<TaskId> = actions.except.iter().map(|id| id.as_str().into()).collect();
    let mut ids: Vec<TaskId> = match (actions.ids, actions.filter) {
        (Some(_), None) if !except.is_empty() => {
            return Err(Problem::unprocessable("except goes with a filter only"));
        }
        (Some(ids), None) if ids.len() <= IDS_LIMIT => ids.iter().map(|id| id.as_str().into()).collect(),
        (Some(_), None) => {
            let message = format!("more than {IDS_LIMIT} ids; send them in parts, or use a filter");
            return Err(Problem::unprocessable(message));
        }
        (None, Some(filter)) => {
            let board = api.desk.board();
            blocking(move || {
                let mut ids = page::ids(board.tasks.iter(), &filter.into(), |status| {
                    is_possible(action, status)
                });
                ids.retain(|id| !except.contains(id));
                ids
            })
            .await?
        }
        _ => return Err(Problem::unprocessable("give either ids or a filter")),
    };
    ids.sort();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Json(Acted { ids: Vec::new() }));
    }
    let order = match (action, actions.priority) {
        (Action::Cancel, None) => Order::Cancel(ids),
        (Action::Retry | Action::RetryForced, None) => Order::Retry {
            ids,
            force: force(action == Action::RetryForced),
        },
        (Action::Priority, Some(priority)) => Order::Priority { ids, priority },
        (Action::Priority, None) => {
            return Err(Problem::unprocessable("the action priority needs a priority"));
        }
        (_, Some(_)) => {
            return Err(Problem::unprocessable(
                "priority goes with the action priority only",
            ));
        }
    };
    let outcome = api.desk.order(order).await?;
    Ok(Json(Acted {
        ids: outcome.tasks.iter().map(ToString::to_string).collect(),
    }))
}

fn is_possible(action: Action, status: &Status) -> bool {
    match action {
        Action::Cancel => status.may_become(&Status::Cancelled),
        Action::Retry | Action::RetryForced => status.is_finished(),
        Action::Priority => !status.is_finished(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_by_filter_is_for_tasks_that_it_is_possible_for() {
        for (status, cancel, retry, priority) in [
            (Status::Queued, true, false, true),
            (Status::Processing, true, false, true),
            (Status::Processed, false, true, false),
            (Status::Failed, false, true, false),
            (Status::Cancelled, false, true, false),
        ] {
            assert_eq!(is_possible(Action::Cancel, &status), cancel, "{status}");
            assert_eq!(is_possible(Action::Retry, &status), retry, "{status}");
            assert_eq!(is_possible(Action::Priority, &status), priority, "{status}");
        }
    }
}
