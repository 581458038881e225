//! Other programs that encode with x265, on the films of the engine's rows and with the service's own encoder options: how
//! long each takes, and what comes out. Rows whose program is not installed are skipped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use super::{
    Outcome,
    engine::{FOREIGN_SHARE_LIMIT, LONG_SECONDS, ROUNDS, commands, cores, put, serve, ssim_db, succeed},
    load::Load,
    rounds::{Figure, NotInstalled, Round, Row, Sample},
    service::Root,
};

const SD: (u32, u32) = (854, 480);
const FULL_HD: (u32, u32) = (1920, 1080);
const FOUR_FILMS: [u32; 4] = [60; 4];
const ONE_FILM: [u32; 1] = [LONG_SECONDS];

pub const HANDBRAKE_480: Row = row(
    "handbrake480",
    &figures("four equal films, 480p medium, against HandBrakeCLI one at a time"),
    || against(&HANDBRAKE, SD, &FOUR_FILMS),
);

pub const HANDBRAKE_1080: Row = row(
    "handbrake1080",
    &figures("four equal films, 1080p medium, against HandBrakeCLI one at a time"),
    || against(&HANDBRAKE, FULL_HD, &FOUR_FILMS),
);

pub const AV1AN_480: Row = row(
    "av1an480",
    &figures("one film of 150 s, 480p medium, against Av1an with its own number of workers"),
    || against(&AV1AN, SD, &ONE_FILM),
);

pub const AV1AN_1080: Row = row(
    "av1an1080",
    &figures("one film of 150 s, 1080p medium, against Av1an with its own number of workers"),
    || against(&AV1AN, FULL_HD, &ONE_FILM),
);

pub const AV1AN_WORKERS_480: Row = row(
    "av1anworkers480",
    &figures("one film of 150 s, 480p medium, against Av1an with a worker for each core"),
    || against(&AV1AN_WITH_WORKERS, SD, &ONE_FILM),
);

const fn row(name: &'static str, figures: &'static [Figure], round: fn() -> Outcome<Round>) -> Row {
    Row {
        name,
        figures,
        rounds: ROUNDS,
        foreign_share_limit: FOREIGN_SHARE_LIMIT,
        round,
    }
}

const fn figures(title: &'static str) -> [Figure; 4] {
    const fn told(title: &'static str, unit: &'static str) -> Figure {
        Figure {
            title,
            unit,
            limit: None,
            rival: "",
        }
    }
    [
        told(title, "x"),
        Figure {
            rival: "the rival's",
            ..told("  the service's seconds", "s")
        },
        told("  bytes more than the rival's", "%"),
        told("  SSIM above the rival's", "dB"),
    ]
}

/// Another program.
struct Rival {
    /// All that it needs, itself first.
    programs: &'static [&'static str],
    command: fn(&Job) -> Command,
}

const HANDBRAKE: Rival = Rival {
    programs: &["HandBrakeCLI"],
    command: handbrake,
};

const AV1AN: Rival = Rival {
    programs: &["av1an", "x265", "mkvmerge"],
    command: av1an,
};

const AV1AN_WITH_WORKERS: Rival = Rival {
    command: |job| {
        let mut command = av1an(job);
        command.args(["--workers", &cores().to_string()]);
        command
    },
    ..AV1AN
};

/// One film, and how to encode it.
struct Job {
    source: PathBuf,
    result: PathBuf,
    preset: String,
    crf: String,
    /// x265's options beside these, names and values.
    options: Vec<(String, String)>,
}

impl Job {
    /// With what the service's own command says.
    fn of(command: &str, source: PathBuf, result: PathBuf) -> Outcome<Self> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let value = |option: &str| {
            let pair = words.windows(2).find(|pair| pair[0] == option);
            pair.map(|pair| pair[1].to_owned())
                .ok_or_else(|| format!("no {option} in {command}"))
        };
        let options = value("-x265-params:0")?
            .split(':')
            .filter_map(|option| option.split_once('='))
            // Every program knows the film's rate by itself.
            .filter(|(name, _)| *name != "fps")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self {
            source,
            result,
            preset: value("-preset:0")?,
            crf: value("-crf:0")?,
            options,
        })
    }
}

/// Without its cropping and its look at ten places of the film, which serves that.
fn handbrake(job: &Job) -> Command {
    let options: Vec<String> = job
        .options
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut command = Command::new("HandBrakeCLI");
    command.arg("-i").arg(&job.source).arg("-o").arg(&job.result);
    command.args([
        "--format",
        "av_mkv",
        "--crop-mode",
        "none",
        "--previews",
        "1:0",
        "--vfr",
    ]);
    command.args(["--encoder", "x265", "--encoder-preset", &job.preset]);
    command.args(["--quality", &job.crf, "--encopts", &options.join(":")]);
    command
}

/// Without the encoder options that it would add, in the film's own 8 bits. How it cuts the film is its own choice.
fn av1an(job: &Job) -> Command {
    let options: Vec<String> = job
        .options
        .iter()
        .map(|(name, value)| format!("--{name} {value}"))
        .collect();
    let parameters = format!("--preset {} --crf {} {}", job.preset, job.crf, options.join(" "));
    let mut command = Command::new("av1an");
    command.arg("-i").arg(&job.source).arg("-o").arg(&job.result);
    command.args([
        "--quiet",
        "--encoder",
        "x265",
        "--no-defaults",
        "--pix-format",
        "yuv420p",
    ]);
    command.args(["--video-params", &parameters]);
    command
}

fn against(rival: &Rival, size: (u32, u32), seconds: &[u32]) -> Outcome<Round> {
    if let Some(missing) = rival.programs.iter().find(|name| which::which(name).is_err()) {
        return Err(NotInstalled(missing).into());
    }
    let root = Root::new()?;
    let names = put(&root, size, seconds)?;
    let jobs: Vec<Job> = names
        .iter()
        .zip(commands(&root, &names, &[])?)
        .enumerate()
        .map(|(number, (name, command))| {
            let source = root.path().join("input").join(name);
            Job::of(&command, source, root.staging().join(format!("{number}.mkv")))
        })
        .collect::<Outcome<_>>()?;
    let load = Load::now();
    let served = serve(&root, names.len())?;
    let began = Instant::now();
    for job in &jobs {
        let mut command = (rival.command)(job);
        // Folders that it makes go with the round.
        command
            .current_dir(root.staging())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        succeed(command)?;
    }
    let rival_seconds = began.elapsed().as_secs_f64();
    let foreign_share = load.foreign_share_since();
    let ours: Vec<PathBuf> = names
        .iter()
        .map(|name| root.path().join("output").join(name))
        .collect();
    let theirs: Vec<PathBuf> = jobs.iter().map(|job| job.result.clone()).collect();
    let told = |value: f64| Sample { value, rival: None };
    // The films differ in their titles only, so one tells how all look.
    let source = &jobs[0].source;
    Ok(Round {
        samples: vec![
            told(rival_seconds / served.seconds),
            Sample {
                value: served.seconds,
                rival: Some(rival_seconds),
            },
            told((bytes(&ours)? / bytes(&theirs)? - 1.0) * 100.0),
            told(ssim_db(&ours[0], source)? - ssim_db(&theirs[0], source)?),
        ],
        foreign_share,
    })
}

fn bytes(files: &[impl AsRef<Path>]) -> Outcome<f64> {
    let mut sum = 0;
    for file in files {
        sum += fs::metadata(file)?.len();
    }
    Ok(sum as f64)
}
