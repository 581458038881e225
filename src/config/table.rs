//! The table of settings.
//!
//! Promises: a setting exists when it has a row here; its default is the row's text, applied like any other value;
//! the template, `config show`, the variables and the error messages are made from the same rows.
//! Never in here: checks across settings (`check` has those), profiles and resolutions (`profile`).

use toml::Value;

use crate::{confine::Confinement, process::Ionice};

use super::{
    AfterSuccess, Damaged, Deinterlace, DynamicHdr, Http, LogFormat, MeasureQuality, OnLoss, OutsideHours,
    PlainHttp, PrivateAddresses, Sidecars, Verify, WhenNotSmaller, check::Draft, http::TlsChoice,
    value as parse,
};

/// One setting.
#[derive(Debug)]
pub struct Setting {
    pub stage: Stage,
    /// As `sweep_seconds`; below a heading of the file with that and a dot: `http.listen`.
    pub key: &'static str,
    /// TOML text. Its type is also the type that text from a variable or a flag is read as.
    pub default: &'static str,
    /// What is allowed, in words that follow "allowed is".
    pub allowed: &'static str,
    /// One line or two.
    pub doc: &'static str,
    /// Variables beside [`Setting::variable`], from before there was a system to them.
    pub older_variables: &'static [&'static str],
    pub reload: Reload,
    pub secrecy: Secrecy,
    pub changed: Changed,
    /// Checks the value and puts it into the draft. An error may be empty when `allowed` says it all.
    pub apply: fn(&mut Draft, Value) -> Result<(), String>,
}

/// The part of the way of a file that a setting belongs to; a heading in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Folders,
    Watch,
    Queue,
    Encode,
    Quality,
    Publish,
    Alerts,
    Logs,
    Http,
}

/// When a change of the file takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    Live,
    Restart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    Plain,
    /// Shown as `…`.
    Secret,
}

/// From where a setting may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// In the file and over the API.
    Anywhere,
    /// In the file alone: it names programs, folders or files of this machine, or holds back what others may do to it.
    InFileOnly,
}

type Apply = fn(&mut Draft, Value) -> Result<(), String>;

impl Setting {
    const fn new(
        stage: Stage,
        key: &'static str,
        default: &'static str,
        allowed: &'static str,
        doc: &'static str,
        apply: Apply,
    ) -> Self {
        Self {
            stage,
            key,
            default,
            allowed,
            doc,
            older_variables: &[],
            reload: Reload::Live,
            secrecy: Secrecy::Plain,
            changed: Changed::Anywhere,
            apply,
        }
    }

    const fn older(self, older_variables: &'static [&'static str]) -> Self {
        Self {
            older_variables,
            ..self
        }
    }

    const fn restart(self) -> Self {
        Self {
            reload: Reload::Restart,
            ..self
        }
    }

    const fn secret(self) -> Self {
        Self {
            secrecy: Secrecy::Secret,
            ..self
        }
    }

    const fn in_file_only(self) -> Self {
        Self {
            changed: Changed::InFileOnly,
            ..self
        }
    }

    /// `VIDEO_COMPRESSOR_SWEEP_SECONDS` for `sweep_seconds`, `VIDEO_COMPRESSOR_HTTP_LISTEN` for `http.listen`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!(
            "{VARIABLE_PREFIX}{}",
            self.key.to_ascii_uppercase().replace('.', "_")
        )
    }

    /// The section of the file that it stands in, and its name there.
    #[must_use]
    pub fn place(&self) -> (Option<&'static str>, &'static str) {
        match self.key.split_once('.') {
            Some((section, name)) => (Some(section), name),
            None => (None, self.key),
        }
    }

    /// `--set sweep_seconds`, as the command line has it.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--set {}", self.key)
    }

    /// Whether the file may hold it. The file stands in the folder that `conf` names, so that one may not.
    #[must_use]
    pub fn is_allowed_in_file(&self) -> bool {
        self.key != "conf"
    }

    /// # Errors
    /// When the row's default is not TOML; a test keeps that from happening.
    pub(super) fn default_value(&self) -> Result<Value, String> {
        self.default
            .parse()
            .map_err(|error: toml::de::Error| error.message().to_owned())
    }
}

pub(super) const VARIABLE_PREFIX: &str = "VIDEO_COMPRESSOR_";

/// The row of `key`.
#[must_use]
pub fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Puts a parsed value where it belongs.
fn set<T>(place: &mut T, parsed: Result<T, String>) -> Result<(), String> {
    parsed.map(|value| *place = value)
}

const FOLDER: &str = "a folder; a relative one is relative to the root";
const SECONDS: &str = "0.1 to 86400";
const A_DAY: std::ops::RangeInclusive<f64> = 0.1..=86_400.0;

pub static SETTINGS: &[Setting] = &[
    Setting::new(
        Stage::Folders,
        "input",
        r#""input""#,
        FOLDER,
        "Where videos are dropped, each below a folder named after its resolution: input/720/.",
        |d, v| set(&mut d.config.folders.input, parse::path(&v)),
    )
    .in_file_only()
    .restart(),
    Setting::new(
        Stage::Folders,
        "output",
        r#""output""#,
        FOLDER,
        "Where compressed videos appear, at the same path as below input.",
        |d, v| set(&mut d.config.folders.output, parse::path(&v)),
    )
    .in_file_only()
    .restart(),
    Setting::new(
        Stage::Folders,
        "conf",
        r#""conf""#,
        FOLDER,
        "Where the queue, its archives and the settings file are.",
        |d, v| set(&mut d.config.folders.conf, parse::path(&v)),
    )
    .in_file_only()
    .restart(),
    Setting::new(
        Stage::Folders,
        "logs",
        r#""logs""#,
        FOLDER,
        "Where app.log is. Give it a folder of its own: old logs in it are removed.",
        |d, v| set(&mut d.config.folders.logs, parse::path(&v)),
    )
    .in_file_only()
    .restart(),
    Setting::new(
        Stage::Watch,
        "sweep_seconds",
        "30",
        SECONDS,
        "How often all of input is read again, for files that raised no event (network mounts, a full event queue).",
        |d, v| set(&mut d.config.watch.sweep, parse::seconds(&v, A_DAY)),
    ),
    Setting::new(
        Stage::Watch,
        "settle_seconds",
        "3",
        SECONDS,
        "How long a file must stay unchanged before it is taken, where the system can say that no one is writing it.",
        |d, v| set(&mut d.config.watch.settle, parse::seconds(&v, A_DAY)),
    ),
    Setting::new(
        Stage::Watch,
        "settle_seconds_without_lease",
        "30",
        SECONDS,
        "The same where the system cannot say it: network mounts, files of other users, macOS.",
        |d, v| set(&mut d.config.watch.settle_without_lease, parse::seconds(&v, A_DAY)),
    ),
    Setting::new(
        Stage::Watch,
        "extensions",
        r#"["mp4", "mkv", "mov", "avi", "webm", "m4v", "ts", "m2ts", "mpg", "wmv", "flv"]"#,
        "a list of letters and digits, with or without dots",
        "Which files are videos, by the end of the name in any case. In a variable: commas or blanks between them.",
        |d, v| set(&mut d.config.watch.extensions, parse::extensions(&v)),
    )
    .older(&["VIDEO_EXT"]),
    Setting::new(
        Stage::Queue,
        "rotation_threshold",
        "100",
        "1 to 1000000",
        "How many entries the queue must have before finished ones are moved to an archive when it is idle.",
        |d, v| set(&mut d.config.queue.rotation_threshold, parse::whole(&v, 1..=1_000_000)),
    ),
    Setting::new(
        Stage::Queue,
        "rotation_idle_scans",
        "5",
        "1 to 1000",
        "How many checks in a row must find nothing queued or processing before that.",
        |d, v| set(&mut d.config.queue.rotation_idle_scans, parse::whole(&v, 1..=1000)),
    ),
    Setting::new(
        Stage::Queue,
        "check_interval_seconds",
        "4",
        SECONDS,
        "The time between two such checks.",
        |d, v| set(&mut d.config.queue.check_interval, parse::seconds(&v, A_DAY)),
    )
    .older(&["CHECK_INTERVAL"]),
    Setting::new(
        Stage::Queue,
        "rotation_cap",
        "1000",
        "1 to 1000000",
        "Beyond this many finished entries they are archived even when the queue is never idle.",
        |d, v| set(&mut d.config.queue.rotation_cap, parse::whole(&v, 1..=1_000_000)),
    ),
    Setting::new(
        Stage::Encode,
        "profile",
        r#""medium""#,
        "the name of a profile: slow, medium, fast or one of your own",
        "How to encode where a resolution names no profile of its own. The profiles are at the end of this file.",
        |d, v| set(&mut d.config.encode.default_profile, parse::text(&v)),
    )
    .older(&["PROFILE"]),
    Setting::new(
        Stage::Encode,
        "ffmpeg_path",
        r#""ffmpeg""#,
        "a name looked up in PATH, or a path",
        "The ffmpeg to use. It needs libx265.",
        |d, v| set(&mut d.config.encode.ffmpeg_path, parse::path(&v)),
    )
    .in_file_only(),
    Setting::new(
        Stage::Encode,
        "ffprobe_path",
        r#""ffprobe""#,
        "a name looked up in PATH, or a path",
        "The ffprobe to use.",
        |d, v| set(&mut d.config.encode.ffprobe_path, parse::path(&v)),
    )
    .in_file_only(),
    Setting::new(
        Stage::Encode,
        "nice",
        "10",
        "0 to 19",
        "How far ffmpeg stands back behind other programs; 19 is furthest.",
        |d, v| set(&mut d.config.encode.priority.nice, parse::whole(&v, 0..=19)),
    ),
    Setting::new(
        Stage::Encode,
        "ionice",
        r#""auto""#,
        r#""auto" or "idle""#,
        "How ffmpeg shares the disk with other programs: auto follows nice, idle waits until nobody else wants the disk.\n\
         Linux only, where the disk's scheduler knows classes (as bfq).",
        |d, v| {
            let choices = [("auto", Ionice::Auto), ("idle", Ionice::Idle)];
            set(&mut d.config.encode.priority.ionice, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Encode,
        "confine",
        r#""auto""#,
        r#""auto" or "off""#,
        "auto keeps ffmpeg to the files that it is to read and write, without network, so that a manipulated film can\n\
         reach nothing else; for that the system needs Landlock (Linux 5.13 or newer). off lets it reach what this\n\
         user can.",
        |d, v| {
            let choices = [("auto", Confinement::Auto), ("off", Confinement::Off)];
            set(&mut d.config.encode.confinement, parse::choice(&v, &choices))
        },
    )
    .in_file_only(),
    Setting::new(
        Stage::Encode,
        "ffmpeg_memory",
        "0",
        r#"a number of bytes, or text such as "500MB" or "10GiB", up to 8192 TiB"#,
        "How much memory one ffmpeg may take at most; 0 is all that this process may use.",
        |d, v| set(&mut d.config.encode.child_memory_bytes, parse::bytes(&v)),
    ),
    Setting::new(
        Stage::Encode,
        "cores",
        "0",
        "0 to 1024",
        "How many cores encodes may count on; 0 is all that this process may use (affinity and cgroup limits count).",
        |d, v| set(&mut d.config.engine.cores, parse::whole(&v, 0..=1024)),
    ),
    Setting::new(
        Stage::Encode,
        "max_jobs",
        "0",
        "0 to 256",
        "How many encodes run at once at most; 0 is as many as keep the cores busy and fit into memory.",
        |d, v| set(&mut d.config.engine.max_jobs, parse::whole(&v, 0..=256)),
    ),
    Setting::new(
        Stage::Encode,
        "max_memory",
        "0",
        r#"a number of bytes, or text such as "500MB" or "10GiB", up to 8192 TiB"#,
        "How much memory encodes may take together; 0 is most of what this process may use. One encode always runs.",
        |d, v| set(&mut d.config.engine.max_memory_bytes, parse::bytes(&v)),
    ),
    Setting::new(
        Stage::Encode,
        "chunk_min_seconds",
        "120",
        SECONDS,
        "Films longer than this are encoded in chunks: a restart goes on where it stopped, and idle cores help.",
        |d, v| set(&mut d.config.engine.chunk_min, parse::seconds(&v, A_DAY)),
    ),
    Setting::new(
        Stage::Encode,
        "chunk_seconds",
        "30",
        "10 to 3600",
        "About how long a chunk is. Shorter ones lose less at a restart and cost a little more space.",
        |d, v| set(&mut d.config.engine.chunk, parse::seconds(&v, 10.0..=3600.0)),
    ),
    Setting::new(
        Stage::Encode,
        "schedule",
        r#""""#,
        r#"hours such as "22:00-07:00" or "Mon-Fri 22:00-07:00, Sat-Sun 00:00-24:00"; empty for always"#,
        "When encodes may run. Files are still found and queued at any time; `once` takes no notice.",
        |d, v| set(&mut d.config.engine.hours, parse::hours(&v)),
    ),
    Setting::new(
        Stage::Encode,
        "outside_schedule",
        r#""finish""#,
        r#""finish" or "freeze""#,
        "What running encodes do when the hours end: finish goes on to their end, freeze makes them stand still\n\
         with all that they have until the next hours.",
        |d, v| {
            let choices = [
                ("finish", OutsideHours::Finish),
                ("freeze", OutsideHours::Freeze),
            ];
            set(&mut d.config.engine.outside_hours, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Encode,
        "threads",
        "0",
        "0 to 256",
        "How many threads the encoder gets; 0 is as many as it wants.",
        |d, v| set(&mut d.config.encode.threads, parse::whole(&v, 0..=256)),
    ),
    Setting::new(
        Stage::Encode,
        "stall_seconds",
        "300",
        SECONDS,
        "An encode that gets no further for this long is stopped.",
        |d, v| set(&mut d.config.encode.stall, parse::seconds(&v, A_DAY)),
    ),
    Setting::new(
        Stage::Encode,
        "damaged",
        r#""strict""#,
        r#""strict" or "salvage""#,
        "A source with damage inside: strict refuses it, salvage encodes what can be decoded and notes the damage.",
        |d, v| {
            let choices = [("strict", Damaged::Strict), ("salvage", Damaged::Salvage)];
            set(&mut d.config.encode.damaged, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Encode,
        "on_loss",
        r#""auto""#,
        r#""auto", "note" or "skip""#,
        "A file with a stream that cannot be carried: note encodes it and names the loss in the receipt, skip leaves\n\
         it as it is; auto skips it when a viewer would notice (picture, sound, subtitles), and notes lost data tracks.",
        |d, v| {
            let choices = [
                ("auto", OnLoss::Auto),
                ("note", OnLoss::Note),
                ("skip", OnLoss::Skip),
            ];
            set(&mut d.config.encode.on_loss, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Encode,
        "deinterlace",
        r#""auto""#,
        r#""auto", "on" or "off""#,
        "Two fields become one picture: auto does it where the file says that it is interlaced, or a look at some\n\
         pictures does; on does it always, off never.",
        |d, v| {
            let choices = [
                ("auto", Deinterlace::Auto),
                ("on", Deinterlace::On),
                ("off", Deinterlace::Off),
            ];
            set(&mut d.config.encode.deinterlace, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Encode,
        "dynamic_hdr",
        r#""skip""#,
        r#""skip" or "static""#,
        "HDR10+ and Dolby Vision: skip carries HDR10+, and Dolby Vision 5, 8.1 and 8.4 where ffmpeg can (7.1 or\n\
         newer), and leaves a file as it is that would lose some of it; static always encodes the plain picture\n\
         below it (HDR10, HLG or SDR) and notes the loss.",
        |d, v| {
            let choices = [("skip", DynamicHdr::Skip), ("static", DynamicHdr::Static)];
            set(&mut d.config.encode.dynamic_hdr, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Encode,
        "min_saving",
        "5",
        "-10000 to 90",
        "By how many per cent a result must be smaller than its source; an encode that will not get there is stopped\n\
         and the file skipped (see when_not_smaller). A negative number takes results that are so much bigger.",
        |d, v| set(&mut d.config.encode.min_saving_percent, parse::number(&v, -10_000.0..=90.0)),
    ),
    // 8192 x 8192 takes every 8K picture (7680 x 4320, 8192 x 4320) and square 8K of 360° cameras; a decoder then
    // holds some 2 GB of frames. From 268435455 pixels on, ffmpeg refuses a picture itself (av_image_check_size).
    Setting::new(
        Stage::Encode,
        "max_pixels",
        "67108864",
        "4096 to 268435455",
        "A picture of more pixels (width times height) is refused; the default takes 8192 x 8192.",
        |d, v| set(&mut d.config.encode.max_pixels, parse::whole(&v, 4096..=268_435_455)),
    ),
    Setting::new(
        Stage::Quality,
        "measure_quality",
        r#""auto""#,
        r#""auto" or "off""#,
        "auto measures SSIM (VMAF and XPSNR too where this ffmpeg can) after each encode, for the receipt: of the whole film up to ten minutes, beyond that on at least eight samples within 5 % of the encode's time.",
        |d, v| {
            let choices = [("auto", MeasureQuality::Auto), ("off", MeasureQuality::Off)];
            set(&mut d.config.quality.measure, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Quality,
        "quality_floor",
        "0",
        "0 to 50 (dB); 0 is off",
        "A result whose SSIM is below this is thrown away and the task fails; its source stays. 15 is plainly worse than the source, 20 hard to tell from it.",
        |d, v| {
            let floor = parse::number(&v, 0.0..=50.0).map(|floor| Some(floor).filter(|floor| *floor > 0.0));
            set(&mut d.config.quality.floor_ssim_db, floor)
        },
    ),
    Setting::new(
        Stage::Publish,
        "verify",
        r#""auto""#,
        r#""auto", "fast" or "full""#,
        "full decodes each output from end to end before it is published, fast checks streams and lengths only;\n\
         auto is full when the source is then archived or deleted, else fast.",
        |d, v| {
            let choices = [
                ("auto", Verify::Auto),
                ("fast", Verify::Fast),
                ("full", Verify::Full),
            ];
            set(&mut d.config.publish.verify, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Publish,
        "after_success",
        r#""keep""#,
        r#""keep", "archive" or "delete""#,
        "What happens to the source once its output is in place and on disk.",
        |d, v| {
            let choices = [
                ("keep", AfterSuccess::Keep),
                ("archive", AfterSuccess::Archive),
                ("delete", AfterSuccess::Delete),
            ];
            set(&mut d.config.publish.after_success, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Publish,
        "when_not_smaller",
        r#""copy""#,
        r#""copy", "link" or "none""#,
        "What output gets instead of a result that is not smaller: a copy of the source, which shares its disk space\n\
         where the file system can; a hard link to it; or nothing. With the last two after_success leaves the source.",
        |d, v| {
            let choices = [
                ("copy", WhenNotSmaller::Copy),
                ("link", WhenNotSmaller::Link),
                ("none", WhenNotSmaller::Nothing),
            ];
            set(&mut d.config.publish.when_not_smaller, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Publish,
        "archive_dir",
        r#""""#,
        "a folder outside output, and outside input or hidden in it; empty is `.done` in the input folder",
        "Where after_success = \"archive\" moves sources; a relative folder is relative to the root.",
        |d, v| set(&mut d.archive_dir, parse::optional_path(&v)),
    )
    .in_file_only(),
    Setting::new(
        Stage::Publish,
        "sidecars",
        r#""copy""#,
        r#""copy", "follow" or "ignore""#,
        "Files beside a video with its name (.srt .ass .nfo .jpg): copy puts a copy into output and leaves them,\n\
         follow copies them and then archives or deletes them with the source.",
        |d, v| {
            let choices = [
                ("copy", Sidecars::Copy),
                ("follow", Sidecars::Follow),
                ("ignore", Sidecars::Ignore),
            ];
            set(&mut d.config.publish.sidecars, parse::choice(&v, &choices))
        },
    ),
    Setting::new(
        Stage::Publish,
        "output_mode",
        r#""""#,
        r#"an octal mode in quotes such as "0644"; empty follows the umask"#,
        "Permissions of outputs.",
        |d, v| set(&mut d.config.publish.output_mode, parse::mode(&v)),
    ),
    Setting::new(
        Stage::Publish,
        "output_group",
        r#""""#,
        "the name or number of a group; empty leaves the group as it is",
        "Group of outputs.",
        |d, v| set(&mut d.config.publish.output_group, parse::group(&v)),
    ),
    Setting::new(
        Stage::Publish,
        "min_free_bytes",
        r#""1GiB""#,
        r#"a number of bytes, or text such as "500MB" or "10GiB", up to 8192 TiB"#,
        "An encode starts only with this much free space beside the size of its source.",
        |d, v| set(&mut d.config.publish.min_free_bytes, parse::bytes(&v)),
    ),
    Setting::new(
        Stage::Alerts,
        "ntfy_topic",
        r#""""#,
        "up to 64 letters, digits, - and _; empty turns alerts off",
        "The ntfy topic alerts go to. Whoever knows it can read them: choose one that cannot be guessed.",
        |d, v| set(&mut d.config.alerts.topic, parse::topic(&v)),
    )
    .older(&["NTFY_TOPIC"])
    .secret(),
    Setting::new(
        Stage::Alerts,
        "ntfy_base_url",
        r#""https://ntfy.sh""#,
        "an http:// or https:// address without a query",
        "The ntfy server.",
        |d, v| set(&mut d.config.alerts.base_url, parse::base_url(&v)),
    )
    .older(&["NTFY_BASE_URL"]),
    Setting::new(
        Stage::Alerts,
        "ntfy_token",
        r#""""#,
        "an access token on one line, without blanks",
        "Access token of the ntfy account; either this or a user and password.",
        |d, v| set(&mut d.token.direct, parse::header_word(&v)),
    )
    .secret(),
    Setting::new(
        Stage::Alerts,
        "ntfy_token_file",
        r#""""#,
        "a file; a relative one is relative to the root",
        "A file that holds the token, instead of ntfy_token.",
        |d, v| set(&mut d.token.file, parse::optional_path(&v)),
    )
    .in_file_only(),
    Setting::new(
        Stage::Alerts,
        "ntfy_user",
        r#""""#,
        "a user name on one line, without a colon",
        "User of the ntfy account.",
        |d, v| set(&mut d.user, parse::user(&v)),
    ),
    Setting::new(
        Stage::Alerts,
        "ntfy_password",
        r#""""#,
        "a password on one line",
        "Password of ntfy_user.",
        |d, v| set(&mut d.password.direct, parse::optional_text(&v)),
    )
    .secret(),
    Setting::new(
        Stage::Alerts,
        "ntfy_password_file",
        r#""""#,
        "a file; a relative one is relative to the root",
        "A file that holds the password, instead of ntfy_password.",
        |d, v| set(&mut d.password.file, parse::optional_path(&v)),
    )
    .in_file_only(),
    Setting::new(
        Stage::Alerts,
        "ntfy_events",
        r#"["queued", "started", "progress", "done", "failed", "skipped", "archived", "rotation_complete", "all_done", "disk_low", "root_unavailable", "attention"]"#,
        "a list of queued, started, progress, done, failed, skipped, archived, rotation_complete, all_done, \
         disk_low, root_unavailable, attention",
        "Which events are told.",
        |d, v| set(&mut d.config.alerts.events, parse::events(&v)),
    ),
    Setting::new(
        Stage::Alerts,
        "include_names",
        "true",
        "true or false",
        "false keeps the names of files out of alerts.",
        |d, v| set(&mut d.config.alerts.include_names, parse::flag(&v)),
    ),
    Setting::new(
        Stage::Alerts,
        "ntfy_gather_seconds",
        "5",
        "0 to 3600",
        "How long events of one kind are gathered into one alert.",
        |d, v| set(&mut d.config.alerts.gather, parse::seconds(&v, 0.0..=3600.0)),
    ),
    Setting::new(
        Stage::Alerts,
        "ntfy_progress_seconds",
        "3600",
        "0 to 604800; 0 is never",
        "How often it is told how far running encodes are.",
        |d, v| set(&mut d.config.alerts.progress, parse::seconds(&v, 0.0..=604_800.0)),
    ),
    Setting::new(
        Stage::Alerts,
        "silence_hours",
        "24",
        "0 to 8760; 0 is never",
        "After how long without anything finished, while work is waiting, that is told.",
        |d, v| set(&mut d.config.alerts.silence, parse::hours_long(&v, 0.0..=8760.0)),
    ),
    Setting::new(
        Stage::Alerts,
        "webhook_urls",
        "[]",
        "a list of http:// or https:// addresses without a user name",
        "Where each alert is posted as JSON, beside ntfy. Whoever knows such an address can often post to it.",
        |d, v| set(&mut d.config.alerts.webhooks.urls, parse::webhooks(&v)),
    )
    .in_file_only()
    .secret(),
    Setting::new(
        Stage::Alerts,
        "webhook_secret",
        r#""""#,
        "text on one line",
        "The key that posts are signed with (HMAC-SHA256, see docs/alerts.md), so that the receiver knows who sent them.",
        |d, v| set(&mut d.config.alerts.webhooks.secret, parse::secret(&v)),
    )
    .secret(),
    Setting::new(
        Stage::Alerts,
        "webhook_private",
        "false",
        "true or false",
        "true lets webhooks go to addresses of this machine and of private networks.",
        |d, v| {
            let choices = [PrivateAddresses::Refused, PrivateAddresses::Allowed];
            let private = parse::flag(&v).map(|is_allowed| choices[usize::from(is_allowed)]);
            set(&mut d.config.alerts.webhooks.private_addresses, private)
        },
    )
    .in_file_only(),
    Setting::new(
        Stage::Alerts,
        "email_server",
        r#""""#,
        r#"an address such as "smtps://mail.example.org", "smtp+starttls://mail.example.org:587" or "smtp://localhost"; empty is none"#,
        "The mail server that alerts are sent by.",
        |d, v| set(&mut d.mail.server, parse::mail_server(&v)),
    ),
    Setting::new(
        Stage::Alerts,
        "email_user",
        r#""""#,
        "a user name on one line",
        "User at the mail server, where it wants one.",
        |d, v| set(&mut d.mail.user, parse::optional_text(&v)),
    ),
    Setting::new(
        Stage::Alerts,
        "email_password",
        r#""""#,
        "a password on one line",
        "Password of email_user.",
        |d, v| set(&mut d.mail.password, parse::secret(&v)),
    )
    .secret(),
    Setting::new(
        Stage::Alerts,
        "email_from",
        r#""""#,
        r#"an address such as "videos@example.org" or "Videos <videos@example.org>""#,
        "Who mails come from.",
        |d, v| set(&mut d.mail.from, parse::mailbox(&v)),
    ),
    Setting::new(
        Stage::Alerts,
        "email_to",
        "[]",
        r#"a list of addresses such as "me@example.org""#,
        "Whom mails go to.",
        |d, v| set(&mut d.mail.to, parse::mailboxes(&v)),
    ),
    Setting::new(
        Stage::Logs,
        "log_level",
        r#""info""#,
        r#"error, warn, info, debug, trace, off, or a filter such as "info,video_compressor::watch=debug""#,
        "How much is logged.",
        |d, v| set(&mut d.config.log.level, parse::log_filter(&v)),
    )
    .restart(),
    Setting::new(
        Stage::Logs,
        "log_format",
        r#""text""#,
        r#""text" or "json""#,
        "Lines for people, or one JSON object a line.",
        |d, v| {
            let choices = [("text", LogFormat::Text), ("json", LogFormat::Json)];
            set(&mut d.config.log.format, parse::choice(&v, &choices))
        },
    )
    .restart(),
    Setting::new(
        Stage::Logs,
        "log_keep_days",
        "14",
        "1 to 3650",
        "Logs older than this are removed.",
        |d, v| set(&mut d.config.log.keep_days, parse::whole(&v, 1..=3650)),
    )
    .restart(),
    Setting::new(
        Stage::Http,
        "http.enabled",
        "false",
        "true or false",
        "Whether `run` answers HTTP (API, uploads, metrics). `video-compressor user add` makes the first user.",
        |d, v| {
            let choices = [Http::Off, Http::On];
            set(&mut d.config.http.enabled, parse::flag(&v).map(|is_on| choices[usize::from(is_on)]))
        },
    )
    .restart(),
    Setting::new(
        Stage::Http,
        "http.listen",
        r#""127.0.0.1:8265""#,
        r#"an address and a port such as "127.0.0.1:8265", "0.0.0.0:8265" or "[::]:8265""#,
        "Where it listens. Beyond this machine it needs tls, or allow_plain.",
        |d, v| set(&mut d.config.http.listen, parse::socket_address(&v)),
    )
    .restart(),
    Setting::new(
        Stage::Http,
        "http.public_url",
        r#""""#,
        "an http:// or https:// address without a path; empty is none",
        "How others reach it, such as https://videos.example.org. Alerts then carry buttons.",
        |d, v| set(&mut d.config.http.public_url, parse::origin(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.allowed_hosts",
        "[]",
        "a list of names and addresses without ports",
        "Under which names it may be called, beside localhost, the address it listens on and public_url's.",
        |d, v| set(&mut d.config.http.allowed_hosts, parse::hosts(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.trusted_proxies",
        "[]",
        r#"a list of addresses and networks such as "10.0.0.7" or "192.168.1.0/24""#,
        "Proxies whose word is taken for who calls and by which scheme (X-Forwarded-For, X-Forwarded-Proto).",
        |d, v| set(&mut d.config.http.trusted_proxies, parse::networks(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.tls",
        r#""off""#,
        r#""off", "self-signed" or "files""#,
        "off is plain HTTP; self-signed makes a certificate of its own, whose fingerprint `doctor` shows; files takes\n\
         tls_certificate and tls_key.",
        |d, v| {
            let choices = [
                ("off", TlsChoice::Off),
                ("self-signed", TlsChoice::SelfSigned),
                ("files", TlsChoice::Files),
            ];
            set(&mut d.http.tls, parse::choice(&v, &choices))
        },
    )
    .restart(),
    Setting::new(
        Stage::Http,
        "http.tls_certificate",
        r#""""#,
        "a file; a relative one is relative to the root",
        "The certificate and those between it and its authority (PEM), with tls = \"files\".",
        |d, v| set(&mut d.http.certificate, parse::optional_path(&v)),
    )
    .in_file_only()
    .restart(),
    Setting::new(
        Stage::Http,
        "http.tls_key",
        r#""""#,
        "a file; a relative one is relative to the root",
        "Its private key (PEM).",
        |d, v| set(&mut d.http.key, parse::optional_path(&v)),
    )
    .in_file_only()
    .restart(),
    Setting::new(
        Stage::Http,
        "http.allow_plain",
        "false",
        "true or false",
        "true lets it answer without TLS on an address that others reach, as behind a proxy of your own. Passwords\n\
         and keys then cross the network readable.",
        |d, v| {
            let choices = [PlainHttp::LoopbackOnly, PlainHttp::Anywhere];
            set(&mut d.config.http.plain, parse::flag(&v).map(|is_allowed| choices[usize::from(is_allowed)]))
        },
    )
    .restart(),
    Setting::new(
        Stage::Http,
        "http.session_hours",
        "168",
        "0.1 to 8760",
        "How long a login lasts.",
        |d, v| set(&mut d.config.http.session, parse::hours_long(&v, 0.1..=8760.0)),
    ),
    Setting::new(
        Stage::Http,
        "http.upload_max_gb",
        "100",
        "0.001 to 100000",
        "How big one upload may be.",
        |d, v| set(&mut d.config.http.upload_max_bytes, parse::gigabytes(&v, 0.001..=100_000.0)),
    ),
    Setting::new(
        Stage::Http,
        "http.upload_quota_gb",
        "500",
        "0.001 to 100000",
        "How much all unfinished uploads together may be announced to take.",
        |d, v| set(&mut d.config.http.upload_quota_bytes, parse::gigabytes(&v, 0.001..=100_000.0)),
    ),
    Setting::new(
        Stage::Http,
        "http.upload_keep_hours",
        "48",
        "0.001 to 8760",
        "How long an upload that goes no further is kept, so that it can be resumed.",
        |d, v| set(&mut d.config.http.upload_keep, parse::hours_long(&v, 0.001..=8760.0)),
    ),
    Setting::new(
        Stage::Http,
        "http.oidc_issuer",
        r#""""#,
        "an https:// address, or http:// on this machine; empty turns it off",
        "A login server (OpenID Connect), as it names itself. It must be told public_url/api/v1/oidc/callback.",
        |d, v| set(&mut d.http.oidc_issuer, parse::issuer(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.oidc_client_id",
        r#""""#,
        "text on one line",
        "The name that the login server knows this service by.",
        |d, v| set(&mut d.http.oidc_client_id, parse::optional_text(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.oidc_client_secret",
        r#""""#,
        "text on one line; empty for a public client",
        "Its password there.",
        |d, v| set(&mut d.http.oidc_client_secret, parse::secret(&v)),
    )
    .secret(),
    Setting::new(
        Stage::Http,
        "http.oidc_claim",
        r#""groups""#,
        "the name of a claim",
        "The claim, a text or a list, whose values decide on roles. Who has none of those below may not log in.",
        |d, v| set(&mut d.http.oidc_claim, parse::text(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.oidc_viewers",
        "[]",
        "a list of values of the claim",
        "Who may look.",
        |d, v| set(&mut d.http.oidc_viewers, parse::word_set(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.oidc_operators",
        "[]",
        "a list of values of the claim",
        "Who may upload, cancel, retry and pause.",
        |d, v| set(&mut d.http.oidc_operators, parse::word_set(&v)),
    ),
    Setting::new(
        Stage::Http,
        "http.oidc_admins",
        "[]",
        "a list of values of the claim",
        "Who may change settings and users.",
        |d, v| set(&mut d.http.oidc_admins, parse::word_set(&v)),
    ),
];

impl Stage {
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Folders => "Folders",
            Self::Watch => "Watch: which files are taken, and when",
            Self::Queue => "Queue: when finished entries go to an archive",
            Self::Encode => "Encode",
            Self::Quality => "Quality: results compared with their sources",
            Self::Publish => "Publish: checks, and what becomes of the source",
            Self::Alerts => "Alerts: on a phone by ntfy (https://ntfy.sh), to webhooks and by e-mail",
            Self::Logs => "Logs",
            Self::Http => "HTTP: the page and the API (a section: keep it below the settings)",
        }
    }
}
