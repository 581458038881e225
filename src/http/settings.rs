//! Settings, read and changed.
//!
//! Promises: a change is judged by the code that reads the settings file before a byte is written; the file keeps its
//! comments and order, and is whole at any moment; a secret is never answered, and never sent to an address that was
//! changed without it; what names programs or files of this machine can only be changed in the file.
//! Never in here: how the text of the file changes (`config::edit`), what a value may be (`config`).

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::Mutex as AsyncMutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    blocking::blocking,
    extract,
    problem::{KeyError, Problem},
    who::Admin,
};
use crate::{
    access::How,
    config::{
        self, Change, Changed, Config, ConfigError, Description, Loaded, Origin, Reload, Row, Secrecy,
        Sources,
    },
    durable,
    service::desk::Order,
    task::Identity,
};

/// Stands for a secret that is set.
const HIDDEN: &str = "…";
/// There are no more settings than this to be changed at once.
const MOST_CHANGES: usize = 200;

/// Addresses, and the secrets that are sent to them.
const SENT_TO: [(&str, &[&str]); 3] = [
    (
        "ntfy_base_url",
        &[
            "ntfy_topic",
            "ntfy_token",
            "ntfy_token_file",
            "ntfy_password",
            "ntfy_password_file",
        ],
    ),
    ("email_server", &["email_password"]),
    ("http.oidc_issuer", &["http.oidc_client_secret"]),
];

/// Options of x265 that name files (x265's documentation, command line options).
const X265_FILES: [&str; 15] = [
    "analysis-load",
    "analysis-reuse-file",
    "analysis-save",
    "csv",
    "dhdr10-info",
    "dolby-vision-rpu",
    "film-grain",
    "aom-film-grain",
    "input",
    "lambda-file",
    "nalu-file",
    "output",
    "qpfile",
    "recon",
    "stats",
];

/// Reads and writes the settings file for the API.
#[derive(Debug)]
pub struct Settings {
    sources: Arc<Sources>,
    /// What was last read without a mistake: a bad edit by hand leaves that in force.
    good: Mutex<Option<Arc<Loaded>>>,
    /// Held from reading the file to having written it.
    writing: AsyncMutex<()>,
}

impl Settings {
    #[must_use]
    pub fn new(sources: Sources) -> Self {
        let good = Config::load(&sources).ok().map(Arc::new);
        Self {
            sources: Arc::new(sources),
            good: Mutex::new(good),
            writing: AsyncMutex::new(()),
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
            settings: rows(&loaded),
        })
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
    fn new(row: Row, description: &Description) -> Self {
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
        }
    }
}

fn json(value: &toml::Value) -> Json {
    serde_json::to_value(value).unwrap_or(Json::Null)
}

fn rows(loaded: &Loaded) -> Vec<SettingDto> {
    config::show(loaded)
        .into_iter()
        .filter_map(|row| {
            let description = config::describe(&row.key)?;
            Some(SettingDto::new(row, &description))
        })
        .collect()
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
        description = "Keys and their new values; null is the default again. All are taken, or none.",
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
    let (loaded, written) = blocking(move || save(&sources, &changes)).await??;
    let loaded = Arc::new(loaded);
    *settings.good() = Some(Arc::clone(&loaded));
    let mut changed = SettingsChangedDto {
        settings: rows(&loaded)
            .into_iter()
            .filter(|row| keys.contains(&row.key))
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

/// The changes as the settings file takes them, or what is wrong with each.
fn asked(loaded: &Loaded, changes: serde_json::Map<String, Json>) -> Result<Vec<Change>, Vec<KeyError>> {
    let named: Vec<String> = changes.keys().cloned().collect();
    let mut errors = Vec::new();
    let mut asked = Vec::new();
    for (key, value) in changes {
        match one(loaded, &named, &key, value) {
            Ok(value) => asked.push(Change { key, value }),
            Err(detail) => errors.push(KeyError { key, detail }),
        }
    }
    if errors.is_empty() { Ok(asked) } else { Err(errors) }
}

fn one(loaded: &Loaded, named: &[String], key: &str, value: Json) -> Result<Option<toml::Value>, String> {
    // A key that does not exist is refused, with the nearest one, by the editor.
    if let Some(description) = config::describe(key) {
        if description.changed == Changed::InFileOnly {
            return Err(format!(
                "{key} names a program, file or address of this machine's owner: it can be changed only in the settings file"
            ));
        }
        if description.secrecy == Secrecy::Secret && value.as_str() == Some(HIDDEN) {
            return Err(format!(
                "{key}: {HIDDEN} only stands for the secret; leave {key} out to keep it"
            ));
        }
    }
    if let Some(secret) = left_behind(loaded, named, key) {
        return Err(format!(
            "{key} is where {secret} is sent to: give {secret} anew with it, or change both in the settings file"
        ));
    }
    if key.ends_with(".x265_params")
        && let Some(option) = value.as_str().and_then(x265_file)
    {
        return Err(format!(
            "{key}: {option} names a file: it can be set only in the settings file"
        ));
    }
    match value {
        Json::Null => Ok(None),
        value => toml_value(value)
            .map(Some)
            .map_err(|detail| format!("{key}: {detail}")),
    }
}

/// A secret that would be sent to the new address that `key` is to hold, although the caller may not know it.
fn left_behind(loaded: &Loaded, named: &[String], key: &str) -> Option<&'static str> {
    let is_set = |secret: &str| {
        let value = loaded.entries.get(secret).map(|entry| &entry.value);
        value
            .and_then(toml::Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    let (_, secrets) = SENT_TO.iter().find(|(address, _)| *address == key)?;
    secrets
        .iter()
        .copied()
        .find(|secret| is_set(secret) && !named.iter().any(|name| name == secret))
}

fn x265_file(parameters: &str) -> Option<&'static str> {
    let names: Vec<String> = parameters
        .split(':')
        .filter_map(|option| option.split('=').next())
        .map(|name| name.trim().trim_start_matches('-').replace('_', "-"))
        .collect();
    X265_FILES
        .into_iter()
        .find(|file| names.iter().any(|name| name == file))
}

fn toml_value(value: Json) -> Result<toml::Value, String> {
    Ok(match value {
        Json::Null => return Err("null may only stand for a whole value".into()),
        Json::Bool(flag) => flag.into(),
        Json::String(text) => text.into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) if !number.is_u64() => float.into(),
            _ => return Err(format!("{number} is too large")),
        },
        Json::Array(values) => {
            toml::Value::Array(values.into_iter().map(toml_value).collect::<Result<_, _>>()?)
        }
        Json::Object(table) => toml::Value::Table(
            table
                .into_iter()
                .map(|(key, value)| Ok((key, toml_value(value)?)))
                .collect::<Result<_, String>>()?,
        ),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Yes,
    /// The file says it already.
    No,
}

fn save(sources: &Sources, changes: &[Change]) -> Result<(Loaded, Written), Problem> {
    let unreadable = |error: io::Error| Problem::internal(format!("the settings file: {error}"));
    // A link to the file stays one.
    let named = Config::file(sources);
    let file = match named.canonicalize() {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => named,
        Err(error) => return Err(unreadable(error)),
    };
    let before = look(&file).map_err(unreadable)?;
    let text = match before {
        Some(_) => fs::read_to_string(&file).map_err(unreadable)?,
        None => config::template(),
    };
    let edited = config::edit(&text, changes).map_err(|error| {
        let detail = error.to_string();
        match error.key() {
            Some(key) => Problem::of_keys(vec![KeyError {
                key: key.to_owned(),
                detail,
            }]),
            None => Problem::conflict(detail),
        }
    })?;
    let loaded = Config::load_with_text(sources, &edited).map_err(|error| refused(&error, changes))?;
    if edited == text {
        return Ok((loaded, Written::No));
    }
    if look(&file).map_err(unreadable)? != before {
        return Err(Problem::conflict(
            "the settings file was changed by somebody else at the same moment; look at it and try again",
        ));
    }
    durable::replace_as_it_was(&file, edited.as_bytes()).map_err(Problem::internal)?;
    Ok((loaded, Written::Yes))
}

fn look(file: &Path) -> io::Result<Option<Identity>> {
    match file.metadata() {
        Ok(metadata) => Ok(Some(Identity::from(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Each problem by its key. One that has nothing to do with the changes keeps them from being saved as well.
fn refused(error: &ConfigError, changes: &[Change]) -> Problem {
    let errors = error.problems.iter().map(|problem| {
        let key = problem.key.clone().unwrap_or_default();
        let is_asked = changes.iter().any(|change| change.key == key);
        KeyError {
            detail: if is_asked {
                problem.message.clone()
            } else {
                problem.to_string()
            },
            key,
        }
    });
    Problem::of_keys(errors.collect())
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get, patch))
}
