//! Reads the sources in their order: default, file, environment, flags.
//!
//! Promises: the later source wins; a problem in one source does not hide the others; an error says which file and
//! line, variable or flag, which key and value, and what is allowed.
//! Never in here: the file's syntax (`file`), what a value means (`table`, `value`, `profile`), what must hold across
//! settings (`check`).

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use toml::Value;

use super::{
    Config, SETTINGS, Secrecy, Setting,
    check::Draft,
    setting,
    table::VARIABLE_PREFIX,
    value::{escaped, from_text, shown},
};

/// The settings file, in the folder `conf`.
pub(super) const FILE_NAME: &str = "video-compressor.toml";

/// A section with no more keys has all of them named in an error.
const FEW_KEYS: usize = 10;

/// Variables with our prefix that are no settings: the command line reads them.
const OTHER_VARIABLES: [&str; 3] = [
    "VIDEO_COMPRESSOR_ROOT",
    "VIDEO_COMPRESSOR_CONFIG",
    "VIDEO_COMPRESSOR_KEY",
];

/// Where settings come from. Load again with the same value to reload.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub root: PathBuf,
    /// The settings file; it must exist then. `None` is `video-compressor.toml` in the folder `conf`, if there.
    pub file: Option<PathBuf>,
    /// All variables of the process. An empty one counts as not set.
    pub environment: BTreeMap<OsString, OsString>,
    /// Key as in [`SETTINGS`], and text as in a variable. A later one wins. An empty text is passed on.
    pub flags: Vec<(String, String)>,
}

/// The settings in force and where each came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub config: Config,
    /// By key (`sweep_seconds`, `profiles.mine.crf`, `resolution.2160.profile`): every row of [`SETTINGS`], and of
    /// profiles and resolutions what the file says.
    pub entries: BTreeMap<String, Entry>,
    /// The settings file, also when it is not there: watch it to reload.
    pub file: PathBuf,
    pub file_state: FileState,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Of a secret: `…`, or empty text or an empty list when it is not set.
    pub value: Value,
    pub origin: Origin,
}

/// Whether the settings file was there. Editors remove and recreate: a reload that finds it missing
/// is better tried again than taken for "all defaults".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    Read,
    Missing,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Default,
    File {
        /// Relative to the root where it lies in it; fit to be shown.
        path: String,
        /// From 1; `None` for the file as a whole.
        line: Option<usize>,
    },
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: None } => f.write_str(path),
            Self::File {
                path,
                line: Some(line),
            } => write!(f, "{path}:{line}"),
            Self::Environment(variable) => write!(f, "${variable}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub origin: Origin,
    pub message: String,
    /// The setting that it is about, where it is about one.
    pub key: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// Everything that is wrong with the settings, in the order of sources and lines. Exit code 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    pub problems: Vec<Problem>,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads every source and checks everything. Reads the settings file and the files of secrets; writes nothing.
    ///
    /// # Errors
    /// All problems at once.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        Self::load_from(sources, FileText::OnDisk)
    }

    /// As [`Config::load`], as if the settings file held `text`: what a change would come to.
    ///
    /// # Errors
    /// All problems at once.
    pub fn load_with_text(sources: &Sources, text: &str) -> Result<Loaded, ConfigError> {
        Self::load_from(sources, FileText::Given(text))
    }

    /// The settings file, whether it is there or not.
    #[must_use]
    pub fn file(sources: &Sources) -> PathBuf {
        let overrides = Loading::default().read_overrides(sources);
        settings_file(sources, &absolute_root(sources), &overrides)
    }

    fn load_from(sources: &Sources, text: FileText<'_>) -> Result<Loaded, ConfigError> {
        let mut loading = Loading::default();
        let root = absolute_root(sources);
        loading.take_defaults();
        let overrides = loading.read_overrides(sources);
        let file = settings_file(sources, &root, &overrides);
        let file_state = match text {
            FileText::OnDisk => {
                let missing = sources.file.is_none().then_some(FileState::Missing);
                loading.take_file(&file, &root, missing)
            }
            FileText::Given(text) => {
                loading.take_file_text(text, &shown_in(&file, &root));
                FileState::Read
            }
        };
        for (setting, value, origin) in overrides {
            loading.take(setting, value, origin);
        }
        let (config, entries) = loading.finish(&root)?;
        Ok(Loaded {
            config,
            entries,
            file,
            file_state,
        })
    }
}

enum FileText<'a> {
    OnDisk,
    Given(&'a str),
}

fn absolute_root(sources: &Sources) -> PathBuf {
    std::path::absolute(&sources.root).unwrap_or_else(|_| sources.root.clone())
}

fn settings_file(sources: &Sources, root: &Path, overrides: &[Override]) -> PathBuf {
    match &sources.file {
        Some(file) => root.join(file),
        None => conf_folder(root, overrides).join(FILE_NAME),
    }
}

/// A file's name for people: relative where it lies in the root.
pub(super) fn shown_in(file: &Path, root: &Path) -> String {
    escaped(&file.strip_prefix(root).unwrap_or(file).to_string_lossy())
}

type Override = (&'static Setting, Value, Origin);

/// The settings file lies in `conf`, so that folder is known before the file is read.
fn conf_folder(root: &Path, overrides: &[Override]) -> PathBuf {
    let default = setting("conf").and_then(|setting| setting.default_value().ok());
    let given = overrides.iter().rev().find(|(setting, ..)| setting.key == "conf");
    let value = given.map(|(_, value, _)| value.clone()).or(default);
    root.join(value.as_ref().and_then(Value::as_str).unwrap_or_default())
}

/// What has been read so far.
#[cfg_attr(fuzzing, derive(Clone))]
pub(super) struct Loading {
    pub(super) draft: Draft,
    entries: BTreeMap<String, Entry>,
    problems: Vec<Problem>,
    /// Keys with a problem already: a check across settings that looks at one would only confuse.
    refused: BTreeSet<String>,
}

impl Default for Loading {
    fn default() -> Self {
        Self {
            draft: Draft::blank(),
            entries: BTreeMap::new(),
            problems: Vec::new(),
            refused: BTreeSet::new(),
        }
    }
}

impl Loading {
    pub(super) fn problem(&mut self, origin: Origin, message: impl Into<String>) {
        self.problem_of(None, origin, message);
    }

    fn problem_of(&mut self, key: Option<String>, origin: Origin, message: impl Into<String>) {
        let message = message.into();
        self.problems.push(Problem { origin, message, key });
    }

    pub(super) fn bad_value(&mut self, origin: Origin, key: &str, value: &str, allowed: &str, detail: &str) {
        let detail = match detail {
            "" => String::new(),
            detail => format!(" ({detail})"),
        };
        self.refused.insert(key.to_owned());
        self.problem_of(
            Some(key.to_owned()),
            origin,
            format!("{} = {value}: allowed is {allowed}{detail}", escaped(key)),
        );
    }

    pub(super) fn take(&mut self, setting: &Setting, value: Value, origin: Origin) {
        let is_set = match &value {
            Value::String(text) => !text.is_empty(),
            Value::Array(values) => !values.is_empty(),
            _ => true,
        };
        let secret = setting.secrecy == Secrecy::Secret && is_set;
        let visible = if secret { Value::from("…") } else { value.clone() };
        match (setting.apply)(&mut self.draft, value) {
            Ok(()) => self.enter(setting.key, visible, origin),
            Err(detail) => {
                let value = if secret { "…".into() } else { shown(&visible) };
                self.bad_value(origin, setting.key, &value, setting.allowed, &detail);
            }
        }
    }

    pub(super) fn enter(&mut self, key: &str, value: Value, origin: Origin) {
        self.entries.insert(key.to_owned(), Entry { value, origin });
    }

    pub(super) fn take_defaults(&mut self) {
        for setting in SETTINGS {
            match setting.default_value() {
                Ok(value) => self.take(setting, value, Origin::Default),
                Err(detail) => self.bad_value(
                    Origin::Default,
                    setting.key,
                    setting.default,
                    setting.allowed,
                    &detail,
                ),
            }
        }
    }

    fn text_value(setting: &Setting, text: &str) -> Value {
        let default = setting.default_value().unwrap_or_else(|_| Value::from(""));
        from_text(&default, text)
    }

    /// In the order in which they win.
    fn read_overrides(&mut self, sources: &Sources) -> Vec<Override> {
        let mut overrides = self.read_environment(&sources.environment);
        overrides.extend(self.read_flags(&sources.flags));
        overrides
    }

    fn read_environment(&mut self, environment: &BTreeMap<OsString, OsString>) -> Vec<Override> {
        let mut overrides = Vec::new();
        for setting in SETTINGS {
            let systematic = setting.variable();
            let names = std::iter::once(systematic.as_str()).chain(setting.older_variables.iter().copied());
            let given = names
                .filter_map(|name| Some((name, environment.get(&OsString::from(name))?)))
                .find(|(_, text)| !text.is_empty());
            let Some((name, text)) = given else { continue };
            let origin = Origin::Environment(name.to_owned());
            match text.to_str() {
                Some(text) => overrides.push((setting, Self::text_value(setting, text), origin)),
                None => self.bad_value(origin, setting.key, "…", setting.allowed, "it is not UTF-8"),
            }
        }
        for name in environment.keys().filter_map(|name| name.to_str()) {
            let is_ours = name.strip_prefix(VARIABLE_PREFIX);
            let is_known = || {
                OTHER_VARIABLES.contains(&name) || SETTINGS.iter().any(|setting| setting.variable() == name)
            };
            if let Some(key) = is_ours
                && !is_known()
            {
                let nearest = nearest(
                    &key.to_ascii_lowercase(),
                    SETTINGS.iter().map(|setting| setting.key),
                )
                .and_then(setting);
                let hint = nearest.map(|setting| format!("; did you mean {}?", setting.variable()));
                self.problem(
                    Origin::Environment(escaped(name)),
                    format!("there is no such setting{}", hint.unwrap_or_default()),
                );
            }
        }
        overrides
    }

    fn read_flags(&mut self, flags: &[(String, String)]) -> Vec<Override> {
        let mut overrides = Vec::new();
        for (key, text) in flags {
            match setting(key) {
                Some(setting) => overrides.push((
                    setting,
                    Self::text_value(setting, text),
                    Origin::Flag(setting.flag()),
                )),
                None => self.unknown_key(
                    Origin::Flag(format!("--set {}", escaped(key))),
                    "",
                    key,
                    &SETTINGS.iter().map(|setting| setting.key).collect::<Vec<_>>(),
                ),
            }
        }
        overrides
    }

    pub(super) fn unknown_key(&mut self, origin: Origin, section: &str, key: &str, known: &[&str]) {
        let full = format!("{section}{}", escaped(key));
        let hint = match nearest(key, known.iter().copied()) {
            // The common slip: a setting written below a section's heading.
            _ if !section.is_empty() && setting(key).is_some() => {
                format!("; if you mean the setting {key}, move it above the first [section]")
            }
            _ if !section.is_empty() && known.len() <= FEW_KEYS => {
                format!("; allowed is {}", known.join(", "))
            }
            Some(nearest) => format!("; did you mean {section}{nearest}?"),
            None => String::new(),
        };
        let message = format!("unknown key {full}{hint}");
        self.problem_of(Some(full), origin, message);
    }

    pub(super) fn finish(mut self, root: &Path) -> Result<(Config, BTreeMap<String, Entry>), ConfigError> {
        let (config, conflicts) = self.draft.finish(root);
        for conflict in conflicts {
            if conflict.keys.iter().any(|key| self.refused.contains(key)) {
                continue;
            }
            let entries = conflict.keys.iter().filter_map(|key| self.entries.get(key));
            let origins = entries.map(|entry| entry.origin.clone());
            let origin = origins
                .into_iter()
                .find(|origin| *origin != Origin::Default)
                .unwrap_or(Origin::Default);
            self.problems.push(Problem {
                origin,
                message: conflict.message,
                key: conflict.keys.into_iter().next(),
            });
        }
        if !self.problems.is_empty() {
            self.problems.sort();
            self.problems.dedup();
            return Err(ConfigError {
                problems: self.problems,
            });
        }
        let folders = &config.folders;
        for (key, path) in [
            ("input", &folders.input),
            ("output", &folders.output),
            ("conf", &folders.conf),
            ("logs", &folders.logs),
            ("archive_dir", &config.publish.archive_dir),
        ] {
            if let Some(entry) = self.entries.get_mut(key) {
                entry.value = Value::from(path.to_string_lossy().as_ref());
            }
        }
        Ok((config, self.entries))
    }
}

/// The known key that `key` was probably meant to be.
pub(super) fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// clap's own limit for "did you mean".
    const ENOUGH: f64 = 0.7;
    known
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .filter(|(likeness, _)| *likeness > ENOUGH)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}
