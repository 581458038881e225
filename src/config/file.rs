//! Reads the settings file: its syntax, its sections, the line each key stands on.
//!
//! Promises: an error never quotes a line of the file as a whole, which may hold a secret.
//! Never in here: what a value means (`table`, `profile`).

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde::Deserialize;
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::{
    FileState, Origin, SETTINGS,
    load::{Loading, shown_in},
    profile, setting,
    value::{self, escaped, shown},
};

/// A settings file is a few KiB; this keeps a wrongly named one from being read whole.
const MOST_FILE_BYTES: u64 = 1 << 20;

/// The section of the settings whose keys start with it and a dot.
const HTTP: &str = "http";

/// The names of settings in a section of the file, or above all sections.
fn names_in(section: Option<&str>) -> Vec<&'static str> {
    SETTINGS
        .iter()
        .map(super::Setting::place)
        .filter(|(place, _)| *place == section)
        .map(|(_, name)| name)
        .collect()
}

impl Loading {
    /// `missing` says what to make of a file that is not there; `None`: it was asked for and must be there.
    pub(super) fn take_file(&mut self, path: &Path, root: &Path, missing: Option<FileState>) -> FileState {
        let name = shown_in(path, root);
        let whole = Origin::File {
            path: name.clone(),
            line: None,
        };
        match (read_file(path), missing) {
            (Ok(text), _) => {
                self.take_file_text(&text, &name);
                return FileState::Read;
            }
            (Err(error), Some(missing)) if error.kind() == io::ErrorKind::NotFound => return missing,
            (Err(error), _) => self.problem(whole, format!("cannot read the settings file: {error}")),
        }
        FileState::Missing
    }

    pub(super) fn take_file_text(&mut self, text: &str, name: &str) {
        let lines = Lines {
            starts: line_starts(text),
            name: name.to_owned(),
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            // The message alone: the error in full quotes the line, which may hold a secret.
            let origin = lines.origin(error.span().map_or(0, |span| span.start));
            self.problem(origin, format!("not valid TOML: {}", escaped(error.message())));
        }
        if !errors.is_empty() {
            return;
        }
        for (key, value) in table.into_inner() {
            let origin = lines.origin(key.span().start);
            // A key in quotes may hold a dot; a setting with one stands in its section.
            let found = setting(key.get_ref()).filter(|setting| setting.place().0.is_none());
            match (key.get_ref().as_ref(), found) {
                ("profile", _) if value.get_ref().is_table() => {
                    self.problem(
                        origin,
                        "profile chooses one; to describe one, write [profiles.NAME]",
                    );
                }
                ("profiles", _) => self.take_profiles(value, origin, &lines),
                ("resolution", _) => self.take_resolutions(value, origin, &lines),
                (HTTP, _) => self.take_http(value, origin, &lines),
                (name, Some(setting)) if !setting.is_allowed_in_file() => self.problem(
                    origin,
                    format!(
                        "{name} cannot be set in the file that lies in it; use {} or ${}",
                        setting.flag(),
                        setting.variable()
                    ),
                ),
                (_, Some(setting)) => match plain(value) {
                    Ok(value) => self.take(setting, value, origin),
                    Err(detail) => self.bad_value(origin, setting.key, "…", setting.allowed, &detail),
                },
                (name, None) => {
                    let mut known = names_in(None);
                    known.extend([HTTP, "profiles", "resolution"]);
                    self.unknown_key(origin, "", name, &known);
                }
            }
        }
    }

    fn take_http(&mut self, value: Spanned<DeValue<'_>>, origin: Origin, lines: &Lines) {
        let DeValue::Table(keys) = value.into_inner() else {
            self.problem(origin, format!("{HTTP} is a section; write [{HTTP}]"));
            return;
        };
        for (key, value) in keys {
            let origin = lines.origin(key.span().start);
            let Some(setting) = setting(&format!("{HTTP}.{}", key.get_ref())) else {
                let section = format!("{HTTP}.");
                self.unknown_key(origin, &section, key.get_ref(), &names_in(Some(HTTP)));
                continue;
            };
            match plain(value) {
                Ok(value) => self.take(setting, value, origin),
                Err(detail) => self.bad_value(origin, setting.key, "…", setting.allowed, &detail),
            }
        }
    }

    /// `[profiles.NAME]`. TOML has no room for `[profile.NAME]` beside the setting `profile = "NAME"`.
    fn take_profiles(&mut self, value: Spanned<DeValue<'_>>, origin: Origin, lines: &Lines) {
        let DeValue::Table(profiles) = value.into_inner() else {
            self.problem(origin, "profiles is a section; write [profiles.NAME]");
            return;
        };
        for (name, keys) in profiles {
            let origin = lines.origin(name.span().start);
            let name = name.into_inner().into_owned();
            let section = format!("profiles.{name}");
            let keys = match keys.into_inner() {
                DeValue::Table(keys) if profile::is_name(&name) => keys,
                DeValue::Table(_) => {
                    let message = format!(
                        "[{}]: allowed as a name is {}",
                        escaped(&section),
                        profile::NAME_ALLOWED
                    );
                    self.problem(origin, message);
                    continue;
                }
                _ => {
                    let message = format!(
                        "{} is not a section; write [profiles.NAME] above its keys",
                        escaped(&section)
                    );
                    self.problem(origin, message);
                    continue;
                }
            };
            let mut edit = profile::ProfileEdit::default();
            for (key, value) in keys {
                let origin = lines.origin(key.span().start);
                let key = key.into_inner();
                let Some(row) = profile::PROFILE_KEYS.iter().find(|row| row.key == key) else {
                    let known = profile::PROFILE_KEYS.map(|row| row.key);
                    self.unknown_key(origin, &format!("{section}."), &key, &known);
                    continue;
                };
                let full = format!("{section}.{key}");
                match plain(value) {
                    Ok(value) => match (row.apply)(&mut edit, &value) {
                        Ok(()) => self.enter(&full, value, origin),
                        Err(detail) => self.bad_value(origin, &full, &shown(&value), row.allowed, &detail),
                    },
                    Err(detail) => self.bad_value(origin, &full, "…", row.allowed, &detail),
                }
            }
            self.draft.profiles.insert(name, edit);
        }
    }

    fn take_resolutions(&mut self, value: Spanned<DeValue<'_>>, origin: Origin, lines: &Lines) {
        let DeValue::Table(resolutions) = value.into_inner() else {
            self.problem(origin, "resolution is a section; write [resolution.1440]");
            return;
        };
        for (name, keys) in resolutions {
            let origin = lines.origin(name.span().start);
            let section = format!("resolution.{}", escaped(name.get_ref()));
            let (resolution, keys) = match (profile::resolution(name.get_ref()), keys.into_inner()) {
                (Some(resolution), DeValue::Table(keys)) => (resolution, keys),
                (None, _) => {
                    let allowed = profile::RESOLUTION_ALLOWED;
                    self.problem(origin, format!("[{section}]: allowed is {allowed}"));
                    continue;
                }
                (Some(_), _) => {
                    self.problem(
                        origin,
                        format!(
                            "{section} is not a section; write [{section}] and profile = \"NAME\" below it"
                        ),
                    );
                    continue;
                }
            };
            self.draft.add_resolution(resolution);
            for (key, value) in keys {
                let origin = lines.origin(key.span().start);
                if key.get_ref() != "profile" {
                    self.unknown_key(origin, &format!("{section}."), key.get_ref(), &["profile"]);
                    continue;
                }
                let full = format!("{section}.profile");
                let parsed = plain(value).and_then(|value| Ok((value::text(&value)?, value)));
                match parsed {
                    Ok((profile, value)) => {
                        let profiles = &mut self.draft.config.encode.resolution_profiles;
                        profiles.insert(resolution, profile);
                        self.enter(&full, value, origin);
                    }
                    Err(detail) => {
                        self.bad_value(origin, &full, "…", "the name of a profile", &detail);
                    }
                }
            }
        }
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MOST_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    match text.len() as u64 > MOST_FILE_BYTES {
        true => Err(io::Error::other(format!(
            "it is bigger than {MOST_FILE_BYTES} bytes"
        ))),
        false => Ok(text),
    }
}

fn plain(value: Spanned<DeValue<'_>>) -> Result<Value, String> {
    Value::deserialize(ValueDeserializer::from(value)).map_err(|error| escaped(error.message()))
}

/// Where each line of the file starts.
struct Lines {
    starts: Vec<usize>,
    name: String,
}

fn line_starts(text: &str) -> Vec<usize> {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(ends.map(|(end, _)| end + 1)).collect()
}

impl Lines {
    fn origin(&self, byte: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= byte);
        Origin::File {
            path: self.name.clone(),
            line: Some(line),
        }
    }
}
