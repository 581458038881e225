//! The settings as a whole: sources, errors, the shipped file.
#![allow(clippy::disallowed_methods)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use proptest::prelude::*;

use super::{show::Row, *};
use crate::{
    confine::Confinement,
    process::{Ionice, Priority},
    schedule::hours::Hours,
    task::Resolution,
};

struct Root(tempfile::TempDir);

impl Root {
    fn new(file: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("conf")).unwrap();
        std::fs::write(root.path().join("conf/video-compressor.toml"), file).unwrap();
        Self(root)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load(&self, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        Config::load(&Sources {
            root: self.path().into(),
            file: None,
            environment: environment
                .iter()
                .map(|(name, text)| (name.into(), text.into()))
                .collect(),
            flags: flags
                .iter()
                .map(|(key, text)| ((*key).into(), (*text).into()))
                .collect(),
        })
    }
}

fn load(file: &str) -> Result<Loaded, ConfigError> {
    Root::new(file).load(&[], &[])
}

fn config(file: &str) -> Config {
    load(file).unwrap().config
}

fn error(file: &str) -> String {
    load(file).unwrap_err().to_string()
}

#[test]
fn the_defaults_are_what_the_design_says() {
    let root = Root::new("");
    let config = root.load(&[], &[]).unwrap().config;
    let at = |name: &str| root.path().join(name);
    assert_eq!(
        config.folders,
        Folders {
            root: root.path().into(),
            input: at("input"),
            output: at("output"),
            conf: at("conf"),
            logs: at("logs"),
        }
    );
    let extensions = "mp4 mkv mov avi webm m4v ts m2ts mpg wmv flv";
    assert_eq!(
        config.watch,
        WatchConfig {
            sweep: Duration::from_secs(30),
            settle: Duration::from_secs(3),
            settle_without_lease: Duration::from_secs(30),
            extensions: extensions.split(' ').map(Into::into).collect(),
            resolutions: BUILT_IN_RESOLUTIONS.into(),
        }
    );
    assert_eq!(
        config.queue,
        QueueConfig {
            rotation_threshold: 100,
            rotation_idle_scans: 5,
            check_interval: Duration::from_secs(4),
            rotation_cap: 1000,
        }
    );
    let profile = |name: &str, crf, x265_params: &str| {
        let profile = Profile {
            name: name.into(),
            preset: name.into(),
            crf,
            target: None,
            crf_min: 12.0,
            crf_max: 40.0,
            x265_params: x265_params.into(),
            audio: AudioPolicy::Aac,
        };
        (name.to_owned(), profile)
    };
    let engine = EngineConfig {
        cores: 0,
        max_jobs: 0,
        max_memory_bytes: 0,
        chunk_min: Duration::from_secs(120),
        chunk: Duration::from_secs(30),
        hours: Hours::default(),
        outside_hours: OutsideHours::Finish,
    };
    assert_eq!(config.engine, engine);
    assert_eq!(
        config.encode,
        EncodeConfig {
            ffmpeg_path: "ffmpeg".into(),
            ffprobe_path: "ffprobe".into(),
            priority: Priority {
                nice: 10,
                ionice: Ionice::Auto,
            },
            confinement: Confinement::Auto,
            child_memory_bytes: 0,
            threads: 0,
            stall: Duration::from_secs(300),
            damaged: Damaged::Strict,
            deinterlace: Deinterlace::Auto,
            dynamic_hdr: DynamicHdr::Skip,
            on_loss: OnLoss::Auto,
            min_saving_percent: 5.0,
            max_pixels: 8192 * 8192,
            profiles: BTreeMap::from([
                profile(
                    "slow",
                    24.0,
                    "aq-mode=3:bframes=8:ref=6:psy-rd=2:psy-rdoq=1.5:rd=4"
                ),
                profile("medium", 26.0, "aq-mode=3:bframes=6:ref=4:psy-rd=1.5:rd=3"),
                profile("fast", 28.0, "aq-mode=2:bframes=4:ref=3"),
            ]),
            default_profile: "medium".into(),
            resolution_profiles: BTreeMap::new(),
        }
    );
    assert_eq!(
        config.quality,
        QualityConfig {
            measure: MeasureQuality::Auto,
            floor_ssim_db: None,
        }
    );
    assert_eq!(
        config.publish,
        PublishConfig {
            verify: Verify::Auto,
            after_success: AfterSuccess::Keep,
            when_not_smaller: WhenNotSmaller::Copy,
            archive_dir: at("input/.done"),
            sidecars: Sidecars::Copy,
            output_mode: None,
            output_group: None,
            min_free_bytes: 1 << 30,
        }
    );
    assert_eq!(
        config.alerts,
        AlertsConfig {
            topic: None,
            base_url: "https://ntfy.sh".into(),
            credentials: None,
            events: AlertKind::ALL.into(),
            include_names: true,
            gather: Duration::from_secs(5),
            progress: Duration::from_secs(3600),
            silence: Duration::from_secs(24 * 3600),
            webhooks: WebhookConfig::default(),
            mail: None,
            public_url: None,
        }
    );
    assert_eq!(
        config.http,
        HttpConfig {
            enabled: Http::Off,
            listen: "127.0.0.1:8265".parse().unwrap(),
            public_url: None,
            allowed_hosts: BTreeSet::new(),
            trusted_proxies: Vec::new(),
            tls: Tls::Off,
            plain: PlainHttp::LoopbackOnly,
            session: Duration::from_secs(168 * 3600),
            upload_max_bytes: 100_000_000_000,
            upload_quota_bytes: 500_000_000_000,
            upload_keep: Duration::from_secs(48 * 3600),
            oidc: None,
        }
    );
    assert_eq!(
        config.log,
        LogConfig {
            keep_days: 14,
            level: "info".into(),
            format: LogFormat::Text,
        }
    );
}

#[test]
fn good_values_are_taken() {
    for line in [
        "sweep_seconds = 0.2",
        "sweep_seconds = 86400",
        "extensions = [\".MP4\", \"mkv\"]",
        "extensions = \"mp4, .mkv mov\"",
        "min_free_bytes = 0",
        "min_free_bytes = \"10GiB\"",
        "min_free_bytes = \"500 mb\"",
        "min_free_bytes = \"1.5TiB\"",
        "output_mode = \"0644\"",
        "output_mode = \"660\"",
        "output_group = \"media\"",
        "output_group = \"100\"",
        "ntfy_events = []",
        "ntfy_events = [\"failed\", \"disk_low\"]",
        "ntfy_base_url = \"http://10.0.0.2:8080/\"",
        "ntfy_topic = \"a-B_9\"",
        "ntfy_token = \"tk_x\"",
        "log_level = \"info,video_compressor::watch=debug\"",
        "archive_dir = \"done\"",
        "archive_dir = \"input/.x/done\"",
        "input = \"output-not/in\"",
        "max_pixels = 268435455",
        "profile = \"slow\"",
        "[profiles.mine]",
        "[resolution.1440]",
        "resolution.720.profile = \"fast\"",
        "http.listen = \"[::1]:0\"",
        "http.public_url = \"https://videos.example.org:8443/\"",
        "http.allowed_hosts = [\"NAS.local\", \"10.0.0.2\", \"::1\"]",
        "http.trusted_proxies = [\"10.0.0.7\", \"fd00::/8\"]",
        "http.listen = \"0.0.0.0:8265\"",
        "[http]\nenabled = true\nlisten = \"0.0.0.0:8265\"\nallow_plain = true",
        "[http]\nenabled = true\nlisten = \"0.0.0.0:8265\"\ntls = \"self-signed\"",
        "[http]\ntls = \"files\"\ntls_certificate = \"c.pem\"\ntls_key = \"k.pem\"",
        "[http]\noidc_issuer = \"https://id.example.org/x\"\noidc_client_id = \"vc\"\npublic_url = \"https://v\"",
        "webhook_urls = [\"https://hooks.example.org/a?b=c\"]\nwebhook_secret = \"k\"",
        "email_server = \"smtp://127.0.0.1\"\nemail_from = \"v@a.org\"\nemail_to = [\"m@a.org\"]\nemail_user = \"u\"\nemail_password = \"p\"",
        "email_server = \"smtp://localhost\"\nemail_from = \"V <v@a.org>\"\nemail_to = [\"Me Too <m@a.org>\", \"n@a.org\"]",
    ] {
        assert!(load(line).is_ok(), "{line}: {:?}", load(line));
    }
}

#[test]
fn a_bad_value_is_refused_with_line_key_value_and_what_is_allowed() {
    for (line, message) in [
        (
            "sweep_seconds = -3",
            "sweep_seconds = -3: allowed is 0.1 to 86400",
        ),
        (
            "sweep_seconds = nan",
            "sweep_seconds = nan: allowed is 0.1 to 86400",
        ),
        (
            "sweep_seconds = \"30\"",
            "sweep_seconds = \"30\": allowed is 0.1 to 86400",
        ),
        ("threads = 1.5", "threads = 1.5: allowed is 0 to 256"),
        (
            "damaged = \"lax\"",
            "damaged = \"lax\": allowed is \"strict\" or \"salvage\"",
        ),
        (
            "verify = true",
            "allowed is \"auto\", \"fast\" or \"full\" (this is a boolean, not text in quotes)",
        ),
        ("extensions = []", "(the list is empty)"),
        ("extensions = [\"a/b\"]", "(\"a/b\" is not an extension)"),
        ("output_mode = \"0888\"", "allowed is an octal mode"),
        (
            "output_mode = \"0044\"",
            "(the owner must be able to read and write)",
        ),
        (
            "min_free_bytes = -1",
            "min_free_bytes = -1: allowed is a number of bytes",
        ),
        ("min_free_bytes = \"1G\"", "allowed is a number of bytes"),
        ("min_free_bytes = \"1.2.3GB\"", "allowed is a number of bytes"),
        (
            "min_free_bytes = \"99999999999TiB\"",
            "allowed is a number of bytes",
        ),
        (
            "max_pixels = 900000000",
            "max_pixels = 900000000: allowed is 4096 to 268435455",
        ),
        (
            "max_pixels = 99999999999999999999",
            "max_pixels = …: allowed is 4096 to 268435455",
        ),
        (
            "input = \"~/Videos\"",
            "(`~` is not expanded here: write the whole path)",
        ),
        ("input = \"\"", "(it is empty)"),
        (
            "ntfy_base_url = \"ftp://x\"",
            "ntfy_base_url = \"ftp://x\": allowed is an http:// or",
        ),
        (
            "ntfy_base_url = \"https://x/?a=b\"",
            "(it holds a query, a fragment or a user name)",
        ),
        (
            "ntfy_base_url = \"ntfy.sh\"",
            "allowed is an http:// or https:// address",
        ),
        (
            "ntfy_topic = \"a\\nb\"",
            "ntfy_topic = …: allowed is up to 64 letters",
        ),
        (
            "ntfy_token = \"geheim\\n\"",
            "ntfy_token = …: allowed is an access token",
        ),
        ("ntfy_events = [\"finished\"]", "(there is no event \"finished\")"),
        ("log_level = \"infoo\"", "(\"infoo\" is not a level)"),
        (
            "log_level = \"[Ya)e{n= eyerr+++.................................444444++++++++++++++++++++fgo}\"",
            "(spans and fields cannot be chosen; write module=level)",
        ),
        ("log_level = \" ꟓ=\"", "(module names have only ASCII letters)"),
        (
            "conf = \"x\"",
            "cannot be set in the file that lies in it; use --set conf or $VIDEO_COMPRESSOR_CONF",
        ),
        (
            "profile = \"quick\"",
            "there is no profile \"quick\"; the profiles are fast, medium, slow",
        ),
        ("profiles.quick = 3", "profiles.quick is not a section"),
        ("profiles.\"a b\".crf = 3", "[profiles.a b]: allowed as a name is"),
        (
            "profiles.medium.crf = 52",
            "profiles.medium.crf = 52: allowed is 0 to 51",
        ),
        (
            "profiles.medium.target = { metric = \"psnr\", value = 40 }",
            "metric is ssim_db (5 to 50), vmaf (1 to 100) or xpsnr (10 to 80)",
        ),
        (
            "profiles.medium.target = { metric = \"ssim_db\", value = 0.98 }",
            "metric is ssim_db (5 to 50)",
        ),
        (
            "profiles.medium.target = { metric = \"vmaf\" }",
            "value is missing",
        ),
        (
            "profiles.medium = { crf = 20, target = { metric = \"vmaf\", value = 95 } }",
            "crf and target are both set; leave one of them out",
        ),
        (
            "profiles.medium = { crf_min = 30, crf_max = 20 }",
            "crf_min = 30 is above crf_max = 20",
        ),
        (
            "quality_floor = 15\nmeasure_quality = \"off\"",
            "what is not measured cannot be judged",
        ),
        (
            "profiles.medium.preset = \"best\"",
            "allowed is ultrafast, superfast",
        ),
        (
            "profiles.medium.audio = \"mp3\"",
            "allowed is \"aac\" or \"copy\"",
        ),
        (
            "profiles.medium.cfr = 20",
            "unknown key profiles.medium.cfr; allowed is based_on, preset, crf, target, crf_min, crf_max, x265_params, audio",
        ),
        (
            "profiles.x.sweep_seconds = 2",
            "if you mean the setting sweep_seconds, move it above",
        ),
        (
            "profile.x.crf = 3",
            "profile chooses one; to describe one, write [profiles.NAME]",
        ),
        ("profiles = 3", "profiles is a section"),
        ("resolution = 3", "resolution is a section"),
        ("[resolution.99]", "[resolution.99]: allowed is an even height"),
        ("resolution.720 = \"fast\"", "resolution.720 is not a section"),
        (
            "resolution.720.profile = \"quick\"",
            "there is no profile \"quick\"; the profiles are fast",
        ),
        ("resolution.720.crf = 3", "unknown key resolution.720.crf"),
        (
            "sweep_second = 3",
            "unknown key sweep_second; did you mean sweep_seconds?",
        ),
        ("zzz = 3", "unknown key zzz"),
        ("http = true", "http is a section; write [http]"),
        (
            "http.listn = 3",
            "unknown key http.listn; did you mean http.listen?",
        ),
        ("http.nice = 3", "if you mean the setting nice, move it above"),
        ("\"http.listen\" = \"[::1]:1\"", "unknown key http.listen"),
        (
            "http.listen = 8265",
            "http.listen = 8265: allowed is an address and a port",
        ),
        ("http.listen = \"localhost\"", "allowed is an address and a port"),
        (
            "http.public_url = \"https://a/videos\"",
            "it holds a path or a query",
        ),
        (
            "http.public_url = \"ftp://a\"",
            "allowed is an http:// or https:// address",
        ),
        ("http.allowed_hosts = [\"a/b\"]", "\"a/b\" is neither"),
        (
            "http.trusted_proxies = [\"10.0.0.0/33\"]",
            "\"10.0.0.0/33\" is neither",
        ),
        ("http.tls = \"files\"", "needs tls_certificate and tls_key"),
        (
            "http = { enabled = true, listen = \"0.0.0.0:8265\" }",
            "passwords could be read on the way; set http.tls",
        ),
        ("http.oidc_issuer = \"https://a\"", "needs oidc_client_id"),
        ("http.oidc_issuer = \"http://id.lan\"", "only for this machine"),
        (
            "http = { oidc_issuer = \"https://a\", oidc_client_id = \"v\" }",
            "http.oidc_issuer needs public_url",
        ),
        (
            "webhook_urls = [\"https://u:geheim@a/\"]",
            "webhook_urls = …: allowed is",
        ),
        (
            "webhook_urls = [\"https://a/geheim#x\"]",
            "it holds a user name or a fragment",
        ),
        (
            "webhook_urls = [\"https://a/geheim\"]",
            "webhook_urls needs webhook_secret",
        ),
        (
            "email_server = \"smtp://a\"\nemail_from = \"v@a.org\"\nemail_to = [\"m@a.org\"]\nemail_user = \"u\"\nemail_password = \"geheim\"",
            "would send the password in the clear",
        ),
        ("email_server = \"imap://a\"", "allowed is an address such as"),
        (
            "email_server = \"smtp://a\"",
            "email_server needs email_from and email_to",
        ),
        ("email_to = [\"nobody\"]", "\"nobody\" is no address"),
        ("email_user = \"u\"", "email_user needs email_password"),
        (
            "resolutions.720.profile = 3",
            "unknown key resolutions; did you mean resolution?",
        ),
        ("ntfy_topic = \"geheim", "not valid TOML:"),
        ("threads = 1\nthreads = 2", "not valid TOML: duplicate key"),
    ] {
        let text = error(&format!("# A comment\n{line}\n"));
        assert!(text.contains(message), "{line}: {text}");
        assert!(
            text.starts_with("conf/video-compressor.toml:2: ") || line.contains('\n'),
            "{text}"
        );
        assert!(!text.contains("geheim"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn both_ends_of_every_range_are_taken_and_what_lies_beyond_is_refused() {
    let mut ranges = 0;
    for setting in SETTINGS {
        let Some((least, most)) = setting.allowed.split_once(" to ") else {
            continue;
        };
        let (Ok(least), Ok(most)) = (least.parse::<f64>(), most.parse::<f64>()) else {
            continue;
        };
        ranges += 1;
        for (number, is_allowed) in [
            (least, true),
            (most, true),
            (least - 0.1, false),
            (most + 1.0, false),
        ] {
            let loaded = load(&format!("{} = {number}", setting.key));
            assert_eq!(loaded.is_ok(), is_allowed, "{} = {number}", setting.key);
        }
    }
    assert!(ranges > 10);
}

#[test]
fn all_problems_of_all_sources_are_reported_at_once_in_order() {
    let root = Root::new("sweep_seconds = 0\nfoo = 1\nnice = 99\n");
    let error = root
        .load(
            &[
                ("PROFILE", "quick"),
                ("CHECK_INTERVAL", "soon"),
                ("VIDEO_COMPRESSOR_NTFY_TOPC", "x"),
            ],
            &[("threads", "many"), ("swep_seconds", "3")],
        )
        .unwrap_err()
        .to_string();
    assert_eq!(
        error.lines().collect::<Vec<_>>(),
        [
            "conf/video-compressor.toml:1: sweep_seconds = 0: allowed is 0.1 to 86400",
            "conf/video-compressor.toml:2: unknown key foo",
            "conf/video-compressor.toml:3: nice = 99: allowed is 0 to 19",
            "$CHECK_INTERVAL: check_interval_seconds = \"soon\": allowed is 0.1 to 86400",
            "$PROFILE: there is no profile \"quick\"; the profiles are fast, medium, slow",
            "$VIDEO_COMPRESSOR_NTFY_TOPC: there is no such setting; did you mean VIDEO_COMPRESSOR_NTFY_TOPIC?",
            "--set swep_seconds: unknown key swep_seconds; did you mean sweep_seconds?",
            "--set threads: threads = \"many\": allowed is 0 to 256",
        ]
    );
}

#[test]
fn the_later_of_default_file_environment_and_flag_wins() {
    let root = Root::new("nice = 1\nthreads = 1\nsweep_seconds = 1\n");
    let loaded = root
        .load(
            &[
                ("VIDEO_COMPRESSOR_THREADS", "2"),
                ("VIDEO_COMPRESSOR_SWEEP_SECONDS", "2.5"),
                ("VIDEO_COMPRESSOR_NICE", ""),
                ("VIDEO_COMPRESSOR_ROOT", "/elsewhere"),
                ("HOME", "/root"),
            ],
            &[("sweep_seconds", "3"), ("include_names", "false")],
        )
        .unwrap();
    let config = &loaded.config;
    assert_eq!((config.encode.priority.nice, config.encode.threads), (1, 2));
    assert_eq!(config.watch.sweep, Duration::from_secs(3));
    assert!(!config.alerts.include_names);
    let origin = |key: &str| loaded.entries[key].origin.to_string();
    assert_eq!(origin("nice"), "conf/video-compressor.toml:1");
    assert_eq!(origin("threads"), "$VIDEO_COMPRESSOR_THREADS");
    assert_eq!(origin("sweep_seconds"), "--set sweep_seconds");
    assert_eq!(origin("stall_seconds"), "default");
}

#[test]
fn older_variables_are_read_and_the_systematic_name_wins_over_them() {
    let root = Root::new("");
    let environment = [
        ("NTFY_BASE_URL", "http://ntfy.local/"),
        ("NTFY_TOPIC", "t"),
        ("VIDEO_EXT", ".mp4,MKV mov"),
        ("PROFILE", "fast"),
        ("CHECK_INTERVAL", "0.5"),
    ];
    let loaded = root.load(&environment, &[]).unwrap();
    let config = loaded.config;
    assert_eq!(config.alerts.base_url, "http://ntfy.local");
    assert_eq!(config.alerts.topic.as_deref(), Some("t"));
    assert_eq!(
        config.watch.extensions.iter().collect::<Vec<_>>(),
        ["mkv", "mov", "mp4"]
    );
    assert_eq!(config.encode.default_profile, "fast");
    assert_eq!(config.queue.check_interval, Duration::from_millis(500));
    assert_eq!(loaded.entries["profile"].origin.to_string(), "$PROFILE");

    let both = [("PROFILE", "fast"), ("VIDEO_COMPRESSOR_PROFILE", "slow")];
    assert_eq!(
        root.load(&both, &[]).unwrap().config.encode.default_profile,
        "slow"
    );
}

#[test]
fn every_setting_can_be_given_by_a_variable_and_by_a_flag_with_its_default() {
    let root = Root::new("");
    let defaults = root.load(&[], &[]).unwrap();
    for setting in SETTINGS {
        let text = match setting.default.parse::<toml::Value>().unwrap() {
            toml::Value::String(text) => text,
            toml::Value::Array(words) => {
                let words: Vec<&str> = words.iter().filter_map(toml::Value::as_str).collect();
                words.join(", ")
            }
            other => other.to_string(),
        };
        let by_variable = root.load(&[(&setting.variable(), &text)], &[]).unwrap();
        let by_flag = root.load(&[], &[(setting.key, &text)]).unwrap();
        assert_eq!(by_variable.config, defaults.config, "{}", setting.key);
        assert_eq!(by_flag.config, defaults.config, "{}", setting.key);
        assert_ne!(by_flag.entries[setting.key].origin, Origin::Default);
    }
}

#[test]
fn profiles_and_resolutions_come_from_sections() {
    let config = config(
        "profile = \"mine\"\n[profiles.medium]\ncrf = 22\n[profiles.mine]\nbased_on = \"fast\"\naudio = \"copy\"\n\
         [resolution.2160]\nprofile = \"slow\"\n[resolution.720]\nprofile = \"mine\"\n[resolution.1440]\n",
    );
    let profiles = &config.encode.profiles;
    assert_eq!(
        (profiles["medium"].crf, profiles["medium"].preset.as_str()),
        (22.0, "medium")
    );
    assert_eq!(
        (profiles["mine"].crf, profiles["mine"].audio),
        (28.0, AudioPolicy::Copy)
    );
    assert_eq!(
        config.watch.resolutions,
        [480, 720, 1080, 1440, 2160].map(Resolution).into()
    );
    let by_resolution = [(Resolution(2160), "slow"), (Resolution(720), "mine")];
    assert_eq!(
        config.encode.resolution_profiles,
        by_resolution
            .map(|(resolution, name)| (resolution, name.to_owned()))
            .into()
    );
}

#[test]
fn folders_that_would_feed_on_each_other_are_refused() {
    for (file, message) in [
        (
            "output = \"input\"",
            "input and output must not be the same folder",
        ),
        (
            "output = \"input/out\"",
            "input and output must not be the same folder",
        ),
        (
            "output = \"x/../input/out\"",
            "input and output must not be the same folder",
        ),
        (
            "input = \"output/in\"",
            "input and output must not be the same folder",
        ),
        ("input = \".\"", "input and output must not be the same folder"),
        (
            "archive_dir = \"output/done\"",
            "archive_dir and output must not be",
        ),
        ("archive_dir = \".\"", "archive_dir and output must not be"),
        (
            "archive_dir = \"input/done\"",
            "needs a name that starts with a dot",
        ),
        ("archive_dir = \"input\"", "needs a name that starts with a dot"),
        (
            "archive_dir = \"a\"\ninput = \"a/in\"",
            "input must not lie inside archive_dir",
        ),
        ("logs = \"input/logs\"", "logs must not lie inside input"),
    ] {
        let text = error(file);
        assert!(text.contains(message), "{file}: {text}");
        assert!(text.starts_with("conf/video-compressor.toml:1: "), "{text}");
    }
}

#[test]
fn a_symlink_does_not_hide_that_output_lies_inside_input() {
    let root = Root::new("output = \"link/out\"");
    std::fs::create_dir(root.path().join("input")).unwrap();
    std::os::unix::fs::symlink("input", root.path().join("link")).unwrap();
    let error = root.load(&[], &[]).unwrap_err().to_string();
    assert!(error.contains("input and output must not be"), "{error}");
}

#[test]
fn credentials_are_a_token_or_a_user_with_a_password_given_or_in_a_file() {
    let secrets = [
        ("t", "tk_1\n"),
        ("p", "pass word\r\n"),
        ("empty", "\n"),
        ("two", "a\nb\n"),
        ("blank", "tk 1"),
    ];
    let load = |file: &str| {
        let root = Root::new(file);
        for (name, text) in secrets {
            std::fs::write(root.path().join(name), text).unwrap();
        }
        std::fs::write(root.path().join("big"), "x".repeat(5000)).unwrap();
        root.load(&[], &[]).map(|loaded| loaded.config.alerts.credentials)
    };
    let token = || Ok(Some(Credentials::Token("tk_1".into())));
    let user = |password: &str| {
        Ok(Some(Credentials::Password {
            user: "u".into(),
            password: password.into(),
        }))
    };
    assert_eq!(load("ntfy_token = \"tk_1\""), token());
    assert_eq!(load("ntfy_token_file = \"t\""), token());
    assert_eq!(load("ntfy_user = \"u\"\nntfy_password = \"p\""), user("p"));
    assert_eq!(
        load("ntfy_user = \"u\"\nntfy_password_file = \"p\""),
        user("pass word")
    );
    for (file, message) in [
        ("ntfy_token_file = \"none\"", "/none: No such file"),
        ("ntfy_token_file = \"conf\"", "/conf: Is a directory"),
        ("ntfy_token_file = \"empty\"", "/empty is empty"),
        ("ntfy_token_file = \"two\"", "/two holds more than one line"),
        ("ntfy_token_file = \"big\"", "/big holds more than 4096 bytes"),
        ("ntfy_token_file = \"blank\"", "the token holds a blank"),
        (
            "ntfy_token = \"a\"\nntfy_token_file = \"t\"",
            "are both set; keep one",
        ),
        (
            "ntfy_token = \"a\"\nntfy_user = \"u\"",
            "give either a token or a user and password",
        ),
        (
            "ntfy_token = \"a\"\nntfy_password = \"u\"",
            "give either a token or a user and password",
        ),
        ("ntfy_user = \"u\"", "ntfy_user needs ntfy_password"),
        ("ntfy_password = \"p\"", "a password needs ntfy_user"),
    ] {
        let error = load(file).unwrap_err().to_string();
        assert!(error.contains(message), "{file}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_check_across_settings_stays_silent_when_one_of_them_was_refused() {
    let text = error("ntfy_user = \"u\"\nntfy_password = \"a\\nb\"\n");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.contains("ntfy_password = …: allowed is a password on one line"),
        "{text}"
    );
}

#[test]
fn a_missing_file_is_defaults_unless_it_was_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let mut sources = Sources {
        root: root.path().into(),
        ..Sources::default()
    };
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.file_state, FileState::Missing);
    assert_eq!(loaded.file, root.path().join("conf/video-compressor.toml"));
    sources.file = Some("my.toml".into());
    let error = Config::load(&sources).unwrap_err().to_string();
    assert!(
        error.starts_with("my.toml: cannot read the settings file: No such file"),
        "{error}"
    );
    std::fs::write(root.path().join("my.toml"), b"nice = 1 # \xff").unwrap();
    assert!(Config::load(&sources).is_err());
}

#[test]
fn the_file_lies_in_the_folder_that_conf_names() {
    let root = Root::new("nice = 1");
    std::fs::create_dir(root.path().join("etc")).unwrap();
    std::fs::write(root.path().join("etc/video-compressor.toml"), "nice = 2").unwrap();
    let loaded = root.load(&[("VIDEO_COMPRESSOR_CONF", "etc")], &[]).unwrap();
    assert_eq!(loaded.config.encode.priority.nice, 2);
    assert_eq!(loaded.config.folders.conf, root.path().join("etc"));
}

#[test]
fn the_shipped_file_is_the_template() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/video-compressor.toml");
    if std::env::var_os("UPDATE_TEMPLATE").is_some() {
        std::fs::write(&path, template()).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == template(),
        "conf/video-compressor.toml differs from the table; write it anew: UPDATE_TEMPLATE=1 cargo test template"
    );
}

/// Settings lines of the template have no blank after the `#`.
fn uncommented(template: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    template.lines().map(line).collect()
}

#[test]
fn the_template_uncommented_is_the_defaults_and_the_examples() {
    let template = template();
    assert!(
        template
            .lines()
            .all(|line| line.is_empty() || line.starts_with('#'))
    );
    let text = uncommented(&template);
    let root = Root::new(&text);
    let mut loaded = root.load(&[], &[]).unwrap();
    for setting in SETTINGS.iter().filter(|setting| setting.is_allowed_in_file()) {
        assert_ne!(
            loaded.entries[setting.key].origin,
            Origin::Default,
            "{}",
            setting.key
        );
    }
    let aimed = loaded.config.encode.profiles.remove("steady").unwrap();
    assert_eq!(aimed.target.unwrap().to_string(), "SSIM 17.50 dB");
    let example = loaded.config.encode.profiles.remove("keepsake").unwrap();
    assert_eq!(
        (example.preset.as_str(), example.crf, example.audio),
        ("slow", 20.0, AudioPolicy::Copy)
    );
    assert!(loaded.config.watch.resolutions.remove(&Resolution(2160)));
    let profile = loaded.config.encode.resolution_profiles.remove(&Resolution(2160));
    assert_eq!(profile.as_deref(), Some("keepsake"));
    std::fs::write(root.path().join("conf/video-compressor.toml"), "").unwrap();
    assert_eq!(loaded.config, root.load(&[], &[]).unwrap().config);
}

#[test]
fn secrets_show_nowhere() {
    let root = Root::new(
        "ntfy_topic = \"geheim\"\nntfy_user = \"u\"\nwebhook_urls = [\"https://a/geheim\"]\nwebhook_secret = \"geheim\"\n\
         email_server = \"smtps://a\"\nemail_from = \"a@b.c\"\nemail_to = [\"a@b.c\"]\nemail_user = \"u\"\n\
         email_password = \"geheim\"\n[http]\noidc_issuer = \"https://a\"\noidc_client_id = \"v\"\n\
         oidc_client_secret = \"geheim\"\npublic_url = \"https://a\"\n",
    );
    let loaded = root
        .load(&[("VIDEO_COMPRESSOR_NTFY_PASSWORD", "geheim")], &[])
        .unwrap();
    let everything = format!("{:?}\n{:?}\n{}", loaded, show(&loaded), show_json(&loaded));
    assert!(!everything.contains("geheim"), "{everything}");
    let row = |key: &str| show(&loaded).into_iter().find(|row| row.key == key).unwrap();
    assert_eq!(row("ntfy_topic").value.as_str(), Some("…"));
    assert_eq!(row("ntfy_token").value.as_str(), Some(""));
    assert_eq!(row("webhook_urls").value.as_str(), Some("…"));
}

#[test]
fn show_lists_every_setting_profile_and_resolution_with_its_origin() {
    let root = Root::new("[profiles.fast]\ncrf = 30\n[resolution.720]\nprofile = \"fast\"\n");
    let loaded = root.load(&[], &[]).unwrap();
    let rows = show(&loaded);
    assert_eq!(rows.len(), SETTINGS.len() + 3 * 4 + 3);
    let row = |key: &str| -> &Row { rows.iter().find(|row| row.key == key).unwrap() };
    assert_eq!(row("input").value.as_str(), root.path().join("input").to_str());
    assert_eq!(row("profiles.fast.crf").value.as_float(), Some(30.0));
    assert_eq!(
        row("profiles.fast.crf").origin.to_string(),
        "conf/video-compressor.toml:2"
    );
    assert_eq!(row("profiles.fast.preset").origin, Origin::Default);
    assert_eq!(row("resolution.720.profile").value.as_str(), Some("fast"));
    assert_eq!(row("resolution.480.profile").value.as_str(), Some("medium"));
    let json = show_json(&loaded);
    assert_eq!(json["settings"]["sweep_seconds"]["value"], 30);
    assert_eq!(json["settings"]["sweep_seconds"]["origin"], "default");
}

#[test]
fn only_changes_that_cannot_be_taken_over_ask_for_a_restart() {
    let root = Root::new("");
    let old = root.load(&[], &[]).unwrap();
    let live = root.load(&[], &[("nice", "3"), ("profile", "fast")]).unwrap();
    assert!(changes_needing_restart(&old, &live).is_empty());
    let folders = root
        .load(&[], &[("input", "in"), ("log_format", "json"), ("nice", "3")])
        .unwrap();
    assert_eq!(changes_needing_restart(&old, &folders), ["input", "log_format"]);
}

#[test]
fn the_table_is_in_order() {
    let mut names: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    names.extend(
        SETTINGS
            .iter()
            .flat_map(|setting| setting.older_variables)
            .map(|name| (*name).to_owned()),
    );
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two settings share a variable");
    let events = setting("ntfy_events").unwrap();
    for kind in AlertKind::ALL {
        assert!(events.allowed.contains(kind.name()) && events.default.contains(kind.name()));
    }
    for setting in SETTINGS {
        assert!(
            !setting.doc.is_empty() && !setting.allowed.ends_with('.'),
            "{}",
            setting.key
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_it_panic(file in any::<String>(), variable in any::<String>(), position in 0..SETTINGS.len()) {
        let setting = &SETTINGS[position];
        let variable = variable.replace('\0', "");
        // Whatever it says, it says it; the point is that it comes back.
        let _ = Root::new(&file).load(&[(&setting.variable(), &variable)], &[(setting.key, &file)]);
    }

    #[test]
    fn no_value_of_a_known_key_makes_it_panic(
        position in 0..SETTINGS.len(),
        value in prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("{number:?}")),
            "\\PC{0,20}".prop_map(|text| toml::Value::from(text).to_string()),
            "[0-9.]{0,6} ?[KMGT]?i?B".prop_map(|text| toml::Value::from(text).to_string()),
            Just("{ a = [1, {}] }".to_owned()),
            Just("1979-05-27T07:32:00Z".to_owned()),
        ],
    ) {
        let loaded = load(&format!("{} = {value}\n[profiles.x]\ncrf = {value}\n", SETTINGS[position].key));
        if let Err(error) = loaded {
            prop_assert!(error.to_string().chars().all(|letter| letter == '\n' || !letter.is_control()));
        }
    }
}
