//! Profiles: what one would do, before it is saved, and the removal of one.
//!
//! Promises: a draft is judged by the code that reads the settings file; nothing is run but what looks into a film; commands
//! name files below `input/` and `output/`, as the rest of the machine is nobody's business.
//! Never in here: what a profile may be (`config`), how a film is planned (`plan`).

use std::{path::Path as FilePath, path::PathBuf, sync::Arc};

use axum::{Extension, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    blocking::{EndsWithRequest, blocking},
    extract::{self, Path},
    frames,
    problem::{KeyError, Kind, Problem, ProblemDto},
    settings, tasks,
    who::{Admin, Operator},
};
use crate::{
    config::{self, Config, EncodeConfig, Profile},
    process::{Cancel, CommandLine},
    service::explained::{Explained, Named, NotExplained, Source},
    task::{Identity, Resolution, Task},
};

/// The folder of the film that there is not.
const EXAMPLE_RESOLUTION: Resolution = Resolution(1080);
const EXAMPLE_NAME: &str = "film.mkv";
/// Where a file lies that is in no resolution folder, for the plan of it; `explain` takes the same.
const COMMON_RESOLUTION: Resolution = Resolution(720);

/// A draft of a profile.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftDto {
    /// The profile that is changed; not there: a new one.
    #[serde(default)]
    name: Option<String>,
    /// Its keys as in the settings (`based_on`, `preset`, `crf`, `target`, `crf_min`, `crf_max`, `x265_params`, `audio`);
    /// `null` is what the profile has by itself.
    profile: Map<String, Json>,
    /// A task whose film it is for; `null`: for one as most are, 1920×1080 with sound in 5.1.
    #[serde(default)]
    task: Option<String>,
    /// The folder it is for; not there: the task's, else 1080.
    // Not as a signed number of 32 bits, by which utoipa describes it.
    #[serde(default)]
    #[schema(value_type = Option<u64>)]
    resolution: Option<u32>,
}

/// What a profile would do.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct PreviewDto {
    /// The profile is allowed, and the film would be encoded.
    ok: bool,
    /// By the keys of `profile`; `name`, `task` and `resolution` for those.
    errors: Vec<KeyError>,
    /// As `preset slow, CRF 24`.
    summary: Option<String>,
    /// For a shell, in one line.
    command: Option<String>,
    /// The same, word by word, each as a shell takes it.
    words: Vec<String>,
    /// Commands that run before it.
    preparations: Vec<String>,
    /// What is changed or lost, and where a CRF is searched; one sentence each.
    notes: Vec<String>,
}

/// What a profile would do with a film: the command, without running it
#[utoipa::path(
    post, path = "/profiles/preview", tag = "system",
    request_body(
        content = DraftDto,
        example = json!({ "name": null, "profile": { "based_on": "slow", "crf": 25 }, "task": null })
    ),
    responses(
        (status = 200, description = "The command, or what is wrong with the draft", body = PreviewDto),
        (status = 404, description = "No such task, or its source is not in its place",
            body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn preview(
    _: Operator,
    State(api): State<Api>,
    Extension(looked): Extension<Arc<Looked>>,
    extract::Json(draft): extract::Json<DraftDto>,
) -> Result<axum::Json<PreviewDto>, Problem> {
    let (profile, config) = match api.settings.judged(draft.name.as_deref(), draft.profile).await? {
        Ok(judged) => judged,
        Err(errors) => return Ok(axum::Json(PreviewDto::of_errors(errors))),
    };
    let summary = profile.summary();
    let resolution = draft.resolution.map(Resolution);
    if let Some(unknown) = resolution.filter(|wanted| !config.watch.resolutions.contains(wanted)) {
        let detail = format!("there is no folder {unknown}; GET /choices has those that there are");
        let errors = vec![key_error("resolution", detail)];
        return Ok(axum::Json(PreviewDto::of_errors(errors)));
    }
    let task = match &draft.task {
        Some(id) => Some(tasks::find(&api, id).await?),
        None => None,
    };
    let film = match &task {
        Some(task) => {
            let (file, identity) = frames::source_of(&api, task).await?;
            looked.source(file, identity, &config.encode).await?
        }
        None => Ok(Arc::new(Source::example())),
    };
    let explained = film.and_then(|film| explained(&film, task.as_deref(), &profile, resolution, &config));
    let preview = match explained {
        Ok(explained) => PreviewDto::of(&explained, summary),
        Err(NotExplained::Tool(error)) => {
            tracing::warn!("a preview of a profile: {error}");
            let detail =
                "ffmpeg or ffprobe cannot be started; an administrator can try it out in the settings";
            return Err(Problem::new(Kind::Unavailable, detail).after(60));
        }
        Err(NotExplained::Refused(reason)) => PreviewDto::without_command("would fail", &reason, summary),
        Err(NotExplained::Skipped(reason)) => {
            PreviewDto::without_command("would be left as it is", &reason, summary)
        }
    };
    Ok(axum::Json(preview))
}

/// A film that was looked into last, held while one is: that reads a whole file, and a draft changes with each key.
#[derive(Default)]
pub(super) struct Looked(Mutex<Option<Film>>);

struct Film {
    identity: Identity,
    /// Without its profiles, which have nothing to do with it.
    config: EncodeConfig,
    source: Arc<Source>,
}

impl Looked {
    async fn source(
        &self,
        file: PathBuf,
        identity: Identity,
        config: &EncodeConfig,
    ) -> Result<Result<Arc<Source>, NotExplained>, Problem> {
        let mut config = config.clone();
        config.profiles.clear();
        let mut last = self.0.lock().await;
        let known = last
            .as_ref()
            .filter(|film| film.identity == identity && film.config == config);
        if let Some(film) = known {
            return Ok(Ok(Arc::clone(&film.source)));
        }
        let cancel = Cancel::new();
        let _ends = EndsWithRequest(cancel.clone());
        let with = config.clone();
        let source = match blocking(move || Source::of(&file, &with, &cancel)).await? {
            Ok(source) => Arc::new(source),
            Err(reason) => return Ok(Err(reason)),
        };
        *last = Some(Film {
            identity,
            config,
            source: Arc::clone(&source),
        });
        Ok(Ok(source))
    }
}

fn explained(
    film: &Source,
    task: Option<&Task>,
    profile: &Profile,
    resolution: Option<Resolution>,
    config: &Config,
) -> Result<Explained, NotExplained> {
    let own = match task {
        Some(task) => task.resolution.unwrap_or(COMMON_RESOLUTION),
        None => EXAMPLE_RESOLUTION,
    };
    let resolution = resolution.unwrap_or(own);
    let below = match task {
        Some(task) => task.path.clone(),
        None => FilePath::new(&resolution.to_string()).join(EXAMPLE_NAME),
    };
    let named = Named {
        input: &FilePath::new("input").join(&below),
        output: &FilePath::new("output").join(&below),
    };
    let mut encode = config.encode.clone();
    encode.ffmpeg_path = PathBuf::from("ffmpeg");
    film.explained(named, profile, resolution, &encode)
}

fn key_error(key: &str, detail: impl Into<String>) -> KeyError {
    KeyError {
        key: key.to_owned(),
        detail: detail.into(),
    }
}

impl PreviewDto {
    fn of_errors(errors: Vec<KeyError>) -> Self {
        Self {
            errors,
            ..Self::default()
        }
    }

    fn without_command(what: &str, reason: &str, summary: String) -> Self {
        Self {
            errors: vec![key_error("task", format!("this film {what}: {reason}"))],
            summary: Some(summary),
            ..Self::default()
        }
    }

    fn of(explained: &Explained, summary: String) -> Self {
        Self {
            ok: true,
            errors: Vec::new(),
            summary: Some(summary),
            command: Some(explained.command.to_string()),
            words: explained.command.words().collect(),
            preparations: explained
                .preparations
                .iter()
                .map(CommandLine::to_string)
                .collect(),
            notes: explained
                .plan
                .notes
                .iter()
                .chain(&explained.search)
                .cloned()
                .collect(),
        }
    }
}

/// Removes a profile; of one that is always there, what the settings change in it
#[utoipa::path(
    delete, path = "/profiles/{name}", tag = "system",
    params(("name" = String, Path)),
    responses(
        (status = 204, description = "The settings file does not name it any more"),
        (status = 404, description = "No such profile", body = ProblemDto, content_type = "application/problem+json"),
        (status = 409, description = "A task, a folder or another profile uses it",
            body = ProblemDto, content_type = "application/problem+json"),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn delete(
    Admin(caller): Admin,
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    let config = api.desk.config();
    if !config.encode.profiles.contains_key(&name) {
        return Err(Problem::not_found(format!("there is no profile {name:?}")));
    }
    let in_use = |by: String| {
        Err(Problem::conflict(format!(
            "{by} uses profile {name}; give it another one first"
        )))
    };
    let encode = &config.encode;
    if !config::is_built_in(&name) {
        if encode.default_profile == name {
            return in_use("every folder without a profile of its own".to_owned());
        }
        let folder = encode
            .resolution_profiles
            .iter()
            .find(|(_, profile)| **profile == name);
        if let Some((resolution, _)) = folder {
            return in_use(format!("folder {resolution}"));
        }
    }
    let removal = Map::from_iter([(format!("profiles.{name}"), Json::Null)]);
    match settings::change(&api, &caller.name, removal).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        // Another profile is based on it.
        Err(problem) if problem.kind == Kind::Unprocessable => Err(Problem::conflict(problem.detail)),
        Err(problem) => Err(problem),
    }
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(preview))
        .routes(routes!(delete))
        .layer(Extension(Arc::new(Looked::default())))
}
