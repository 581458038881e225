//! A profile that is not saved yet, judged as if it were.
//!
//! Promises: writes nothing; says nothing of settings that have nothing to do with profiles.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Edited, MOST_CHANGES, Settings, asked::asked};
use crate::{
    config::{self, Change, Config, Profile},
    http::{
        blocking::blocking,
        problem::{KeyError, Problem},
    },
};

/// The name of one that has none, unless another has that.
const NAME: &str = "draft";

impl Settings {
    /// The profile with these keys, and the settings with it; or what is wrong, by those keys, or `name`, or `profile` when
    /// it is something else.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub(crate) async fn judged(
        &self,
        name: Option<&str>,
        keys: Map<String, Json>,
    ) -> Result<Result<(Profile, Config), Vec<KeyError>>, Problem> {
        let error = |key: &str, detail: String| {
            let key = key.to_owned();
            Ok(Err(vec![KeyError { key, detail }]))
        };
        if let Some(name) = name.filter(|name| !config::is_profile_name(name)) {
            return error(
                "name",
                format!("{name:?}: allowed is {}", config::PROFILE_NAME_ALLOWED),
            );
        }
        if keys.len() > MOST_CHANGES {
            return error(
                "profile",
                format!("these are {} keys; no profile has so many", keys.len()),
            );
        }
        let (former, _) = self.read().await?;
        let known = &former.config.encode.profiles;
        let name = match name {
            Some(name) => name.to_owned(),
            None => unused(|name| known.contains_key(name)),
        };
        let section = format!("profiles.{name}.");
        let is_said = keys.values().any(|value| !value.is_null());
        let named = keys
            .into_iter()
            .map(|(key, value)| (format!("{section}{key}"), value));
        let mut changes = match asked(&former, named.collect()) {
            Ok(changes) => changes,
            Err(errors) => return Ok(Err(told(errors, &section))),
        };
        if !is_said && !known.contains_key(&name) {
            // It is all that such a profile is.
            changes.push(Change {
                key: format!("{section}based_on"),
                value: Some(config::COMMON_BASE.into()),
            });
        }
        let sources = Arc::clone(&self.sources);
        let edited = match blocking(move || Edited::new(&sources, &changes)).await? {
            Ok(edited) => edited,
            Err(problem) if problem.errors.is_empty() => return Err(problem),
            Err(problem) => return Ok(Err(told(problem.errors, &section))),
        };
        let config = edited.loaded.config;
        let profile = config.encode.profiles.get(&name).cloned();
        let profile = profile.ok_or_else(|| Problem::internal("a profile that was judged is not there"))?;
        Ok(Ok((profile, config)))
    }
}

fn unused(is_used: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{NAME}-{number}"));
    std::iter::once(NAME.to_owned())
        .chain(numbered)
        .find(|name| !is_used(name))
        .unwrap_or_default()
}

/// With the keys of the draft. Who may see a preview may not see every setting.
fn told(errors: Vec<KeyError>, section: &str) -> Vec<KeyError> {
    let mut told: Vec<KeyError> = errors
        .into_iter()
        .map(|error| match error.key.strip_prefix(section) {
            Some(key) => KeyError {
                key: key.to_owned(),
                detail: error.detail.replace(section, ""),
            },
            None if error.key.starts_with("profiles.") => error,
            None => KeyError {
                key: "profile".to_owned(),
                detail: "the settings file has a mistake elsewhere; an administrator must mend it first"
                    .to_owned(),
            },
        })
        .collect();
    told.dedup();
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(key: &str, detail: &str) -> KeyError {
        KeyError {
            key: key.to_owned(),
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn errors_are_told_by_the_draft_s_own_keys_and_nothing_of_other_settings() {
        let elsewhere = error(
            "profile",
            "the settings file has a mistake elsewhere; an administrator must mend it first",
        );
        for (found, expected) in [
            (
                error(
                    "profiles.draft.crf",
                    "profiles.draft.crf = 99: allowed is 0 to 51",
                ),
                error("crf", "crf = 99: allowed is 0 to 51"),
            ),
            (
                error("profiles.other.based_on", "there is no profile \"x\""),
                error("profiles.other.based_on", "there is no profile \"x\""),
            ),
            (error("email_server", "conf/x.toml:3: a name"), elsewhere.clone()),
            (error("", "conf/x.toml:3: a name"), elsewhere),
        ] {
            assert_eq!(told(vec![found], "profiles.draft."), [expected]);
        }
    }

    #[test]
    fn a_draft_takes_no_other_profile_s_name() {
        assert_eq!(unused(|_| false), "draft");
        assert_eq!(unused(|name| name != "draft-3"), "draft-3");
    }
}
