//! What has been saved: the numbers of `report --json`.
//!
//! Promises: one reading of the archives at a time, however many ask.
//! Never in here: what counts (`crate::report`).

use axum::extract::State;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, blocking::blocking, problem::Problem, who::Viewer};
use crate::{queue::Files, report};

/// Hundreds of thousands of rows are not read twice at once.
static READING: Mutex<()> = Mutex::const_new(());

/// What the service has saved.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportDto {
    /// In which months are counted.
    pub time_zone: Option<String>,
    pub total: SumDto,
    pub by_folder: Vec<FolderSumDto>,
    pub by_month: Vec<MonthSumDto>,
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
pub struct RowSumDto {
    pub folder: String,
    pub month: String,
    #[serde(flatten)]
    pub sum: SumDto,
}

/// What has been saved, by folder and month
#[utoipa::path(
    get, path = "/report", tag = "system",
    responses((status = 200, description = "The numbers of `report --json`", body = ReportDto))
)]
pub(super) async fn get(_: Viewer, State(api): State<Api>) -> Result<axum::Json<serde_json::Value>, Problem> {
    let files = Files::new(&api.folders.conf);
    let _reading = READING.lock().await;
    let report = blocking(move || {
        let zone = TimeZone::system();
        let (totals, bad) = report::read(&files, &zone)?;
        for (archive, reason) in bad {
            tracing::warn!(
                "{} could not be understood ({reason}); it is not counted",
                archive.display()
            );
        }
        Ok::<_, crate::queue::EditError>(report::as_json(&totals, &zone))
    });
    report.await?.map(axum::Json).map_err(Problem::internal)
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
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
        let answered = report::as_json(&Totals::of([row], &TimeZone::UTC), &TimeZone::UTC);
        let described: ReportDto = serde_json::from_value(answered.clone()).unwrap();
        assert_eq!(serde_json::to_value(&described).unwrap(), answered);
    }
}
