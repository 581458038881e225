//! Settings, read and changed.
//!
//! Promises: a change is judged by the code that reads the settings file before a byte is written; the file keeps its
//! comments and order, and is whole at any moment; a secret is never answered, and never sent to an address that was
//! changed without it; what names programs or files of this machine can only be changed in the file.
//! Never in here: how the text of the file changes (`config::edit`), what a value may be (`config`).

mod asked;
mod draft;
mod file;
mod former;
mod trial;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::Mutex as AsyncMutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    asked::asked,
    file::{Edited, Written},
    former::{Former, FormerDto},
};
use super::{Api, blocking::blocking, extract, problem::Problem, who::Admin};
use crate::{
    access::How,
    config::{self, Changed, Config, Description, Loaded, Origin, Reload, Row, Secrecy, Sources},
    service::desk::{Board, Order},
};

/// Stands for a secret that is set.
const HIDDEN: &str = "…";
/// There are no more settings than this to be changed at once.
const MOST_CHANGES: usize = 200;

/// Reads and writes the settings file for the API.
#[derive(Debug)]
pub struct Settings {
    sources: Arc<Sources>,
    /// What was last read without a mistake: a bad edit by hand leaves that in force.
    good: Mutex<Option<Arc<Loaded>>>,
    /// Held from reading the file to having written it.
    writing: AsyncMutex<()>,
    former: Former,
}

impl Settings {
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        let good = Config::load(&sources).ok().map(Arc::new);
        Self {
            sources: Arc::new(sources),
            good: Mutex::new(good),
            writing: AsyncMutex::new(()),
            former: Former::default(),
        }
    }

    fn good(&self) -> MutexGuard<'_, Option<Arc<Loaded>>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// When they could not be read even once.
    pub(super) async fn all(&self) -> Result<SettingsDto, Problem> {
        let (loaded, problems) = self.read().await?;
        let file = loaded.file.strip_prefix(&loaded.config.folders.root);
        Ok(SettingsDto {
            file: file.unwrap_or(&loaded.file).to_string_lossy().into_owned(),
            problems,
            settings: self.rows(&loaded),
        })
    }

    fn rows(&self, loaded: &Loaded) -> Vec<SettingDto> {
        config::show(loaded)
            .into_iter()
            .filter_map(|row| {
                let description = config::describe(&row.key)?;
                let former = self.former.of(&row.key);
                Some(SettingDto::new(row, &description, former))
            })
            .collect()
    }

    /// Keeps what the changed ones of `keys` were.
    fn note(&self, former: &Loaded, loaded: &Loaded, keys: &[String], caller: &str) {
        let changed = Timestamp::now();
        let values: BTreeMap<String, toml::Value> = config::show(former)
            .into_iter()
            .map(|row| (row.key, row.value))
            .collect();
        let is_named = |key: &str| keys.iter().any(|named| is_or_is_in(key, named));
        keys.iter().for_each(|key| self.former.forget_below(key));
        for row in config::show(loaded) {
            let is_secret = || config::describe(&row.key).is_some_and(|it| it.secrecy == Secrecy::Secret);
            let value = values.get(&row.key);
            // Of two secrets nobody can tell here whether they differ.
            if is_named(&row.key) && (value != Some(&row.value) || is_secret()) {
                let former = FormerDto {
                    value: value.map_or(Json::Null, json),
                    changed,
                    by: caller.to_owned(),
                };
                self.former.note(&row.key, former);
            }
        }
    }

    /// The settings in force, and what is wrong with the file if it is not they.
    async fn read(&self) -> Result<(Arc<Loaded>, Vec<String>), Problem> {
        let sources = Arc::clone(&self.sources);
        match blocking(move || Config::load(&sources)).await? {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                *self.good() = Some(Arc::clone(&loaded));
                Ok((loaded, Vec::new()))
            }
            Err(error) => {
                let good = self.good().clone();
                let problems = error.problems.iter().map(ToString::to_string).collect();
                let loaded = good.ok_or_else(|| Problem::internal(&error))?;
                Ok((loaded, problems))
            }
        }
    }
}

/// All settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsDto {
    /// The settings file, relative to the root where it lies in it.
    pub file: String,
    /// What is wrong with the file; while there is something, older settings are in force.
    pub problems: Vec<String>,
    pub settings: Vec<SettingDto>,
}

/// One setting.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingDto {
    /// As `sweep_seconds`, `http.listen`, `profiles.mine.crf`, `resolution.2160.profile`.
    pub key: String,
    /// `…` for a secret that is set.
    #[schema(value_type = Value)]
    pub value: Json,
    /// `null` where it depends on other settings.
    #[schema(value_type = Value)]
    pub default: Json,
    /// In words that follow "allowed is".
    pub allowed: &'static str,
    pub doc: &'static str,
    /// The part of the settings that it belongs to.
    pub heading: &'static str,
    /// Where the value comes from: `default`, the file and line, a variable or a flag.
    pub source: String,
    /// The variable or flag that wins over the file: a change is saved, and comes into force without that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overridden_by: Option<String>,
    pub is_secret: bool,
    /// A change takes effect when the service starts again.
    pub needs_restart: bool,
    pub changed: ChangedDto,
    /// What it was before its last change over the API since the service was started; `null`: it was not changed so.
    pub before: Option<FormerDto>,
}

/// From where a setting may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangedDto {
    Anywhere,
    InFileOnly,
}

/// What a change came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettingsChangedDto {
    /// Those that were named, as they are now.
    pub settings: Vec<SettingDto>,
    /// Keys whose new values only a restart brings.
    pub needs_restart: Vec<String>,
    /// Keys that were saved but that a variable or a flag overrides.
    pub overridden: Vec<String>,
    /// The service works with them, but for the two above. False: it is stopping, or reads them within seconds.
    pub in_force: bool,
}

impl SettingDto {
    fn new(row: Row, description: &Description, before: Option<FormerDto>) -> Self {
        let overridden = match &row.origin {
            Origin::Environment(_) | Origin::Flag(_) => Some(row.origin.to_string()),
            Origin::Default | Origin::File { .. } => None,
        };
        Self {
            value: json(&row.value),
            default: description.default.as_ref().map_or(Json::Null, json),
            allowed: description.allowed,
            doc: description.doc,
            heading: description.heading,
            source: row.origin.to_string(),
            overridden_by: overridden,
            is_secret: description.secrecy == Secrecy::Secret,
            needs_restart: description.reload == Reload::Restart,
            changed: match description.changed {
                Changed::Anywhere => ChangedDto::Anywhere,
                Changed::InFileOnly => ChangedDto::InFileOnly,
            },
            key: row.key,
            before,
        }
    }
}

/// Whether a key is the one that was named, or lies in the section that was: `profiles.mine.crf` in `profiles.mine`.
fn is_or_is_in(key: &str, named: &str) -> bool {
    let rest = key.strip_prefix(named);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn json(value: &toml::Value) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

/// The settings in force, with their meaning and where they come from
#[utoipa::path(
    get, path = "/settings", tag = "system",
    responses((status = 200, description = "All settings; secrets are hidden", body = SettingsDto))
)]
pub(super) async fn get(_: Admin, State(api): State<Api>) -> Result<axum::Json<SettingsDto>, Problem> {
    api.settings.all().await.map(axum::Json)
}

/// Changes settings: a value, or null for the default
#[utoipa::path(
    patch, path = "/settings", tag = "system",
    request_body(
        content = std::collections::BTreeMap<String, serde_json::Value>,
        description = "Keys and their new values; null is the default again, and of `profiles.NAME` its end. All are taken, or none.",
        example = json!({ "sweep_seconds": 10, "ntfy_events": null, "profiles.small.crf": 30 })
    ),
    responses(
        (status = 200, description = "Saved and in force", body = SettingsChangedDto),
        (status = 422, description = "A key or a value that is not allowed; `errors` names each",
            body = super::problem::ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn patch(
    Admin(caller): Admin,
    State(api): State<Api>,
    extract::Json(changes): extract::Json<serde_json::Map<String, Json>>,
) -> Result<axum::Json<SettingsChangedDto>, Problem> {
    // With a login server of its own, a key that leaked would outlive its revocation.
    if let How::Key(_) = caller.how
        && let Some(key) = changes.keys().find(|key| key.starts_with("http.oidc_"))
    {
        return Err(Problem::forbidden(format!(
            "{key} decides who may log in: somebody who has logged in can change it, not a key"
        )));
    }
    change(&api, &caller.name, changes).await.map(axum::Json)
}

/// Judges, saves and brings into force.
pub(super) async fn change(
    api: &Api,
    caller: &str,
    changes: serde_json::Map<String, Json>,
) -> Result<SettingsChangedDto, Problem> {
    let settings = &api.settings;
    if changes.len() > MOST_CHANGES {
        return Err(Problem::unprocessable(format!(
            "these are {} changes; send at most {MOST_CHANGES} at once",
            changes.len()
        )));
    }
    let _writing = settings.writing.lock().await;
    let (former, _) = settings.read().await?;
    let changes = asked(&former, changes).map_err(Problem::of_keys)?;
    let keys: Vec<String> = changes.iter().map(|change| change.key.clone()).collect();
    let sources = Arc::clone(&settings.sources);
    let board = api.desk.board();
    let profiles: Vec<String> = former.config.encode.profiles.keys().cloned().collect();
    let saved = blocking(move || {
        let edited = Edited::new(&sources, &changes)?;
        let is_gone = |name: &str| !edited.loaded.config.encode.profiles.contains_key(name);
        if let Some(refusal) = profiles
            .iter()
            .find(|name| is_gone(name))
            .and_then(|name| in_use(name, &board))
        {
            return Err(refusal);
        }
        let written = edited.save()?;
        Ok::<_, Problem>((edited.loaded, written))
    });
    let (loaded, written) = saved.await??;
    let loaded = Arc::new(loaded);
    *settings.good() = Some(Arc::clone(&loaded));
    if written == Written::Yes {
        settings.note(&former, &loaded, &keys, caller);
    }
    let mut changed = SettingsChangedDto {
        settings: settings
            .rows(&loaded)
            .into_iter()
            .filter(|row| keys.iter().any(|named| is_or_is_in(&row.key, named)))
            .collect(),
        needs_restart: Vec::new(),
        overridden: Vec::new(),
        in_force: true,
    };
    let overridden = changed.settings.iter().filter(|row| row.overridden_by.is_some());
    changed.overridden = overridden.map(|row| row.key.clone()).collect();
    if written == Written::Yes {
        // Never the values: some are secrets.
        tracing::info!("{caller} changed settings: {}", keys.join(", "));
        match api.desk.order(Order::ReadSettings).await {
            Ok(outcome) => changed.needs_restart = outcome.needs_restart,
            Err(refusal) => {
                tracing::warn!("the settings are saved and not in force yet: {refusal}");
                changed.in_force = false;
            }
        }
    }
    Ok(changed)
}

/// A task that is yet to be encoded cannot be without its profile.
fn in_use(profile: &str, board: &Board) -> Option<Problem> {
    let tasks = board.tasks.iter();
    let count = tasks
        .filter(|task| !task.status.is_finished() && task.profile.as_deref() == Some(profile))
        .count();
    let detail = format!(
        "{count} tasks wait for profile {profile}; give them another one, or wait until they are done"
    );
    (count > 0).then(|| Problem::conflict(detail))
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(get, patch))
        .merge(trial::routes())
}
