//! Tasks: the list, one of them, and what may be asked of it.
//!
//! Promises: a task is named by its id, a file to be submitted by its root and a path that leads nowhere else; a list of
//! 100,000 tasks costs one look at each.
//! Never in here: what an order does (`service`).

use std::{
    collections::HashSet,
    path::{Component, Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    blocking::blocking,
    extract::{Json, Path, Query},
    page::{self, Cursor, Filter, Sort},
    problem::{Problem, ProblemDto},
    who::{Operator, Viewer},
};
use crate::{
    config::Folders,
    queue::Files,
    record,
    service::{
        Live, LiveEncode,
        desk::{self, Board, Force, OnRunning, Order, Wanted},
    },
    task::{Resolution, Status, Task, TaskId},
};

const LIMIT_DEFAULT: u32 = 100;
const LIMIT_MOST: u32 = 500;
/// Tasks that one request may name.
const IDS_LIMIT: usize = 10_000;
/// A path that no file system takes is not looked for.
const PATH_LIMIT_BYTES: usize = 4096;

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, submit))
        .routes(routes!(get, patch))
        .routes(routes!(receipt))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(freeze))
        .routes(routes!(thaw))
        .routes(routes!(move_to))
        .routes(routes!(act))
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Task)]
pub struct TaskDto {
    pub id: String,
    /// Below the root `input`; bytes that are no UTF-8 are percent-encoded.
    pub path: String,
    /// Height in pixels of the 16:9 box; `null` outside every resolution folder.
    pub resolution: Option<u32>,
    /// `queued`, `processing`, `processed`, `skipped`, `cancelled`, `failed`, `error_missing_input`,
    /// `error_no_resolution` or `error_exception`.
    pub status: String,
    /// Higher goes first.
    pub priority: i32,
    /// `null`: that of its folder.
    pub profile: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub added: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    pub size_before_bytes: u64,
    pub size_after_bytes: Option<u64>,
    /// There is a result to download.
    pub output: bool,
    /// What was done, in one line.
    pub summary: Option<String>,
    /// Why it was skipped or cancelled.
    pub reason: Option<String>,
    /// Why it failed, and the way out.
    pub error: Option<String>,
    /// Why it is not started: `space`, `folder`, `encoder`, or `task ID` whose content is the same.
    pub waiting_for: Option<String>,
    /// Encodes begun.
    pub attempts: u32,
    /// While it is encoded.
    pub progress: Option<ProgressDto>,
    /// It was asked to stand still.
    pub frozen: bool,
    /// It has left the queue for an archive.
    pub archived: bool,
}

/// How far an encode is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Progress)]
pub struct ProgressDto {
    /// As `encoding`, `joining the chunks of`, `measuring the quality of`.
    pub stage: String,
    pub percent: Option<f64>,
    pub fps: Option<f64>,
    /// Seconds of the film in a second.
    pub speed: Option<f64>,
    pub seconds_left: Option<f64>,
    pub written_bytes: Option<u64>,
    /// Of the whole result, once that can be told.
    pub projected_bytes: Option<u64>,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Queue,
    Archive,
}

impl TaskDto {
    #[must_use]
    pub fn new(task: &Task, encode: Option<&LiveEncode>, place: Place) -> Self {
        Self {
            id: task.id.to_string(),
            path: record::encode_path(&task.path).0,
            resolution: task.resolution.map(|resolution| resolution.0),
            status: task.status.to_string(),
            priority: task.priority,
            profile: task.profile.clone(),
            added: task.added,
            started: task.started,
            ended: task.ended,
            size_before_bytes: task.size_before_bytes,
            size_after_bytes: task.size_after_bytes,
            output: task.own_output().is_some(),
            summary: task.summary.clone(),
            reason: task.reason.clone(),
            error: task.error.clone(),
            waiting_for: task.waiting_for.as_ref().map(ToString::to_string),
            attempts: task.attempts,
            frozen: encode.is_some_and(|encode| encode.frozen),
            progress: encode.map(ProgressDto::from),
            archived: place == Place::Archive,
        }
    }

    /// A task of the queue as the board has it.
    #[must_use]
    pub fn on(board: &Board, task: &Task) -> Self {
        Self::new(task, encode_of(&board.live, &task.id), Place::Queue)
    }
}

fn encode_of<'a>(live: &'a Live, id: &TaskId) -> Option<&'a LiveEncode> {
    live.encodes.iter().find(|encode| encode.id == id.as_str())
}

impl From<&LiveEncode> for ProgressDto {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    fn from(encode: &LiveEncode) -> Self {
        Self {
            stage: encode.stage.clone(),
            percent: encode.percent,
            fps: encode.fps,
            speed: encode.speed,
            seconds_left: encode.seconds_left,
            written_bytes: encode.size_bytes,
            projected_bytes: encode.projected.map(|size| size.likely_bytes as u64),
        }
    }
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

/// Which tasks a list has, and in what order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `next` of the page before.
    cursor: Option<String>,
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
    /// `added`, `priority`, `path`, `size` or `ended`; `-` before it for falling. `-added` unless told.
    sort: Option<String>,
    /// `true`: those of the archives too.
    archived: Option<bool>,
}

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
struct TaskList {
    tasks: Vec<TaskDto>,
    /// The cursor of the next page; `null`: this is the last one.
    next: Option<String>,
    /// On all pages.
    total: usize,
}

/// Lists tasks.
#[utoipa::path(
    get,
    path = "/tasks",
    tag = "tasks",
    params(ListQuery),
    responses((status = 200, body = TaskList), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn list(
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
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MOST).contains(&limit) {
        return Err(Problem::invalid(format!("limit is 1 to {LIMIT_MOST}")));
    }
    let filter = FilterDto {
        status: query.status,
        resolution: query.resolution,
        q: query.q,
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
        let page = page::page(all, &filter, sort, cursor.as_ref(), limit as usize);
        let place = |task: &Task| match archives.is_empty() || in_queue.contains(&task.id) {
            true => Place::Queue,
            false => Place::Archive,
        };
        let dto = |task: &Arc<Task>| TaskDto::new(task, encode_of(&board.live, &task.id), place(task));
        TaskList {
            tasks: page.tasks.iter().map(dto).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
            total: page.total,
        }
    };
    Ok(Json(blocking(list).await?))
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
    let file = Files::new(&api.folders.conf).receipt(&task.id);
    let bytes = blocking(move || match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    });
    let bytes = bytes.await?.map_err(Problem::internal)?;
    let bytes = bytes.ok_or_else(|| {
        Problem::not_found(format!(
            "task {} has no receipt; one is written when its file has been compressed or left as it is",
            task.id
        ))
    })?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json)], Body::from(bytes)).into_response())
}

/// A file that is to be compressed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Submission {
    /// `input`.
    root: String,
    /// Relative to the root, as `720/holiday.mp4`.
    path: String,
    /// `null`: that of its folder.
    #[serde(default)]
    resolution: Option<u32>,
    /// `null`: that of its folder.
    #[serde(default)]
    profile: Option<String>,
    #[serde(default)]
    priority: i32,
}

/// A task that there will be.
#[derive(Debug, Serialize, ToSchema)]
struct Submitted {
    /// The task has this id from the moment the file has settled and is taken.
    id: String,
    /// Below the root `input`.
    path: String,
}

/// Submits a file that lies below a root already: again when it has been dealt with, with what is said here when the watch
/// has yet to take it.
#[utoipa::path(
    post,
    path = "/tasks",
    tag = "tasks",
    request_body = Submission,
    responses(
        (status = 202, body = Submitted),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn submit(
    _: Operator,
    State(api): State<Api>,
    Json(submission): Json<Submission>,
) -> Result<(StatusCode, Json<Submitted>), Problem> {
    if submission.root != "input" {
        return Err(Problem::unprocessable("the only root is \"input\""));
    }
    let path = path_below_root(&submission.path)?;
    let (folders, looked_for) = (api.folders.clone(), path.clone());
    let is_file = blocking(move || is_file_below(&folders, &looked_for)).await?;
    if !is_file {
        return Err(Problem::not_found(format!(
            "there is no file {:?} below the root input",
            submission.path
        )));
    }
    let wanted = Wanted {
        path: path.clone(),
        resolution: submission.resolution.map(Resolution),
        profile: submission.profile,
        priority: submission.priority,
    };
    let outcome = api.desk.order(Order::Submit(wanted)).await?;
    let submitted = Submitted {
        id: outcome.tasks.first().map(ToString::to_string).unwrap_or_default(),
        path: record::encode_path(&path).0,
    };
    Ok((StatusCode::ACCEPTED, Json(submitted)))
}

/// A path that leads nowhere but below its root, to nothing hidden.
fn path_below_root(text: &str) -> Result<PathBuf, Problem> {
    let refused = |what: &str| {
        Problem::unprocessable(format!(
            "the path {text:?} {what}; write it relative to the root, as \"720/holiday.mp4\""
        ))
    };
    if text.is_empty() || text.len() > PATH_LIMIT_BYTES || text.contains(char::is_control) {
        return Err(refused("is empty, too long, or holds control characters"));
    }
    let path = FilePath::new(text);
    for part in path.components() {
        match part {
            Component::Normal(name) if !name.as_encoded_bytes().starts_with(b".") => {}
            Component::Normal(_) => return Err(refused("leads to something hidden")),
            _ => return Err(refused("leads elsewhere")),
        }
    }
    // `a//b` and `a/./b` are other ways to write a path that has one.
    match path.components().collect::<PathBuf>().as_os_str() == path.as_os_str() {
        true => Ok(path.to_owned()),
        false => Err(refused("is not written plainly")),
    }
}

/// A resolution's folder may be a symlink, nothing below it.
fn is_file_below(folders: &Folders, path: &FilePath) -> bool {
    let mut at = folders.input.clone();
    let count = path.components().count();
    path.components().enumerate().all(|(depth, part)| {
        at.push(part);
        let found = match depth {
            0 if count > 1 => at.metadata(),
            _ => at.symlink_metadata(),
        };
        found.is_ok_and(|found| {
            if depth + 1 == count {
                found.is_file()
            } else {
                found.is_dir()
            }
        })
    })
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
/// of the id that is answered. A task that waits is cancelled.
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

/// What is done to several tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
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
struct Actions {
    action: Action,
    /// All of them or none; at most 10000.
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// Instead of `ids`: those of the queue that it fits and for which the action is possible.
    #[serde(default)]
    filter: Option<FilterDto>,
    #[serde(default)]
    priority: Option<i32>,
}

/// Which tasks are meant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FilterDto {
    /// Several with commas between them.
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    resolution: Option<u32>,
    /// Part of the path, in any case.
    #[serde(default)]
    q: Option<String>,
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
        }
    }
}

/// The tasks that were changed.
#[derive(Debug, Serialize, ToSchema)]
struct Acted {
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
async fn act(
    _: Operator,
    State(api): State<Api>,
    Json(actions): Json<Actions>,
) -> Result<Json<Acted>, Problem> {
    let action = actions.action;
    let ids: Vec<TaskId> = match (actions.ids, actions.filter) {
        (Some(ids), None) if ids.len() <= IDS_LIMIT => ids.iter().map(|id| id.as_str().into()).collect(),
        (Some(_), None) => {
            let message = format!("more than {IDS_LIMIT} ids; send them in parts, or use a filter");
            return Err(Problem::unprocessable(message));
        }
        (None, Some(filter)) => {
            let board = api.desk.board();
            blocking(move || {
                page::ids(board.tasks.iter(), &filter.into(), |status| {
                    is_possible(action, status)
                })
            })
            .await?
        }
        _ => return Err(Problem::unprocessable("give either ids or a filter")),
    };
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
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_path_leads_out_of_its_root_or_to_anything_hidden() {
        for path in ["720/a.mkv", "720/show/ä b.mkv", "stray.mkv"] {
            assert_eq!(path_below_root(path).unwrap(), FilePath::new(path));
        }
        for path in [
            "",
            "/etc/passwd",
            "..",
            "../conf/access.json",
            "720/../../conf/access.json",
            "720/./a.mkv",
            "720//a.mkv",
            "720/a.mkv/",
            "720/.vc-uploads/x.part",
            ".done/720/a.mkv",
            "720/a\0.mkv",
            "720/a\n.mkv",
            &"a/".repeat(3000),
        ] {
            assert!(path_below_root(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_resolution_folder_may_be_a_symlink_and_nothing_below_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["input/480", "disk", "elsewhere"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        symlink(at("disk"), at("input/720")).unwrap();
        symlink(at("elsewhere"), at("input/480/link")).unwrap();
        symlink(at("elsewhere/a.mkv"), at("input/480/b.mkv")).unwrap();
        for file in [
            "disk/a.mkv",
            "elsewhere/a.mkv",
            "input/480/a.mkv",
            "input/stray.mkv",
        ] {
            std::fs::write(at(file), "").unwrap();
        }
        let folders = Folders {
            root: at(""),
            input: at("input"),
            output: at("output"),
            conf: at("conf"),
            logs: at("logs"),
        };
        for (path, is_there) in [
            ("720/a.mkv", true),
            ("480/a.mkv", true),
            ("stray.mkv", true),
            ("480/b.mkv", false),
            ("480/link/a.mkv", false),
            ("480", false),
            ("720/none.mkv", false),
        ] {
            assert_eq!(is_file_below(&folders, FilePath::new(path)), is_there, "{path}");
        }
    }

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
