//! Tasks.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;

use super::{Api, problem::Problem};
use crate::task::Task;

/// A task of the queue.
///
/// # Errors
/// When there is none of that id.
pub(super) async fn find(api: &Api, id: &str) -> Result<Arc<Task>, Problem> {
    let board = api.desk.board();
    let found = board.tasks.iter().find(|task| task.id.as_str() == id);
    found
        .cloned()
        .ok_or_else(|| Problem::not_found(format!("there is no task {id:?}")))
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}
