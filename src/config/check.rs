//! From the values of all sources to one [`Config`]: what must hold across settings.
//!
//! Promises: paths come out absolute; a check is left out when a setting it looks at was refused already.
//! In here by intent: reading the files that hold a token or a password, and following symlinks to see which folder
//! lies in which. Never in here: single values (`value`), the order of sources (`load`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use super::{
    AfterSuccess, AlertsConfig, Config, Credentials, Damaged, Deinterlace, DynamicHdr, EncodeConfig,
    EngineConfig, Folders, Http, HttpConfig, LogConfig, LogFormat, MeasureQuality, OnLoss, OutsideHours,
    PublishConfig, QualityConfig, QueueConfig, Sidecars, Verify, WatchConfig, WebhookConfig, WhenNotSmaller,
    http::HttpDraft,
    mail::MailDraft,
    profile::{self, BUILT_IN_RESOLUTIONS, ProfileEdit},
    value,
};
use crate::{confine::Confinement, process::Priority, schedule::hours::Hours, task::Resolution};

/// Longer than any token or password; keeps a wrongly named file from being read whole.
const MOST_SECRET_BYTES: u64 = 4096;

/// A configuration in the making: rows of the table put their values here.
#[derive(Debug)]
#[cfg_attr(fuzzing, derive(Clone))]
pub struct Draft {
    pub(super) config: Config,
    pub(super) archive_dir: Option<PathBuf>,
    pub(super) token: Secret,
    pub(super) user: Option<String>,
    pub(super) password: Secret,
    pub(super) mail: MailDraft,
    pub(super) http: HttpDraft,
    pub(super) profiles: BTreeMap<String, ProfileEdit>,
}

/// A secret given as it is, or by the file that holds it.
#[derive(Default)]
#[cfg_attr(fuzzing, derive(Clone))]
pub(super) struct Secret {
    pub direct: Option<String>,
    pub file: Option<PathBuf>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Settings that do not go together.
#[derive(Debug)]
pub(super) struct Conflict {
    /// The keys that are looked at, the one to change first.
    pub keys: Vec<String>,
    pub message: String,
}

impl Draft {
    /// Nothing set; each row of the table then applies its default.
    pub(super) fn blank() -> Self {
        let config = Config {
            folders: Folders {
                root: PathBuf::new(),
                input: PathBuf::new(),
                output: PathBuf::new(),
                conf: PathBuf::new(),
                logs: PathBuf::new(),
            },
            watch: WatchConfig {
                sweep: Duration::ZERO,
                settle: Duration::ZERO,
                settle_without_lease: Duration::ZERO,
                extensions: BTreeSet::new(),
                resolutions: BUILT_IN_RESOLUTIONS.into(),
            },
            queue: QueueConfig {
                rotation_threshold: 0,
                rotation_idle_scans: 0,
                check_interval: Duration::ZERO,
                rotation_cap: 0,
            },
            engine: EngineConfig {
                cores: 0,
                max_jobs: 0,
                max_memory_bytes: 0,
                chunk_min: Duration::ZERO,
                chunk: Duration::ZERO,
                hours: Hours::default(),
                outside_hours: OutsideHours::Finish,
            },
            encode: EncodeConfig {
                ffmpeg_path: PathBuf::new(),
                ffprobe_path: PathBuf::new(),
                priority: Priority::default(),
                confinement: Confinement::Auto,
                child_memory_bytes: 0,
                threads: 0,
                stall: Duration::ZERO,
                damaged: Damaged::Strict,
                deinterlace: Deinterlace::Auto,
                dynamic_hdr: DynamicHdr::Skip,
                on_loss: OnLoss::Auto,
                min_saving_percent: 0.0,
                max_pixels: 0,
                profiles: BTreeMap::new(),
                default_profile: String::new(),
                resolution_profiles: BTreeMap::new(),
            },
            quality: QualityConfig {
                measure: MeasureQuality::Auto,
                floor_ssim_db: None,
            },
            publish: PublishConfig {
                verify: Verify::Auto,
                after_success: AfterSuccess::Keep,
                when_not_smaller: WhenNotSmaller::Copy,
                archive_dir: PathBuf::new(),
                sidecars: Sidecars::Copy,
                output_mode: None,
                output_group: None,
                min_free_bytes: 0,
            },
            alerts: AlertsConfig {
                topic: None,
                base_url: String::new(),
                credentials: None,
                events: BTreeSet::new(),
                include_names: false,
                gather: Duration::ZERO,
                progress: Duration::ZERO,
                silence: Duration::ZERO,
                webhooks: WebhookConfig::default(),
                mail: None,
                public_url: None,
            },
            log: LogConfig {
                keep_days: 0,
                level: String::new(),
                format: LogFormat::Text,
            },
            http: HttpConfig::blank(),
        };
        Self {
            config,
            archive_dir: None,
            token: Secret::default(),
            user: None,
            password: Secret::default(),
            mail: MailDraft::default(),
            http: HttpDraft::default(),
            profiles: BTreeMap::new(),
        }
    }

    pub(super) fn add_resolution(&mut self, resolution: Resolution) {
        self.config.watch.resolutions.insert(resolution);
    }

    /// The configuration, and what does not go together in it. `root` is absolute.
    pub(super) fn finish(mut self, root: &Path) -> (Config, Vec<Conflict>) {
        let mut conflicts = Vec::new();
        self.finish_paths(root);
        self.check_folders(&mut conflicts);
        self.finish_profiles(&mut conflicts);
        self.check_quality(&mut conflicts);
        self.config.alerts.credentials = self.credentials(root, &mut conflicts);
        self.config.alerts.mail = self.mail.finish(&mut conflicts);
        self.http.finish(&mut self.config.http, root, &mut conflicts);
        let http = &self.config.http;
        self.config.alerts.public_url = http.public_url.clone().filter(|_| http.enabled == Http::On);
        let webhooks = &self.config.alerts.webhooks;
        if !webhooks.urls.is_empty() && webhooks.secret.is_none() {
            conflicts.push(Conflict {
                keys: vec!["webhook_urls".into(), "webhook_secret".into()],
                message:
                    "webhook_urls needs webhook_secret: without a signature nobody there knows who posts"
                        .into(),
            });
        }
        (self.config, conflicts)
    }

    fn finish_paths(&mut self, root: &Path) {
        let folders = &mut self.config.folders;
        for folder in [
            &mut folders.input,
            &mut folders.output,
            &mut folders.conf,
            &mut folders.logs,
        ] {
            *folder = root.join(&folder);
        }
        folders.root = root.to_owned();
        self.config.publish.archive_dir = match &self.archive_dir {
            Some(folder) => root.join(folder),
            None => folders.input.join(".done"),
        };
        for program in [
            &mut self.config.encode.ffmpeg_path,
            &mut self.config.encode.ffprobe_path,
        ] {
            // A bare name is looked up in PATH.
            if program.components().count() > 1 {
                *program = root.join(&program);
            }
        }
    }

    fn check_folders(&self, conflicts: &mut Vec<Conflict>) {
        let folders = &self.config.folders;
        let [input, output, conf, logs] =
            [&folders.input, &folders.output, &folders.conf, &folders.logs].map(|folder| real(folder));
        let archive = real(&self.config.publish.archive_dir);
        let mut refuse = |key: &str, other: &str, message: &str| {
            conflicts.push(Conflict {
                keys: vec![key.into(), other.into()],
                message: message.into(),
            });
        };

        let apart = "input and output must not be the same folder or lie inside each other, \
                     or outputs would be taken for new videos";
        if is_inside(&output, &input) || is_inside(&input, &output) {
            refuse("output", "input", apart);
        }
        // The default, `.done` in input, is right wherever input and output are.
        let archive_is_set = self.archive_dir.is_some();
        if archive_is_set && (is_inside(&archive, &output) || is_inside(&output, &archive)) {
            refuse(
                "archive_dir",
                "output",
                "archive_dir and output must not be the same folder or lie inside each other",
            );
        }
        if archive_is_set && input != archive && is_inside(&input, &archive) {
            refuse("archive_dir", "input", "input must not lie inside archive_dir");
        } else if let Ok(below) = archive.strip_prefix(&input)
            && !below
                .components()
                .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."))
        {
            refuse(
                "archive_dir",
                "input",
                "archive_dir inside input needs a name that starts with a dot, such as .done, \
                 or archived videos would be taken for new ones",
            );
        }
        for (key, folder) in [("conf", &conf), ("logs", &logs)] {
            if is_inside(folder, &input) {
                refuse(
                    key,
                    "input",
                    &format!("{key} must not lie inside input: each of its writes would wake the watch"),
                );
            }
        }
    }

    fn finish_profiles(&mut self, conflicts: &mut Vec<Conflict>) {
        let (profiles, refused) = profile::resolve(&self.profiles);
        for (name, message) in refused {
            conflicts.push(Conflict {
                keys: ["based_on", "target", "crf_min", "crf_max"]
                    .map(|key| format!("profiles.{name}.{key}"))
                    .into(),
                message,
            });
        }
        let encode = &mut self.config.encode;
        let defaults = std::iter::once(("profile".to_owned(), &encode.default_profile));
        let by_resolution = encode
            .resolution_profiles
            .iter()
            .map(|(resolution, name)| (format!("resolution.{resolution}.profile"), name));
        for (key, name) in defaults.chain(by_resolution) {
            // One that was refused above is not unknown.
            if !profiles.contains_key(name) && !self.profiles.contains_key(name) {
                let known = profile::known(&self.profiles);
                conflicts.push(Conflict {
                    keys: vec![key],
                    message: format!("there is no profile {name:?}; {known}"),
                });
            }
        }
        encode.profiles = profiles;
    }

    fn check_quality(&self, conflicts: &mut Vec<Conflict>) {
        let quality = &self.config.quality;
        if quality.measure == MeasureQuality::Off && quality.floor_ssim_db.is_some() {
            conflicts.push(Conflict {
                keys: vec!["quality_floor".into(), "measure_quality".into()],
                message:
                    "quality_floor needs measure_quality = \"auto\": what is not measured cannot be judged"
                        .into(),
            });
        }
    }

    fn credentials(&mut self, root: &Path, conflicts: &mut Vec<Conflict>) -> Option<Credentials> {
        let token = self.token.take("ntfy_token", root, conflicts);
        let password = self.password.take("ntfy_password", root, conflicts);
        let mut refuse = |keys: [&str; 4], message: &str| {
            conflicts.push(Conflict {
                keys: keys.map(Into::into).into(),
                message: message.into(),
            });
            None
        };
        let token_keys = ["ntfy_token", "ntfy_token_file"];
        let password_keys = ["ntfy_password", "ntfy_password_file"];
        let [first, second] = token_keys;
        let [third, fourth] = password_keys;
        match (token, self.user.take(), password) {
            (None, None, None) => None,
            (Some(Some(word)), None, None) if !value::is_header_word(&word) => refuse(
                [second, first, third, fourth],
                "the token holds a blank, a line break or a character beyond ASCII",
            ),
            (Some(token), None, None) => token.map(Credentials::Token),
            (None, Some(user), Some(password)) => {
                password.map(|password| Credentials::Password { user, password })
            }
            (None, Some(_), None) => refuse(
                ["ntfy_user", third, fourth, "ntfy_user"],
                "ntfy_user needs ntfy_password or ntfy_password_file",
            ),
            (None, None, Some(_)) => refuse(
                [third, fourth, "ntfy_user", "ntfy_user"],
                "a password needs ntfy_user",
            ),
            (Some(_), ..) => refuse(
                ["ntfy_user", first, second, third],
                "give either a token or a user and password, not both",
            ),
        }
    }
}

impl Secret {
    /// `None` when not set, `Some(None)` when set and refused.
    #[expect(clippy::option_option, reason = "set and refused is not the same as not set")]
    fn take(&mut self, key: &str, root: &Path, conflicts: &mut Vec<Conflict>) -> Option<Option<String>> {
        let file_key = format!("{key}_file");
        let mut refuse = |keys: Vec<String>, message: String| {
            conflicts.push(Conflict { keys, message });
            Some(None)
        };
        match (self.direct.take(), self.file.take()) {
            (None, None) => None,
            (Some(secret), None) => Some(Some(secret)),
            (Some(_), Some(_)) => refuse(
                vec![file_key.clone(), key.into()],
                format!("{key} and {file_key} are both set; keep one"),
            ),
            (None, Some(file)) => match read_secret(&root.join(file)) {
                Ok(secret) => Some(Some(secret)),
                Err(message) => refuse(vec![file_key], message),
            },
        }
    }
}

/// The one line in the file, without its end.
fn read_secret(path: &Path) -> Result<String, String> {
    let shown = value::escaped(&path.display().to_string());
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MOST_SECRET_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot read {shown}: {error}"))?;
    let secret = text.trim_end_matches(['\n', '\r']);
    match secret {
        "" => Err(format!("{shown} is empty")),
        _ if text.len() as u64 > MOST_SECRET_BYTES => {
            Err(format!("{shown} holds more than {MOST_SECRET_BYTES} bytes"))
        }
        _ if secret.contains(char::is_control) => Err(format!("{shown} holds more than one line of text")),
        _ => Ok(secret.to_owned()),
    }
}

fn is_inside(inner: &Path, outer: &Path) -> bool {
    inner.starts_with(outer)
}

/// `path` with its symlinks followed as far as it exists, so that two names of one folder compare equal.
fn real(path: &Path) -> PathBuf {
    let found = path
        .ancestors()
        .find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let (mut real, rest) = match &found {
        Some((ancestor, real)) => (real.clone(), path.strip_prefix(ancestor).unwrap_or(path)),
        None => (PathBuf::new(), path),
    };
    for part in rest.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            part => real.push(part),
        }
    }
    real
}
