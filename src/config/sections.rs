//! What each module may know of the settings: one plain struct for each adapter.
//!
//! Promises: values here have been validated by `config`; lengths of time are `Duration`, sizes are bytes.
//! Never in here: defaults, parsing, documentation (the settings table in `config` has those).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;

use crate::{
    cgroup,
    confine::Confinement,
    process::{CommandLine, Priority},
    schedule::hours::Hours,
    task::Resolution,
};

/// Every setting, validated. `service` hands each adapter only its own part.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub folders: Folders,
    pub watch: WatchConfig,
    pub queue: QueueConfig,
    pub engine: EngineConfig,
    pub encode: EncodeConfig,
    pub quality: QualityConfig,
    pub publish: PublishConfig,
    pub alerts: AlertsConfig,
    pub log: LogConfig,
    pub http: HttpConfig,
}

impl Config {
    /// Every secret in it, for those who must keep them out of what they show.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        let alerts = &self.alerts;
        let credentials = alerts.credentials.as_ref().map(|credentials| match credentials {
            Credentials::Token(secret) | Credentials::Password { password: secret, .. } => secret.as_str(),
        });
        let webhooks = alerts.webhooks.urls.iter().map(Url::as_str);
        let login = alerts.mail.as_ref().and_then(|mail| mail.login.as_ref());
        let texts = [
            alerts.webhooks.secret.as_ref(),
            login.map(|login| &login.password),
            self.http
                .oidc
                .as_ref()
                .and_then(|oidc| oidc.client_secret.as_ref()),
        ];
        let texts = texts.into_iter().flatten().map(SecretText::reveal);
        alerts
            .topic
            .as_deref()
            .into_iter()
            .chain(credentials)
            .chain(webhooks)
            .chain(texts)
            .collect()
    }
}

/// Where things are. All absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    pub root: PathBuf,
    pub input: PathBuf,
    pub output: PathBuf,
    pub conf: PathBuf,
    pub logs: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchConfig {
    pub sweep: Duration,
    pub settle: Duration,
    pub settle_without_lease: Duration,
    /// Lower case, without the dot.
    pub extensions: BTreeSet<String>,
    pub resolutions: BTreeSet<Resolution>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConfig {
    pub rotation_threshold: usize,
    pub rotation_idle_scans: u32,
    pub check_interval: Duration,
    /// Finished entries beyond this many are rotated even when the queue never idles.
    pub rotation_cap: usize,
}

/// How much of the machine encodes may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// 0: as many as this process may use.
    pub cores: u32,
    /// Files encoded at once; 0: as many as keep the cores busy.
    pub max_jobs: u32,
    /// 0: most of what this process may use.
    pub max_memory_bytes: u64,
    /// Films that are not longer are encoded in one run.
    pub chunk_min: Duration,
    pub chunk: Duration,
    /// When encodes may begin.
    pub hours: Hours,
    pub outside_hours: OutsideHours,
}

/// What becomes of running encodes when the hours of `schedule` end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutsideHours {
    /// They go on to their end.
    Finish,
    /// They stand still until the next hours.
    Freeze,
}

#[derive(Debug, Clone, PartialEq)]
pub struct EncodeConfig {
    /// A name looked up in PATH, or a path.
    pub ffmpeg_path: PathBuf,
    pub ffprobe_path: PathBuf,
    /// Of every child that reads films.
    pub priority: Priority,
    pub confinement: Confinement,
    /// Of each child; 0: as much as this process may use.
    pub child_memory_bytes: u64,
    /// 0: as many as ffmpeg and x265 want.
    pub threads: u32,
    pub stall: Duration,
    pub damaged: Damaged,
    pub deinterlace: Deinterlace,
    pub dynamic_hdr: DynamicHdr,
    pub on_loss: OnLoss,
    /// Negative takes results that are bigger than their sources.
    pub min_saving_percent: f64,
    /// Width times height beyond which a picture is refused.
    pub max_pixels: u64,
    pub profiles: BTreeMap<String, Profile>,
    pub default_profile: String,
    pub resolution_profiles: BTreeMap<Resolution, String>,
}

impl EncodeConfig {
    /// The same with children that stand back further behind others.
    #[must_use]
    pub fn nicer_by(&self, niceness: i32) -> Self {
        let mut nicer = self.clone();
        nicer.priority.nice += niceness;
        nicer
    }

    /// The profile of a folder; `None`: of a file outside every resolution folder.
    #[must_use]
    pub fn profile_name_of(&self, resolution: Option<Resolution>) -> &str {
        let of_folder = resolution.and_then(|resolution| self.resolution_profiles.get(&resolution));
        of_folder.unwrap_or(&self.default_profile)
    }

    /// ffmpeg, held to the files that the caller names.
    #[must_use]
    pub fn ffmpeg(&self) -> CommandLine {
        self.tool(&self.ffmpeg_path)
    }

    /// As [`EncodeConfig::ffmpeg`].
    #[must_use]
    pub fn ffprobe(&self) -> CommandLine {
        self.tool(&self.ffprobe_path)
    }

    fn tool(&self, program: &Path) -> CommandLine {
        let memory_bytes = match self.child_memory_bytes {
            0 => cgroup::available().memory_bytes,
            bytes => Some(bytes),
        };
        CommandLine::new(program, self.priority)
            .confined(self.confinement)
            .with_memory(memory_bytes)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub name: String,
    pub preset: String,
    /// With a target: where the search for the CRF begins.
    pub crf: f64,
    pub target: Option<Target>,
    /// Bounds of the search.
    pub crf_min: f64,
    pub crf_max: f64,
    pub x265_params: String,
    pub audio: AudioPolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioPolicy {
    /// AAC at 64 kbit/s a channel; an AAC track already at or under that is copied.
    Aac,
    Copy,
}

/// The quality that a profile aims at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    pub metric: Metric,
    /// In the metric's own unit.
    pub value: f64,
}

/// A measure of likeness; more is better for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// SSIM of all planes, as ffmpeg weighs them, in decibels: −10·log10(1 − SSIM).
    SsimDb,
    /// 0 to 100.
    Vmaf,
    /// The least of the three planes, in decibels.
    Xpsnr,
}

/// Whether results are compared with their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureQuality {
    /// Up to ten minutes the whole film, then samples.
    Auto,
    Off,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QualityConfig {
    pub measure: MeasureQuality,
    /// In dB; a result below it is refused.
    pub floor_ssim_db: Option<f64>,
}

/// What to do with a source whose decoder reports errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damaged {
    Strict,
    Salvage,
}

/// What to do with a file of which something cannot be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLoss {
    /// Skipped when a viewer would notice, else as [`OnLoss::Note`].
    Auto,
    /// Encoded; the receipt names the loss.
    Note,
    /// Skipped.
    Skip,
}

/// Whether two fields are made one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deinterlace {
    /// Where the header says interlaced, or the pictures do.
    Auto,
    On,
    Off,
}

/// What to do with HDR10+ and Dolby Vision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DynamicHdr {
    /// What cannot be carried makes the file skipped.
    Skip,
    /// Nothing is carried: the picture below it is encoded as plain HDR10, HLG or SDR.
    Static,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishConfig {
    pub verify: Verify,
    pub after_success: AfterSuccess,
    pub when_not_smaller: WhenNotSmaller,
    /// Absolute.
    pub archive_dir: PathBuf,
    pub sidecars: Sidecars,
    /// Permission bits for outputs; `None` follows the umask, as `cp` would.
    pub output_mode: Option<u32>,
    /// Group name or number for outputs.
    pub output_group: Option<String>,
    pub min_free_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    /// Full whenever the source will then be moved or deleted, else fast.
    Auto,
    Fast,
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterSuccess {
    Keep,
    Archive,
    Delete,
}

/// What `output/` gets when a result would not be smaller than its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenNotSmaller {
    /// The source's bytes.
    Copy,
    /// The source itself under a second name; it is never moved or deleted then.
    Link,
    /// It is never moved or deleted then.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sidecars {
    /// Copied to output, left in input.
    Copy,
    /// Copied to output; then archived or deleted together with the source.
    Follow,
    Ignore,
}

#[derive(Clone, PartialEq, Eq)]
pub struct AlertsConfig {
    /// No topic: alerts are off.
    pub topic: Option<String>,
    /// Without a trailing slash.
    pub base_url: String,
    pub credentials: Option<Credentials>,
    pub events: BTreeSet<AlertKind>,
    pub include_names: bool,
    /// How long alerts of one kind are gathered into one message.
    pub gather: Duration,
    /// Between two alerts of how far running encodes are; zero: none.
    pub progress: Duration,
    /// After so long without anything finished while work waits, that is told; zero: never.
    pub silence: Duration,
    pub webhooks: WebhookConfig,
    pub mail: Option<MailConfig>,
    /// Where the links of buttons lead; none: messages have no buttons.
    pub public_url: Option<Url>,
}

/// Who is told of each alert by an HTTP post.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookConfig {
    pub urls: Vec<Url>,
    /// The key of their signatures; there whenever there are addresses.
    pub secret: Option<SecretText>,
    pub private_addresses: PrivateAddresses,
}

/// Whether a webhook may go to this machine or a private network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrivateAddresses {
    #[default]
    Refused,
    Allowed,
}

/// How alerts are sent by e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    pub server: MailServer,
    pub login: Option<MailLogin>,
    pub from: Mailbox,
    /// At least one.
    pub to: Vec<Mailbox>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    pub security: MailSecurity,
    pub host: String,
    pub port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// From the first byte.
    Tls,
    /// TLS after a greeting in the clear; without it nothing is sent.
    StartTls,
    Plain,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLogin {
    pub user: String,
    pub password: SecretText,
}

/// Text that shows in no log, no error and no `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that sends or signs with it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// The API over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    pub enabled: Http,
    pub listen: SocketAddr,
    /// Scheme, host and port by which others reach it.
    pub public_url: Option<Url>,
    /// As in a URL: lower case, IPv6 in brackets, no ports.
    pub allowed_hosts: BTreeSet<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub tls: Tls,
    pub plain: PlainHttp,
    /// How long a login lasts.
    pub session: Duration,
    pub upload_max_bytes: u64,
    /// All unfinished uploads together.
    pub upload_quota_bytes: u64,
    /// An upload that goes no further for so long is removed.
    pub upload_keep: Duration,
    pub oidc: Option<OidcConfig>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    Off,
    On,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    Off,
    /// A certificate of its own, made at the first start.
    SelfSigned,
    /// Absolute.
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
}

/// Where HTTP without TLS is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    LoopbackOnly,
    Anywhere,
}

/// A login server, and which values of its claim give which role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcConfig {
    /// To the letter as the server names itself.
    pub issuer: String,
    pub client_id: String,
    /// None: a public client.
    pub client_secret: Option<SecretText>,
    pub claim: String,
    pub viewers: BTreeSet<String>,
    pub operators: BTreeSet<String>,
    pub admins: BTreeSet<String>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    Token(String),
    Password { user: String, password: String },
}

/// What can be told to a phone. The names are those of the `ntfy_events` setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    Queued,
    Started,
    Progress,
    Done,
    Failed,
    Skipped,
    Archived,
    RotationComplete,
    AllDone,
    DiskLow,
    RootUnavailable,
    /// Anything else that a person should act on: watch limit, stray video, quarantined state file, bad configuration.
    Attention,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    pub keep_days: u32,
    /// `error`, `warn`, `info`, `debug` or `trace`, or a tracing filter.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// Secrets never reach a log through `{:?}`.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(…)"),
            Self::Password { user, .. } => write!(f, "Password {{ user: {user:?}, password: … }}"),
        }
    }
}

/// A topic is as good as a password.
impl std::fmt::Debug for AlertsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlertsConfig")
            .field("topic", &self.topic.as_ref().map(|_| "…"))
            .field("base_url", &self.base_url)
            .field("credentials", &self.credentials)
            .field("events", &self.events)
            .field("include_names", &self.include_names)
            .field("gather", &self.gather)
            .field("progress", &self.progress)
            .field("silence", &self.silence)
            .field("webhooks", &self.webhooks)
            .field("mail", &self.mail)
            .finish()
    }
}

/// An address of a webhook is often as good as a password.
impl std::fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("urls", &self.urls.len())
            .field("secret", &self.secret)
            .field("private_addresses", &self.private_addresses)
            .finish()
    }
}
