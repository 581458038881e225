//! A task on the wire.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    record,
    service::{Live, LiveEncode, desk::Board},
    task::{Task, TaskId},
};

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
    /// What the whole result has at least, very likely.
    pub low_bytes: Option<u64>,
    /// And at most.
    pub high_bytes: Option<u64>,
    /// Of x265, once it is known.
    pub crf: Option<f64>,
    /// Of a film that is encoded in pieces, in its order, one letter each: `d` done, `r` running, `w` waiting.
    #[schema(pattern = "^[drw]*$")]
    pub pieces: Option<String>,
    /// How far it is in the film, where that is encoded from its beginning to its end.
    pub frame_seconds: Option<f64>,
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

pub(super) fn encode_of<'a>(live: &'a Live, id: &TaskId) -> Option<&'a LiveEncode> {
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
            low_bytes: encode.projected.map(|size| size.low_bytes as u64),
            high_bytes: encode.projected.map(|size| size.high_bytes as u64),
            crf: encode.crf,
            pieces: encode.pieces.clone(),
            frame_seconds: encode.frame_seconds,
        }
    }
}
