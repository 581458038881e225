//! `doctor` and `notify-test`: is everything there that the service needs, and how to mend what is not.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use super::{Exit, Outcome, print, print_json, setup::Setup, status::running_pid};
use crate::{
    access, alerts,
    config::{Config, EncodeConfig, FileState, Http, Profile, Tls},
    confine::{self, Confinement},
    encode::tools,
    http::fingerprint,
    process::Cancel,
    publish, quality,
    queue::Files,
    task::Shown,
};

/// No clock of a working machine shows an earlier time: 2026-01-01, before the first release.
const EARLIEST_CLOCK_SECONDS: u64 = 1_767_225_600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    /// It works, but not as well as it could.
    Warning,
    Bad,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    grade: Grade,
    text: String,
}

impl Finding {
    fn good(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            what,
            grade: Grade::Good,
            text: text.into(),
        }
    }

    fn warning(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            what,
            grade: Grade::Warning,
            text: text.into(),
        }
    }

    fn bad(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            what,
            grade: Grade::Bad,
            text: text.into(),
        }
    }
}

/// `doctor`
pub fn doctor(setup: &Setup, json: bool) -> Outcome {
    let (loaded, files) = setup.for_reading()?;
    let config = &loaded.config;
    let mut findings = vec![match loaded.file_state {
        FileState::Read => Finding::good("settings", Shown(&loaded.file).to_string()),
        FileState::Missing => Finding::good(
            "settings",
            "no settings file, defaults are in force (`config template` prints one)",
        ),
    }];
    findings.extend(encoder(&config.encode));
    findings.push(confinement(&config.encode));
    findings.extend(
        unmeasurable_targets(&config.encode)
            .into_iter()
            .map(|problem| Finding::bad("target", problem)),
    );
    findings.extend(
        refused_profiles(&config.encode)
            .into_iter()
            .map(|problem| Finding::bad("profile", problem)),
    );
    findings.extend(folders(config));
    findings.push(space(config));
    findings.push(watches(&config.folders.input));
    findings.push(clock());
    findings.push(lock(&files));
    findings.push(ntfy(config));
    findings.push(http(config));
    let is_bad = findings.iter().any(|finding| finding.grade == Grade::Bad);
    if json {
        let rows: Vec<_> = findings
            .iter()
            .map(|finding| {
                let grade = match finding.grade {
                    Grade::Good => "good",
                    Grade::Warning => "warning",
                    Grade::Bad => "bad",
                };
                serde_json::json!({ "check": finding.what, "grade": grade, "text": finding.text })
            })
            .collect();
        print_json(&serde_json::json!({ "ok": !is_bad, "checks": rows }));
    } else {
        for Finding { what, grade, text } in &findings {
            let mark = match grade {
                Grade::Good => "ok  ",
                Grade::Warning => "note",
                Grade::Bad => "BAD ",
            };
            print(&format!("{mark}  {what}: {text}\n"));
        }
    }
    Ok(if is_bad { Exit::Failed } else { Exit::Done })
}

fn encoder(config: &EncodeConfig) -> Vec<Finding> {
    let version = tools::ffmpeg_version(config);
    vec![match tools::encoder_works(config) {
        Ok(()) => Finding::good("ffmpeg", format!("{version}; a test encode with libx265 worked")),
        Err(unusable) => Finding::bad("ffmpeg", unusable.to_string()),
    }]
}

/// Whether ffmpeg is kept from a file that it was not given, found out by trying.
fn confinement(config: &EncodeConfig) -> Finding {
    const WHAT: &str = "confinement";
    const OTHER: &str = "/etc/passwd";
    if config.confinement == Confinement::Off {
        let text = "off (confine): a manipulated film may reach what this user can";
        return Finding::warning(WHAT, text);
    }
    let reading = "-hide_banner -nostdin -v error -f rawvideo -video_size 2x2 -i";
    let command = config.ffmpeg().arguments(reading.split(' ')).arguments([
        format!("file:{OTHER}").as_str(),
        "-frames:v",
        "1",
        "-f",
        "null",
        "-",
    ]);
    match tools::first_line(command) {
        Err(tools::Problem::Fails(line)) if line.contains("Permission denied") => {
            let network = if confine::version() >= confine::CLOSES_TCP {
                "and no network"
            } else {
                "but the network is open to it (Linux 6.7 or newer can close it)"
            };
            let text = format!("ffmpeg reaches only the files that it is to read and write, {network}");
            Finding::good(WHAT, text)
        }
        Err(tools::Problem::Missing(_)) => Finding::warning(WHAT, "not known without ffmpeg"),
        Ok(_) | Err(tools::Problem::Fails(_)) => Finding::warning(
            WHAT,
            "this system cannot confine ffmpeg (Linux 5.13 or newer with Landlock can): a manipulated film may reach \
             what this user can",
        ),
    }
}

/// One sentence for each profile that aims at what this ffmpeg cannot measure. ffmpeg is asked only when a profile has a
/// target; where it cannot be asked, [`tools::encoder_works`] says why.
pub fn unmeasurable_targets(config: &EncodeConfig) -> Vec<String> {
    let aims = || {
        config
            .profiles
            .values()
            .filter_map(|profile| Some((profile, profile.target?.metric)))
    };
    if aims().next().is_none() {
        return Vec::new();
    }
    let Ok(measures) = quality::available(config, &Cancel::new()) else {
        return Vec::new();
    };
    aims()
        .filter(|(_, metric)| !measures.has(*metric))
        .map(|(profile, metric)| quality::lacks(&profile.name, metric, &config.ffmpeg_path))
        .collect()
}

/// One sentence for each profile that x265 does not take: some presets and parameters do not go together. Where ffmpeg
/// itself does not work, [`tools::encoder_works`] says why.
pub fn refused_profiles(config: &EncodeConfig) -> Vec<String> {
    if tools::encoder_works(config).is_err() {
        return Vec::new();
    }
    let picture =
        "-hide_banner -nostdin -v error -f lavfi -i testsrc=size=256x144:rate=5:duration=1 -c:v libx265";
    let refused = |profile: &Profile| {
        let crf = profile.crf.to_string();
        let parameters = [profile.x265_params.as_str(), "log-level=error"];
        let parameters = parameters
            .map(str::trim)
            .into_iter()
            .filter(|part| !part.is_empty());
        let parameters = parameters.collect::<Vec<_>>().join(":");
        let of_profile = [
            "-preset",
            &profile.preset,
            "-crf",
            &crf,
            "-x265-params",
            &parameters,
            "-f",
            "null",
            "-",
        ];
        let arguments: Vec<&str> = picture.split(' ').chain(of_profile).collect();
        let Err(tools::Problem::Fails(line)) = tools::first_line(config.ffmpeg().arguments(arguments)) else {
            return None;
        };
        Some(format!(
            "profile {}: {line}; change its preset or its x265_params",
            profile.name
        ))
    };
    config.profiles.values().filter_map(refused).collect()
}

fn folders(config: &Config) -> Vec<Finding> {
    use rustix::fs::{Access, access};
    let folders = &config.folders;
    let mut findings = Vec::new();
    for (what, folder) in [
        ("input", &folders.input),
        ("output", &folders.output),
        ("conf", &folders.conf),
        ("logs", &folders.logs),
    ] {
        findings.push(match folder.metadata() {
            Ok(metadata) if !metadata.is_dir() => Finding::bad(
                what,
                format!("{} is no folder; move it away or choose another", Shown(folder)),
            ),
            Ok(_)
                if access(
                    folder.as_path(),
                    Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
                )
                .is_err() =>
            {
                Finding::bad(
                    what,
                    format!(
                        "{} cannot be written by this user; `chown` it, or run as its owner",
                        Shown(folder)
                    ),
                )
            }
            Ok(_) => Finding::good(what, Shown(folder).to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Finding::warning(
                what,
                format!("{} is not there yet; `run` makes it", Shown(folder)),
            ),
            Err(error) => Finding::bad(what, format!("{}: {error}", Shown(folder))),
        });
    }
    findings
}

fn space(config: &Config) -> Finding {
    let needed = config.publish.min_free_bytes;
    let existing = config
        .folders
        .output
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("/"));
    match publish::free_bytes(existing) {
        Ok(free) if free < needed => Finding::bad(
            "space",
            format!(
                "{} free where output/ is, min_free_bytes asks for {}; make room or lower it",
                indicatif::DecimalBytes(free),
                indicatif::DecimalBytes(needed)
            ),
        ),
        Ok(free) => Finding::good(
            "space",
            format!("{} free where output/ is", indicatif::DecimalBytes(free)),
        ),
        Err(error) => Finding::bad("space", error.to_string()),
    }
}

fn watches(input: &Path) -> Finding {
    let Some(limit) = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches")
        .ok()
        .and_then(|text| text.trim().parse::<usize>().ok())
    else {
        return Finding::good("watching", "this system has no inotify limit to look at");
    };
    let folders = walkdir::WalkDir::new(input)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_dir())
        .count();
    // Other programs of the user share the limit.
    if folders * 2 > limit {
        Finding::warning(
            "watching",
            format!(
                "input/ has {folders} folders, the system allows {limit} watches for each user; raise it with `sysctl fs.inotify.max_user_watches={}` (and in /etc/sysctl.d/)",
                (folders * 4).next_power_of_two()
            ),
        )
    } else {
        Finding::good(
            "watching",
            format!("{folders} folders of at most {limit} that can be watched"),
        )
    }
}

fn clock() -> Finding {
    let earliest = SystemTime::UNIX_EPOCH + Duration::from_secs(EARLIEST_CLOCK_SECONDS);
    let now = jiff::Timestamp::now();
    if SystemTime::now() < earliest {
        Finding::bad(
            "clock",
            format!("it shows {now}, which is past; set it, or turn on NTP (`timedatectl set-ntp true`)"),
        )
    } else {
        Finding::good("clock", now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
    }
}

fn lock(files: &Files) -> Finding {
    match running_pid(files) {
        Some(pid) => Finding::good("lock", format!("the service runs (pid {pid})")),
        None => Finding::good("lock", "free: no service works with this root"),
    }
}

fn ntfy(config: &Config) -> Finding {
    if config.alerts.topic.is_none() {
        return match alerts::names(&config.alerts).join(", ") {
            names if names.is_empty() => {
                Finding::warning("ntfy", "off; set ntfy_topic to get alerts on your phone")
            }
            names => Finding::good("ntfy", format!("off; alerts go to {names}")),
        };
    }
    let report = alerts::reach(&config.alerts);
    if report.delivered {
        Finding::good(
            "ntfy",
            format!(
                "{} answers; `notify-test` sends a message",
                config.alerts.base_url
            ),
        )
    } else {
        Finding::warning("ntfy", format!("{}: {}", report.body, report.hint))
    }
}

/// Where the API is reached, by which certificate, and by whom.
fn http(config: &Config) -> Finding {
    const WHAT: &str = "http";
    let http = &config.http;
    if http.enabled == Http::Off {
        return Finding::good(WHAT, "off; http.enabled = true turns the API on");
    }
    let files = access::Files::new(&config.folders.conf);
    let users = match access::read(&files) {
        Ok(accounts) => accounts.users().len(),
        Err(error) => return Finding::bad(WHAT, error.to_string()),
    };
    let tls = match (fingerprint(http, &config.folders.conf), &http.tls) {
        (Err(error), _) => return Finding::bad(WHAT, error.to_string()),
        (Ok(Some(print)), _) => format!("TLS by a certificate with the SHA-256 fingerprint {print}"),
        (Ok(None), Tls::SelfSigned) => "TLS by a certificate that the first start makes".to_owned(),
        (Ok(None), Tls::Off | Tls::Files { .. }) => "no TLS".to_owned(),
    };
    let place = format!("{}, {tls}", http.listen);
    match users {
        0 => Finding::warning(
            WHAT,
            format!(
                "{place}; nobody may use it: make a user (`video-compressor user add NAME --role admin`), or take the token \
                 in {}",
                Shown(&files.setup_token())
            ),
        ),
        users => Finding::good(WHAT, format!("{place}; users: {users}")),
    }
}

/// `notify-test`
pub fn notify_test(setup: &Setup) -> Outcome {
    let (loaded, _) = setup.for_reading()?;
    let tests = alerts::test(&loaded.config.alerts, &alerts::Means::ALL);
    if tests.is_empty() {
        print("alerts are off: set a topic (ntfy_topic), webhook_urls or email_server in the settings\n");
        return Ok(Exit::Failed);
    }
    for test in &tests {
        print(&format!("{test}\n"));
    }
    Ok(if tests.iter().all(|test| test.report.delivered) {
        Exit::Done
    } else {
        Exit::Failed
    })
}
