//! All tasks as a file, for a spreadsheet or a program.
//!
//! Promises: one archive and one part of the file are in memory, however many tasks there are and however slowly it is
//! taken; what cannot be read ends the answer in a way that nobody takes for its end.
//! Never in here: how a text stands in CSV (`crate::csv`).

use std::{
    collections::{HashSet, VecDeque},
    path::PathBuf,
    sync::Arc,
    vec,
};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Api, Place, TaskDto, dto::encode_of, list::FilterDto};
use crate::{
    csv,
    http::{
        blocking::blocking,
        extract::Query,
        page::Filter,
        problem::{Problem, ProblemDto},
        who::Viewer,
    },
    queue::{self, Files},
    service::desk::Board,
    task::{Task, TaskId},
};

/// Of the file, at least, and one task more.
const PART_BYTES: usize = 64 * 1024;

/// The columns, in the order in which they stand.
const COLUMNS: [&str; 16] = [
    "id",
    "path",
    "resolution",
    "status",
    "priority",
    "profile",
    "added",
    "started",
    "ended",
    "size_before_bytes",
    "size_after_bytes",
    "attempts",
    "summary",
    "reason",
    "error",
    "archived",
];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// RFC 4180, with a line of names first.
    #[default]
    Csv,
    /// A list of tasks as in `GET /tasks`.
    Json,
}

/// Which tasks, and how.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    #[serde(default)]
    #[param(inline, default = "csv")]
    format: Format,
    /// Several with commas between them.
    status: Option<String>,
    #[param(value_type = Option<u64>)]
    resolution: Option<u32>,
    /// Part of the path, in any case.
    q: Option<String>,
    /// What lies below it, as `720/Films`.
    folder: Option<String>,
    /// `true`: those of the archives too.
    #[serde(default)]
    archived: bool,
}

/// An export on its way.
struct Export {
    format: Format,
    filter: Filter,
    board: Arc<Board>,
    /// Not begun, oldest first.
    archives: VecDeque<PathBuf>,
    /// What was archived in between is in the board as well.
    in_queue: HashSet<TaskId>,
    /// The rest of the archive that was begun.
    archived: vec::IntoIter<Task>,
    /// Place in the board.
    next: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    /// No task has been written.
    First,
    Tasks,
    Ended,
}

impl Export {
    fn new(query: ExportQuery, board: Arc<Board>, files: &Files) -> Result<Self, Problem> {
        let ExportQuery {
            format,
            status,
            resolution,
            q,
            folder,
            archived,
        } = query;
        let (archives, in_queue) = if archived {
            let archives = queue::list_archives(files).map_err(Problem::internal)?;
            (archives, board.tasks.iter().map(|task| task.id.clone()).collect())
        } else {
            (Vec::new(), HashSet::new())
        };
        Ok(Self {
            format,
            filter: Filter::from(FilterDto {
                status,
                resolution,
                q,
                folder,
            }),
            board,
            archives: archives.into(),
            in_queue,
            archived: Vec::new().into_iter(),
            next: 0,
            stage: Stage::Head,
        })
    }

    /// `None` behind the last part.
    fn part(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.stage == Stage::Ended {
            return Ok(None);
        }
        let mut part = String::with_capacity(PART_BYTES * 2);
        if self.stage == Stage::Head {
            part.push_str(&self.format.head());
            self.stage = Stage::First;
        }
        while part.len() < PART_BYTES {
            let Some(task) = self.task()? else {
                part.push_str(self.format.tail());
                self.stage = Stage::Ended;
                break;
            };
            let gap = if self.stage == Stage::Tasks {
                self.format.gap()
            } else {
                ""
            };
            part.push_str(gap);
            part.push_str(&self.format.row(&task)?);
            self.stage = Stage::Tasks;
        }
        Ok(Some(part.into()))
    }

    /// The next one that is meant.
    fn task(&mut self) -> Result<Option<TaskDto>, Problem> {
        loop {
            let is_meant = |task: &Task| !self.in_queue.contains(&task.id) && self.filter.lets_through(task);
            if let Some(task) = self.archived.find(is_meant) {
                return Ok(Some(TaskDto::new(&task, None, Place::Archive)));
            }
            let Some(archive) = self.archives.pop_front() else {
                break;
            };
            self.archived = queue::read_archive(&archive)
                .map_err(Problem::internal)?
                .into_iter();
        }
        let mut live = self.board.tasks.iter().enumerate().skip(self.next);
        let found = live.find(|(_, task)| self.filter.lets_through(task));
        self.next = found.map_or(self.board.tasks.len(), |(place, _)| place + 1);
        Ok(found.map(|(_, task)| TaskDto::new(task, encode_of(&self.board.live, &task.id), Place::Queue)))
    }
}

impl Format {
    fn head(self) -> String {
        match self {
            Self::Csv => format!("{}\r\n", COLUMNS.join(",")),
            Self::Json => "[\n".to_owned(),
        }
    }

    /// Between two tasks.
    fn gap(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Json => ",\n",
        }
    }

    fn tail(self) -> &'static str {
        match self {
            Self::Csv => "",
            Self::Json => "\n]\n",
        }
    }

    fn row(self, task: &TaskDto) -> Result<String, Problem> {
        match self {
            Self::Csv => Ok(format!("{}\r\n", cells(task).join(","))),
            Self::Json => serde_json::to_string(task).map_err(Problem::internal),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// A task by [`COLUMNS`]. Numbers and times are no texts: a priority of -5 stays a number.
fn cells(task: &TaskDto) -> [String; 16] {
    fn plain(value: Option<impl ToString>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let text = |value: &Option<String>| value.as_deref().map(csv::text).unwrap_or_default();
    [
        csv::text(&task.id),
        csv::text(&task.path),
        plain(task.resolution),
        csv::text(&task.status),
        task.priority.to_string(),
        text(&task.profile),
        plain(task.added),
        plain(task.started),
        plain(task.ended),
        task.size_before_bytes.to_string(),
        plain(task.size_after_bytes),
        task.attempts.to_string(),
        text(&task.summary),
        text(&task.reason),
        text(&task.error),
        task.archived.to_string(),
    ]
}

/// All tasks as a file: those of the archives, oldest first, then the queue in the order in which they came.
#[utoipa::path(
    get,
    path = "/tasks/export",
    tag = "tasks",
    params(ExportQuery),
    responses(
        (status = 200, description = "The columns of CSV are named in its first line; a text that a spreadsheet would take for \
            a formula has ' in front", content((String = "text/csv"), (Vec<TaskDto> = "application/json"))),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn export(
    _: Viewer,
    State(api): State<Api>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let format = query.format;
    let (board, files) = (api.desk.board(), Files::new(&api.folders.conf));
    let export = blocking(move || Export::new(query, board, &files)).await??;
    let parts = stream::try_unfold(export, async |mut export| {
        let part = blocking(move || export.part().map(|part| part.map(|part| (part, export))));
        let part = part.await.and_then(|part| part);
        part.map_err(|problem| std::io::Error::other(problem.detail))
    });
    let today = Timestamp::now().strftime("%Y-%m-%d");
    let name = format!("attachment; filename=\"tasks-{today}.{}\"", format.extension());
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(format.media_type()),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::try_from(name).map_err(Problem::internal)?,
        ),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}
