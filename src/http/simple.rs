//! The endpoints that people know from simple transcode servers: upload, convert, status, download, load, settings.
//!
//! Promises: a job is a task, and its id the task's; everything here is a short form of something in the rest of the API,
//! and keeps its rules.
//! Never in here: anything that only these endpoints can do.

use std::{path::Path as FilePath, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use multer::{Constraints, Multipart, SizeLimit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api, download,
    extract::{Json, Path, Query},
    problem::{Kind, Problem, ProblemDto},
    settings, tasks,
    uploads::{UploadDto, Wanted},
    who::{Admin, Operator, Viewer},
};
use crate::{
    config::BUILT_IN_RESOLUTIONS,
    service::desk::{Board, Force, OnRunning, Order},
    task::{Resolution, Task, TaskId},
};

/// The folder for an upload that names none: the one between the small and the large one.
const USUAL_RESOLUTION: Resolution = BUILT_IN_RESOLUTIONS[1];
const JOBS: usize = 100;
const MOST_JOBS: usize = 500;
/// Of a form, all but the file.
const FIELD_BYTES: u64 = 4096;
/// For the fields before the file; the file itself has the rules of uploads.
const FIELDS_LIMIT: Duration = Duration::from_secs(20);

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobDto {
    /// The task's.
    pub id: String,
    /// As a task's: `queued`, `processing`, `processed`, `skipped`, `cancelled`, `failed`, `error_…`; `uploaded` until
    /// the file has been taken.
    pub status: String,
    /// Relative to `input/`.
    pub path: String,
    pub resolution: Option<u32>,
    /// 0 to 100; of the encode, while it runs.
    pub progress_percent: f64,
    pub size_before_bytes: u64,
    pub size_after_bytes: Option<u64>,
    /// Why it was skipped, cancelled or failed, or what came out.
    pub message: Option<String>,
    /// Where the result is, once there is one.
    pub download: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobsQuery {
    /// How many at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<usize>,
}

/// What is wished for an upload whose body is the file itself.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UploadQuery {
    /// The file's name, where the body does not say it.
    filename: Option<String>,
    /// The folder's number; 720 if nothing else is said.
    resolution: Option<String>,
    profile: Option<String>,
    /// Higher goes first; 0 is usual.
    priority: Option<String>,
}

/// An upload as a form. Fields behind the file are not looked at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it is only described; the form is read as it comes")]
pub(super) struct UploadForm {
    resolution: Option<String>,
    profile: Option<String>,
    priority: Option<String>,
    #[schema(value_type = String, format = Binary)]
    file: String,
}

/// How a file is to be converted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConvertDto {
    /// The number of the folder that it is to lie in.
    resolution: Option<u32>,
    profile: Option<String>,
    /// Higher goes first.
    priority: Option<i32>,
}

/// The machine's load in short; `/system` has all of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShortLoadDto {
    /// Of all cores together, 0 to 100.
    pub cpu_percent: f64,
    pub memory_percent: f64,
    /// Of the disk of `output/`.
    pub disk_free_bytes: u64,
    pub running_jobs: usize,
    pub queued_jobs: usize,
}

/// The settings that people change first; `/settings` has all.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct JobSettingsDto {
    /// How to encode where a folder names no profile of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// What becomes of sources: `keep`, `archive` or `delete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    after_success: Option<String>,
    /// Encodes at once; 0 is as many as keep the cores busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_jobs: Option<u32>,
    /// Hours in which encodes may run, as `22:00-07:00`; empty is always.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
}

fn shown(path: &FilePath) -> String {
    crate::record::encode_path(path).0
}

impl JobDto {
    fn of_task(task: &Task, board: &Board) -> Self {
        let running = board
            .live
            .encodes
            .iter()
            .find(|encode| encode.id == task.id.as_str());
        let percent = running.and_then(|encode| encode.percent);
        let has_result = task.status.is_finished() && task.output.is_some() && task.output_identity.is_some();
        Self {
            id: task.id.to_string(),
            status: task.status.to_string(),
            path: shown(&task.path),
            resolution: task.resolution.map(|resolution| resolution.0),
            progress_percent: if has_result { 100.0 } else { percent.unwrap_or(0.0) },
            size_before_bytes: task.size_before_bytes,
            size_after_bytes: task.size_after_bytes,
            message: [&task.error, &task.reason, &task.summary]
                .into_iter()
                .flatten()
                .next()
                .cloned(),
            download: has_result.then(|| format!("/api/v1/jobs/{}/download", task.id)),
        }
    }

    /// One whose file the watch has yet to take.
    fn of_upload(id: String, upload: UploadDto) -> Self {
        Self {
            id,
            status: "uploaded".to_owned(),
            path: upload.path.unwrap_or(upload.name),
            resolution: Some(upload.resolution),
            progress_percent: 0.0,
            size_before_bytes: upload.offset_bytes,
            size_after_bytes: None,
            message: None,
            download: None,
        }
    }
}

async fn job(api: &Api, id: &str) -> Result<JobDto, Problem> {
    let missing = match tasks::find(api, id).await {
        Ok(task) => return Ok(JobDto::of_task(&task, &api.desk.board())),
        Err(missing) => missing,
    };
    let mut uploads = api.uploads.all().await?.into_iter();
    let upload = uploads.find(|upload| upload.task.as_deref() == Some(id));
    upload
        .map(|upload| JobDto::of_upload(id.to_owned(), upload))
        .ok_or(missing)
}

/// The jobs, newest first
#[utoipa::path(
    get, path = "/jobs", tag = "simple", params(JobsQuery),
    responses((status = 200, description = "Tasks of the queue, in short", body = Vec<JobDto>))
)]
pub(super) async fn list(
    _: Viewer,
    State(api): State<Api>,
    Query(query): Query<JobsQuery>,
) -> Result<axum::Json<Vec<JobDto>>, Problem> {
    let limit = query.limit.unwrap_or(JOBS);
    if !(1..=MOST_JOBS).contains(&limit) {
        return Err(Problem::invalid(format!(
            "limit = {limit}: allowed is 1 to {MOST_JOBS}"
        )));
    }
    let board = api.desk.board();
    let newest = board.tasks.iter().rev().take(limit);
    Ok(axum::Json(
        newest.map(|task| JobDto::of_task(task, &board)).collect(),
    ))
}

/// Sends a file, as the body or as a form
///
/// It is compressed like a dropped one, by the rules of its folder; `convert` changes that. tus (`/uploads`) goes on after a
/// lost connection, this does not.
#[utoipa::path(
    post, path = "/jobs/upload", tag = "simple", params(UploadQuery),
    request_body(
        description = "The file; or a form with `resolution`, `profile`, `priority`, and then `file`",
        content((UploadForm = "multipart/form-data"), (String = "application/octet-stream"))
    ),
    responses(
        (status = 201, description = "The file is there", body = JobDto),
        (status = 422, description = "A name, folder or profile that is not allowed", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn upload(
    _: Operator,
    State(api): State<Api>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, axum::Json<JobDto>), Problem> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let boundary = header(header::CONTENT_TYPE).and_then(|kind| multer::parse_boundary(kind).ok());
    let length_bytes = header(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let (wished, length_bytes, body) = match boundary {
        Some(boundary) => {
            let (wished, body) = form(query, boundary, body).await?;
            (wished, None, body)
        }
        None => (query, length_bytes, body),
    };
    let Some(name) = &wished.filename else {
        return Err(Problem::unprocessable(
            "the file has no name: give ?filename=, or a form whose field `file` has one",
        ));
    };
    let wanted = api.uploads.check(|allowed| {
        let usual = USUAL_RESOLUTION.to_string();
        let resolution = wished.resolution.as_deref().unwrap_or(&usual);
        Wanted::new(
            resolution,
            name,
            wished.profile.clone(),
            wished.priority.as_deref(),
            None,
            allowed,
        )
    })?;
    let resolution = wanted.resolution.0;
    let placed = api.uploads.take_whole(wanted, length_bytes, body).await?;
    let job = JobDto {
        id: placed.task,
        status: "uploaded".to_owned(),
        path: placed.path,
        resolution: Some(resolution),
        progress_percent: 0.0,
        size_before_bytes: placed.size_bytes,
        size_after_bytes: None,
        message: None,
        download: None,
    };
    Ok((StatusCode::CREATED, axum::Json(job)))
}

/// The fields before the file, and the file.
async fn form(mut wished: UploadQuery, boundary: String, body: Body) -> Result<(UploadQuery, Body), Problem> {
    let limits = SizeLimit::new()
        .per_field(FIELD_BYTES)
        .for_field("file", u64::MAX);
    let limits = Constraints::new().size_limit(limits);
    let mut fields = Multipart::with_constraints(body.into_data_stream(), boundary, limits);
    let malformed = |error: multer::Error| Problem::invalid(format!("the form cannot be read: {error}"));
    let read = async {
        while let Some(field) = fields.next_field().await.map_err(malformed)? {
            let place = match field.name() {
                Some("file") => {
                    // Some clients send the path that the file has with them.
                    let name = field.file_name().and_then(|name| name.rsplit(['/', '\\']).next());
                    wished.filename = name.map(ToOwned::to_owned).or(wished.filename);
                    return Ok((wished, Body::from_stream(field)));
                }
                Some("resolution") => &mut wished.resolution,
                Some("profile") => &mut wished.profile,
                Some("priority") => &mut wished.priority,
                _ => continue,
            };
            *place = Some(field.text().await.map_err(malformed)?);
        }
        Err(Problem::unprocessable("the form has no field `file`"))
    };
    tokio::time::timeout(FIELDS_LIMIT, read)
        .await
        .unwrap_or_else(|_| Err(Problem::new(Kind::Timeout, "the form did not come in time")))
}

/// Has a job converted: as wished, or once more
///
/// A job that has ended is queued again. Another resolution makes another job: its id is in the answer.
#[utoipa::path(
    post, path = "/jobs/{id}/convert", tag = "simple",
    params(("id" = String, Path, description = "The job's id")),
    request_body = ConvertDto,
    responses(
        (status = 200, description = "The job, as it is now", body = JobDto),
        (status = 404, description = "No such job", body = ProblemDto, content_type = "application/problem+json"),
        (status = 409, description = "The file has not been taken yet, or it does not go with what the job does", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn convert(
    _: Operator,
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(wished): Json<ConvertDto>,
) -> Result<axum::Json<JobDto>, Problem> {
    let task = match tasks::find(&api, &id).await {
        Ok(task) => task,
        Err(_) => {
            let job = job(&api, &id).await?;
            let is_as_it_is =
                wished.resolution.is_none() && wished.profile.is_none() && wished.priority.is_none();
            return if is_as_it_is {
                Ok(axum::Json(job))
            } else {
                Err(Problem::conflict("the file has not been taken yet; ask again in a few seconds").after(3))
            };
        }
    };
    let converted = convert_task(&api, &task, wished).await?;
    match job(&api, converted.as_str()).await {
        Ok(job) => Ok(axum::Json(job)),
        // A file that was moved and that the watch has yet to take.
        Err(_) => Ok(axum::Json(JobDto {
            id: converted.to_string(),
            status: "uploaded".to_owned(),
            progress_percent: 0.0,
            size_after_bytes: None,
            message: None,
            download: None,
            ..JobDto::of_task(&task, &api.desk.board())
        })),
    }
}

/// The id of the task that does what is wished.
async fn convert_task(api: &Api, task: &Task, wished: ConvertDto) -> Result<TaskId, Problem> {
    let ConvertDto {
        resolution,
        profile,
        priority,
    } = wished;
    let mut id = task.id.clone();
    let mut is_waiting = !task.status.is_finished();
    let elsewhere = resolution
        .map(Resolution)
        .filter(|resolution| Some(*resolution) != task.resolution);
    let first =
        |outcome: crate::service::desk::Outcome, id: TaskId| outcome.tasks.into_iter().next().unwrap_or(id);
    if let Some(resolution) = elsewhere {
        let order = Order::Move {
            id: id.clone(),
            resolution,
        };
        // The new task takes profile and priority along; other ones can be given once it is there.
        if profile.is_some() || priority.is_some() {
            return Err(Problem::conflict(
                "send the resolution first, and profile and priority with the new id",
            ));
        }
        return Ok(first(api.desk.order(order).await?, id));
    }
    if !is_waiting {
        let order = Order::Retry {
            ids: vec![id.clone()],
            force: Force::No,
        };
        id = first(api.desk.order(order).await?, id);
        is_waiting = true;
    }
    if let Some(priority) = priority.filter(|_| is_waiting) {
        let ids = vec![id.clone()];
        api.desk.order(Order::Priority { ids, priority }).await?;
    }
    if profile.is_some() {
        let order = Order::Profile {
            id: id.clone(),
            profile,
            running: OnRunning::BeginsAgain,
        };
        api.desk.order(order).await?;
    }
    Ok(id)
}

/// How far a job is
#[utoipa::path(
    get, path = "/jobs/{id}/status", tag = "simple",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The job", body = JobDto),
        (status = 404, description = "No such job", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn status(
    _: Viewer,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<axum::Json<JobDto>, Problem> {
    job(&api, &id).await.map(axum::Json)
}

/// The result of a job, as a file
#[utoipa::path(
    get, path = "/jobs/{id}/download", tag = "simple",
    params(("id" = String, Path, description = "The job's id")),
    responses(
        (status = 200, description = "The file", body = String, content_type = "video/*"),
        (status = 206, description = "The part of it that `Range` asked for", body = String, content_type = "video/*"),
        (status = 304, description = "Still the file that `If-None-Match` names"),
        (status = 404, description = "No such job, or no result", body = ProblemDto, content_type = "application/problem+json"),
        (status = 416, description = "No such part, or several", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn result(
    _: Viewer,
    State(api): State<Api>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let task: Arc<Task> = tasks::find(&api, &id).await?;
    download::answer(download::published(&api, &task).await?, &method, &headers)
}

/// The machine's load, in short
#[utoipa::path(
    get, path = "/system/load", tag = "simple",
    responses((status = 200, description = "At most a second old", body = ShortLoadDto))
)]
pub(super) async fn load(_: Viewer, State(api): State<Api>) -> Result<axum::Json<ShortLoadDto>, Problem> {
    let load = api.machine.load(&api).await?;
    let board = api.desk.board();
    let queued = board
        .tasks
        .iter()
        .filter(|task| task.status == crate::task::Status::Queued);
    let output = load.disks.iter().find(|disk| disk.folder == "output");
    Ok(axum::Json(ShortLoadDto {
        cpu_percent: load.cpu.percent,
        memory_percent: percent(load.memory.used_bytes, load.memory.total_bytes),
        disk_free_bytes: output.map_or(0, |disk| disk.free_bytes),
        running_jobs: load.encodes.len(),
        queued_jobs: queued.count(),
    }))
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 * 1000.0 / whole as f64).round() / 10.0
}

/// The settings that people change first
#[utoipa::path(
    get, path = "/jobs/settings", tag = "simple",
    responses((status = 200, description = "Those of `/settings`, in short", body = JobSettingsDto))
)]
pub(super) async fn settings(_: Admin, State(api): State<Api>) -> Result<axum::Json<Value>, Problem> {
    short_settings(&api).await.map(axum::Json)
}

async fn short_settings(api: &Api) -> Result<Value, Problem> {
    let all = api.settings.all().await?;
    let wanted = all
        .settings
        .into_iter()
        .filter(|row| JOB_SETTINGS.contains(&row.key.as_str()));
    Ok(wanted
        .map(|row| (row.key, row.value))
        .collect::<Map<_, _>>()
        .into())
}

const JOB_SETTINGS: [&str; 4] = ["profile", "after_success", "max_jobs", "schedule"];

/// Changes these settings; what is left out stays
#[utoipa::path(
    put, path = "/jobs/settings", tag = "simple",
    request_body = JobSettingsDto,
    responses(
        (status = 200, description = "As they are now", body = JobSettingsDto),
        (status = 422, description = "A value that is not allowed", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn change_settings(
    Admin(caller): Admin,
    State(api): State<Api>,
    Json(wished): Json<JobSettingsDto>,
) -> Result<axum::Json<Value>, Problem> {
    let wished = serde_json::to_value(wished).map_err(Problem::internal)?;
    let Value::Object(changes) = wished else {
        return Err(Problem::internal("settings that are no object"));
    };
    settings::change(&api, &caller.name, changes).await?;
    short_settings(&api).await.map(axum::Json)
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(upload))
        .routes(routes!(convert))
        .routes(routes!(status))
        .routes(routes!(result))
        .routes(routes!(load))
        .routes(routes!(settings, change_settings))
}
