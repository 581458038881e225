//! Which changes of settings may be asked for over the API. Pure.
//!
//! Promises: what names programs, folders or files of this machine is refused, and so is a new address for a secret that
//! does not come with it.
//! Never in here: what a value may be (`config`).

use serde_json::Value as Json;

use super::HIDDEN;
use crate::{
    config::{self, Change, Changed, Loaded, Secrecy},
    http::problem::KeyError,
};

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

/// The changes as the settings file takes them, or what is wrong with each.
pub(super) fn asked(
    loaded: &Loaded,
    changes: serde_json::Map<String, Json>,
) -> Result<Vec<Change>, Vec<KeyError>> {
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
