//! The queue as a whole: how it stands, and what may be asked of it.
//!
//! Never in here: what an order does (`service`).

use std::collections::BTreeMap;

use axum::{extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    extract::Json,
    problem::{Problem, ProblemDto},
    who::{Operator, Viewer},
};
use crate::{
    queue::WhilePaused,
    service::{
        Trouble, TroubleKind,
        desk::{Board, Order, QueueState, Which},
    },
};

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(clear))
        .routes(routes!(scan))
        .routes(routes!(sweep_uploads))
}

/// How the queue stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Queue)]
pub struct QueueDto {
    /// `null`: it is not paused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub paused_since: Option<Timestamp>,
    /// Running encodes stand still while it is paused.
    pub frozen: bool,
    /// When encodes may begin again, outside the hours of `schedule`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub hours_begin: Option<Timestamp>,
    /// Tasks of the queue by status.
    pub counts: BTreeMap<String, u64>,
    /// Of what waits and runs.
    pub left_bytes: u64,
    /// `null`: nothing has been encoded yet from which it could be told.
    pub left_seconds: Option<f64>,
    /// Files that are still being copied, or have not been quiet for long enough.
    pub settling: u64,
    /// Files whose content is being looked at.
    pub measuring: u64,
    /// Where results go.
    pub free_bytes: u64,
    /// `events`, or `sweep` where the file system tells of no changes.
    pub watching: String,
    /// Of `sweep`.
    pub watching_reason: Option<String>,
    /// Of the service.
    pub pid: u32,
    /// Folders that are out of reach.
    pub unavailable: Vec<UnavailableDto>,
    /// Changes reach the disk.
    pub writable: bool,
    /// Everything that is wrong, in words. A pause is not.
    pub problems: Vec<TroubleDto>,
    /// Files with a result, those of archived tasks too.
    pub saved_files: u64,
    /// By all results; negative when they are larger than their sources.
    pub saved_bytes: i64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Trouble)]
pub struct TroubleDto {
    /// `folder_unavailable`, `no_space` (tasks wait for it), `encoder_missing`, `queue_not_written`, `sweep_only` (new files
    /// are found late), `alerts_stuck`, `settings_mistake`, `encode_stalled` or `no_tls`.
    #[schema(value_type = String)]
    pub kind: TroubleKind,
    /// The folder, the channel of alerts or the task's id that it is about; empty: the service.
    pub about: String,
    /// One sentence.
    pub message: String,
    /// What a person can do.
    pub way_out: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

impl From<&Trouble> for TroubleDto {
    fn from(trouble: &Trouble) -> Self {
        Self {
            kind: trouble.kind,
            about: trouble.about.clone(),
            message: trouble.message.clone(),
            way_out: trouble.way_out.clone(),
            since: trouble.since,
        }
    }
}

/// A folder that is out of reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Unavailable)]
pub struct UnavailableDto {
    /// As `input/720`.
    pub folder: String,
    pub reason: String,
}

impl From<&Board> for QueueDto {
    fn from(board: &Board) -> Self {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for task in board.tasks.iter() {
            *counts.entry(task.status.as_str()).or_default() += 1;
        }
        let live = &board.live;
        Self {
            paused_since: board.control.paused_since,
            frozen: board.control.freezes(),
            hours_begin: live.hours_begin,
            counts: counts
                .into_iter()
                .map(|(status, count)| (status.to_owned(), count))
                .collect(),
            left_bytes: live.queue.bytes,
            left_seconds: live.queue.seconds_left,
            settling: live.settling,
            measuring: live.measuring,
            free_bytes: live.free_bytes,
            watching: live.watching.clone(),
            watching_reason: live.watching_reason.clone(),
            pid: std::process::id(),
            unavailable: live
                .unavailable
                .iter()
                .map(|root| UnavailableDto {
                    folder: root.path.clone(),
                    reason: root.reason.clone(),
                })
                .collect(),
            writable: board.queue == QueueState::Written,
            problems: live.troubles.iter().map(TroubleDto::from).collect(),
            saved_files: live.saved.files,
            saved_bytes: live.saved.bytes,
        }
    }
}

/// How the queue stands.
#[utoipa::path(
    get,
    path = "/queue",
    tag = "queue",
    responses((status = 200, body = QueueDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn get(_: Viewer, State(api): State<Api>) -> Json<QueueDto> {
    Json(QueueDto::from(&*api.desk.board()))
}

/// What becomes of encodes that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RunningEncodes {
    /// They go on to their end.
    #[default]
    Finish,
    /// They stand still until the pause is over, with all that they have.
    Freeze,
}

/// How to pause.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Pause {
    #[serde(default)]
    running: RunningEncodes,
}

/// Begins no more encodes, also over a restart, until `resume`.
#[utoipa::path(
    post,
    path = "/queue/pause",
    tag = "queue",
    request_body = Pause,
    responses((status = 200, body = QueueDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn pause(
    _: Operator,
    State(api): State<Api>,
    Json(pause): Json<Pause>,
) -> Result<Json<QueueDto>, Problem> {
    let while_paused = match pause.running {
        RunningEncodes::Finish => WhilePaused::Finish,
        RunningEncodes::Freeze => WhilePaused::Freeze,
    };
    order(&api, Order::Pause(while_paused)).await
}

/// Ends a pause.
#[utoipa::path(
    post,
    path = "/queue/resume",
    tag = "queue",
    responses((status = 200, body = QueueDto), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn resume(_: Operator, State(api): State<Api>) -> Result<Json<QueueDto>, Problem> {
    order(&api, Order::Resume).await
}

/// What to clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Cleared {
    /// What waits is cancelled; sources stay.
    Queued,
    /// What has ended goes to an archive.
    Finished,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Clear {
    which: Cleared,
}

/// How many tasks it was about.
#[derive(Debug, Serialize, ToSchema)]
struct Count {
    tasks: usize,
}

/// Clears the queue of what waits, or of what has ended.
#[utoipa::path(
    post,
    path = "/queue/clear",
    tag = "queue",
    request_body = Clear,
    responses((status = 200, body = Count), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn clear(
    _: Operator,
    State(api): State<Api>,
    Json(clear): Json<Clear>,
) -> Result<Json<Count>, Problem> {
    let which = match clear.which {
        Cleared::Queued => Which::Queued,
        Cleared::Finished => Which::Finished,
    };
    let outcome = api.desk.order(Order::Clear(which)).await?;
    Ok(Json(Count {
        tasks: outcome.tasks.len(),
    }))
}

/// Looks through all of input now, instead of at its next time.
#[utoipa::path(
    post,
    path = "/queue/scan",
    tag = "queue",
    responses((status = 202), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn scan(_: Operator, State(api): State<Api>) -> Result<StatusCode, Problem> {
    api.desk.order(Order::ScanNow).await?;
    Ok(StatusCode::ACCEPTED)
}

/// How many uploads were removed.
#[derive(Debug, Serialize, ToSchema)]
struct Swept {
    uploads: u64,
}

/// Removes uploads that have gone no further for `http.upload_keep_hours`, and what is left of others, now instead of at
/// the next time.
#[utoipa::path(
    post,
    path = "/queue/sweep-uploads",
    tag = "queue",
    responses((status = 200, body = Swept), (status = "4XX", body = ProblemDto, content_type = "application/problem+json"))
)]
async fn sweep_uploads(_: Operator, State(api): State<Api>) -> Json<Swept> {
    Json(Swept {
        uploads: api.uploads.sweep().await,
    })
}

async fn order(api: &Api, order: Order) -> Result<Json<QueueDto>, Problem> {
    api.desk.order(order).await?;
    Ok(Json(QueueDto::from(&*api.desk.board())))
}
