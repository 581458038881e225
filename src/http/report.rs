//! What has been saved: the numbers of `report --json`.
//!
//! Promises: one reading of the archives at a time, however many ask, and none while neither the queue nor an archive has
//! changed.
//! Never in here: what counts (`crate::report`).

use std::{
    path::PathBuf,
    sync::{Arc, Weak},
};

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, blocking::blocking, problem::Problem, who::Viewer};
use crate::{
    durable::DurableError,
    queue::{self, Files},
    record::Ended,
    report,
    task::{Identity, Task},
};

/// The last report, held while the next one is made.
type Last = Arc<Mutex<Option<Made>>>;

/// A report, and what it was made of.
pub(super) struct Made {
    of: Subject,
    json: Bytes,
}

/// All that a report depends on.
struct Subject {
    /// Another list with each change of the queue.
    tasks: Weak<Vec<Arc<Task>>>,
    /// None is ever changed.
    archives: Vec<(PathBuf, Option<Identity>)>,
    zone: TimeZone,
    today: Date,
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        // An allocation that a `Weak` points to is not given to another list.
        self.tasks.ptr_eq(&other.tasks)
            && self.archives == other.archives
            && self.zone == other.zone
            && self.today == other.today
    }
}

impl Subject {
    fn now(tasks: &Arc<Vec<Arc<Task>>>, files: &Files) -> Result<Self, DurableError> {
        let archives = queue::list_archives(files)?.into_iter().map(|path| {
            let metadata = path.symlink_metadata().ok();
            (path, metadata.as_ref().map(Identity::from))
        });
        let zone = TimeZone::system();
        Ok(Self {
            tasks: Arc::downgrade(tasks),
            archives: archives.collect(),
            today: zone.to_datetime(Timestamp::now()).date(),
            zone,
        })
    }
}

fn made(last: Option<Made>, tasks: &Arc<Vec<Arc<Task>>>, files: &Files) -> Result<Made, DurableError> {
    let now = Subject::now(tasks, files)?;
    if let Some(last) = last.filter(|last| last.of == now) {
        return Ok(last);
    }
    // What is archived meanwhile is seen twice, which counts once.
    let live = tasks.iter().map(|task| Ended::from(&**task));
    let (totals, bad) = report::with_archives(live, files, &now.zone)?;
    for (archive, reason) in bad {
        tracing::warn!(
            "{} could not be understood ({reason}); it is not counted",
            archive.display()
        );
    }
    let json = report::as_json(&totals, &now.zone, now.today);
    Ok(Made {
        json: Bytes::from(json.to_string()),
        of: now,
    })
}

/// What the service has saved.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportDto {
    /// In which days are counted.
    pub time_zone: Option<String>,
    pub total: SumDto,
    pub by_folder: Vec<FolderSumDto>,
    pub by_month: Vec<MonthSumDto>,
    /// Those with an end.
    pub by_week: Vec<WeekSumDto>,
    /// Those with an end, of the last 400 days; days without any are left out.
    pub by_day: Vec<DaySumDto>,
    /// Each folder and month.
    pub rows: Vec<RowSumDto>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SumDto {
    /// Compressed ones.
    pub files: u64,
    pub before_bytes: u64,
    pub after_bytes: u64,
    /// Negative when the results are larger.
    pub saved_bytes: i64,
    pub saved_percent: Option<f64>,
    pub encode_seconds: u64,
    /// Files that are in no sum of bytes.
    pub without_sizes: u64,
    pub skipped: u64,
    pub failed: u64,
    pub cancelled: u64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FolderSumDto {
    /// As `720/Films`.
    pub folder: String,
    #[serde(flatten)]
    pub sum: SumDto,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MonthSumDto {
    /// As `2026-11`, or `unknown`.
    pub month: String,
    #[serde(flatten)]
    pub sum: SumDto,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WeekSumDto {
    /// By ISO 8601, as `2026-W47`.
    pub week: String,
    #[serde(flatten)]
    pub sum: SumDto,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DaySumDto {
    /// As `2026-11-22`.
    #[schema(format = Date)]
    pub day: String,
    #[serde(flatten)]
    pub sum: SumDto,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RowSumDto {
    pub folder: String,
    pub month: String,
    #[serde(flatten)]
    pub sum: SumDto,
}

/// What has been saved, by folder, month, week and day
#[utoipa::path(
    get, path = "/report", tag = "system",
    responses((status = 200, description = "The numbers of `report --json`", body = ReportDto))
)]
pub(super) async fn get(
    _: Viewer,
    State(api): State<Api>,
    Extension(last): Extension<Last>,
) -> Result<Response, Problem> {
    let files = Files::new(&api.folders.conf);
    let mut last = last.lock().await;
    let former = last.take();
    let board = api.desk.board();
    let made = blocking(move || made(former, &board.tasks, &files)).await?;
    let json = last.insert(made.map_err(Problem::internal)?).json.clone();
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], json).into_response())
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .layer(Extension(Last::default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Totals;

    #[test]
    fn what_is_described_is_what_is_answered() {
        let row = crate::record::Ended {
            path: "720/Films/a.mkv".into(),
            output: Some("720/Films/a.mkv".into()),
            status: crate::task::Status::Processed,
            ended: "2026-11-05T00:00:00Z".parse().ok(),
            size_before_bytes: 8,
            size_after_bytes: Some(2),
            time_taken_seconds: Some(90.0),
        };
        let totals = Totals::of([row], &TimeZone::UTC);
        let answered = report::as_json(&totals, &TimeZone::UTC, jiff::civil::date(2026, 11, 22));
        let described: ReportDto = serde_json::from_value(answered.clone()).unwrap();
        assert_eq!(serde_json::to_value(&described).unwrap(), answered);
    }
}
