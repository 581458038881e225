//! The list of tasks.
//!
//! Promises: a page of 100,000 tasks costs one look at each.

use std::{collections::HashSet, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Api, Place, TaskDto, blocking, dto::encode_of};
use crate::{
    http::{
        extract::{Json, Query},
        page::{self, Cursor, Filter, Sort, Start},
        problem::{Problem, ProblemDto},
        who::Viewer,
    },
    task::{Resolution, Task, TaskId},
};

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MOST: u32 = 500;

/// Which tasks a list has, and in what order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `next` of the page before.
    cursor: Option<String>,
    /// So many tasks are left out before the page begins; instead of `cursor`, to jump in a long list.
    #[param(value_type = Option<u64>)]
    offset: Option<u32>,
    /// Of a page; 100 unless told.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Several with commas between them.
    status: Option<String>,
    // Not as a signed number of 32 bits, by which utoipa describes it.
    #[param(value_type = Option<u64>)]
    resolution: Option<u32>,
    /// Part of the path, in any case.
    q: Option<String>,
    /// What lies below it, as `720/Films`.
    folder: Option<String>,
    /// `added`, `turn`, `priority`, `path`, `size` or `ended`; `-` before it for falling. `-added` unless told. `turn` is the
    /// order in which tasks are begun: what runs, what waits, what is over.
    sort: Option<String>,
    /// `true`: those of the archives too.
    archived: Option<bool>,
}

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TaskList {
    tasks: Vec<TaskDto>,
    /// The cursor of the next page; `null`: this is the last one.
    next: Option<String>,
    /// On all pages.
    total: usize,
    /// Grows with each change of anything: pages of one number are parts of one list.
    number: u64,
}

/// Lists tasks.
#[utoipa::path(
    get,
    path = "/tasks",
    tag = "tasks",
    params(ListQuery),
    responses((status = 200, body = TaskList), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
pub(super) async fn list(
    _: Viewer,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Json<TaskList>, Problem> {
    let sort = query.sort.as_deref().map_or(Ok(Sort::default()), str::parse);
    let sort = sort.map_err(|error| Problem::invalid(error.to_string()))?;
    let cursor = query
        .cursor
        .as_deref()
        .map(|text| Cursor::parse(text, sort))
        .transpose();
    let cursor = cursor.map_err(|error| Problem::invalid(error.to_string()))?;
    if cursor.is_some() && query.offset.is_some() {
        return Err(Problem::invalid("give a cursor or an offset, not both"));
    }
    let offset = query.offset.map_or(0, |offset| offset as usize);
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MOST).contains(&limit) {
        return Err(Problem::invalid(format!("limit is 1 to {LIMIT_MOST}")));
    }
    let filter = FilterDto {
        status: query.status,
        resolution: query.resolution,
        q: query.q,
        folder: query.folder,
    };
    let filter = Filter::from(filter);
    let archives = match query.archived {
        Some(true) => api.archive.tasks().await?,
        Some(false) | None => Vec::new(),
    };
    let board = api.desk.board();
    let list = move || {
        let live = board.tasks.iter();
        // A task that has been archived in between is in the older board too.
        let in_queue: HashSet<&TaskId> = match archives.is_empty() {
            true => HashSet::new(),
            false => live.clone().map(|task| &task.id).collect(),
        };
        let archived = archives
            .iter()
            .flat_map(|tasks| tasks.iter())
            .filter(|task| !in_queue.contains(&task.id));
        let all = archived.chain(live);
        let start = cursor.as_ref().map_or(Start::Offset(offset), Start::Cursor);
        let page = page::page(all, &filter, sort, start, limit as usize);
        let place = |task: &Task| match archives.is_empty() || in_queue.contains(&task.id) {
            true => Place::Queue,
            false => Place::Archive,
        };
        let dto = |task: &Arc<Task>| TaskDto::new(task, encode_of(&board.live, &task.id), place(task));
        TaskList {
            tasks: page.tasks.iter().map(dto).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
            total: page.total,
            number: board.number,
        }
    };
    Ok(Json(blocking(list).await?))
}

/// Which tasks are meant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FilterDto {
    /// Several with commas between them.
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) resolution: Option<u32>,
    /// Part of the path, in any case.
    #[serde(default)]
    pub(super) q: Option<String>,
    /// What lies below it, as `720/Films`.
    #[serde(default)]
    pub(super) folder: Option<String>,
}

impl From<FilterDto> for Filter {
    fn from(dto: FilterDto) -> Self {
        let statuses = dto.status.as_deref().unwrap_or_default().split(',');
        Self {
            statuses: statuses
                .map(str::trim)
                .filter(|status| !status.is_empty())
                .map(Into::into)
                .collect(),
            resolution: dto.resolution.map(Resolution),
            text: dto.q.map(|text| text.to_lowercase()),
            folder: dto.folder.filter(|folder| !folder.is_empty()),
        }
    }
}
