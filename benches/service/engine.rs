//! What several encodes at once, and a film in chunks, are worth on this machine: against the same ffmpeg commands one at a
//! time, and against the most that its cores can give. Films are real clips, joined.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use notify::{RecursiveMode, Watcher};
use serde_json::Value;

use super::{
    Outcome, film,
    load::Load,
    rounds::{Figure, Limit, Round, Row, Sample},
    service::{Cores, Queue, Root, Service, on_moves_to},
};

const PROFILE: &str = "profile=medium";
/// Its comparison with the source is the service's own wish; plain ffmpeg makes none.
const NOT_MEASURED: &str = "measure_quality=off";
pub const FOREIGN_SHARE_LIMIT: f64 = 0.03;
pub const ROUNDS: usize = 5;
/// Longer than `chunk_min_seconds`.
pub const LONG_SECONDS: u32 = 150;
/// Between two looks at a file that tells how far an encode is.
const LOOK: Duration = Duration::from_millis(50);

const OWN_CPU: Figure = Figure {
    title: "  the service's own CPU",
    unit: "% of its children's",
    limit: Some(Limit::Below(1.0)),
    rival: "",
};

pub const BACKLOG_480: Row = Row {
    name: "backlog480",
    figures: &[
        faster(
            "four equal films, 480p medium, against one ffmpeg at a time",
            1.18,
        ),
        of_the_limit(0.95),
        OWN_CPU,
    ],
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: || backlog((854, 480), &[60, 60, 60, 60]),
};

pub const BACKLOG_1080: Row = Row {
    name: "backlog1080",
    figures: &[
        faster(
            "four equal films, 1080p medium, against one ffmpeg at a time",
            1.12,
        ),
        of_the_limit(0.95),
        OWN_CPU,
    ],
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: || backlog((1920, 1080), &[60, 60, 60, 60]),
};

pub const TAIL: Row = Row {
    name: "tail",
    figures: &[
        faster(
            "films of 60, 75, 105 and 240 s, 480p medium, against one ffmpeg at a time",
            1.10,
        ),
        OWN_CPU,
    ],
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: || tail((854, 480), &[60, 75, 105, 240]),
};

pub const LONG_480: Row = Row {
    name: "long480",
    figures: &LONG_480_FIGURES,
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: || long((854, 480)),
};

pub const LONG_1080: Row = Row {
    name: "long1080",
    figures: &LONG_1080_FIGURES,
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: || long((1920, 1080)),
};

const LONG_480_FIGURES: [Figure; 5] =
    figures_of_a_long_film("one film of 150 s, 480p medium, against one ffmpeg", 1.08);
const LONG_1080_FIGURES: [Figure; 5] =
    figures_of_a_long_film("one film of 150 s, 1080p medium, against one ffmpeg", 0.99);

pub const RESUME: Row = Row {
    name: "resume",
    figures: &[
        Figure {
            title: "after kill -9: from start to the first new frame",
            unit: "s",
            // 2 s, and the index of this film, which takes less than one.
            limit: Some(Limit::Below(3.0)),
            rival: "",
        },
        Figure {
            title: "  encoded frames that were lost",
            unit: "chunks per slot",
            limit: Some(Limit::Below(1.000_001)),
            rival: "",
        },
    ],
    rounds: ROUNDS,
    foreign_share_limit: FOREIGN_SHARE_LIMIT,
    round: resume,
};

const fn faster(title: &'static str, limit: f64) -> Figure {
    Figure {
        title,
        unit: "x",
        limit: Some(Limit::AtLeast(limit)),
        rival: "",
    }
}

const fn of_the_limit(limit: f64) -> Figure {
    Figure {
        title: "  against as many encodes of one thread as there are cores",
        unit: "x",
        limit: Some(Limit::AtLeast(limit)),
        rival: "",
    }
}

const fn figures_of_a_long_film(title: &'static str, limit: f64) -> [Figure; 5] {
    [
        faster(title, limit),
        of_the_limit(0.90),
        OWN_CPU,
        Figure {
            title: "  bytes more than in one run",
            unit: "%",
            limit: Some(Limit::Below(0.3)),
            rival: "",
        },
        Figure {
            title: "  SSIM above that of one run",
            unit: "dB",
            limit: Some(Limit::AtLeast(-0.01)),
            rival: "",
        },
    ]
}

fn clips() -> Outcome<PathBuf> {
    let clips = std::env::var("CLIPS").ok().filter(|clips| !clips.is_empty());
    Ok(clips.ok_or("CLIPS names no folder with videos")?.into())
}

/// A film of real clips, kept for later rounds.
fn film_of(size: (u32, u32), seconds: u32) -> Outcome<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("films");
    fs::create_dir_all(&folder)?;
    film::join(&clips()?, size, seconds, &folder)
}

fn ffmpeg(arguments: &[&str]) -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments)
        .stdin(Stdio::null());
    command
}

pub fn succeed(mut command: Command) -> Outcome<()> {
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("{command:?} failed").into()),
    }
}

/// Films below `input/`, no two of the same bytes. Gives their names.
pub fn put(root: &Root, size: (u32, u32), seconds: &[u32]) -> Outcome<Vec<String>> {
    let folder = root.path().join(format!("input/{}", size.1));
    fs::create_dir_all(&folder)?;
    let mut names = Vec::new();
    for (number, seconds) in seconds.iter().enumerate() {
        let name = format!("{number}.mkv");
        let mut copy = ffmpeg(&["-i"]);
        copy.arg(film_of(size, *seconds)?)
            .args(["-c", "copy", "-metadata", &format!("title=film {number}")])
            .arg(folder.join(&name));
        succeed(copy)?;
        names.push(format!("{}/{name}", size.1));
    }
    Ok(names)
}

/// The service's work on what lies in its input.
pub struct Served {
    pub seconds: f64,
    own_cpu_percent: f64,
}

pub fn serve(root: &Root, files: usize) -> Outcome<Served> {
    serve_with(root, files, &[PROFILE, NOT_MEASURED])
}

pub fn serve_with(root: &Root, files: usize, settings: &[&str]) -> Outcome<Served> {
    let queue = Queue::watch(root)?;
    let service = Service::start(root, Cores::All, settings)?;
    let (own_before, children_before) = service.cpu_seconds()?;
    queue.wait_until(|text| text.matches(r#""end_time":""#).count() == files)?;
    let (own, children) = service.cpu_seconds()?;
    drop(service);
    let tasks: Vec<Value> = serde_json::from_slice(&fs::read(root.conf().join("tasks.json"))?)?;
    if let Some(other) = tasks.iter().find(|task| task["status"] != "processed") {
        return Err(format!("a film became {}: {}", other["status"], other["error"]).into());
    }
    let time =
        |task: &Value, key: &str| -> Outcome<Timestamp> { Ok(task[key].as_str().ok_or("no time")?.parse()?) };
    let (mut first, mut last) = (Timestamp::MAX, Timestamp::MIN);
    for task in &tasks {
        first = first.min(time(task, "start_time")?);
        last = last.max(time(task, "end_time")?);
    }
    Ok(Served {
        seconds: last.duration_since(first).as_secs_f64(),
        own_cpu_percent: (own - own_before) / (children - children_before) * 100.0,
    })
}

/// The command for each film, as the service would run it by itself; results go where nobody looks.
pub fn commands(root: &Root, names: &[String], settings: &[&str]) -> Outcome<Vec<String>> {
    let mut commands = Vec::new();
    for name in names {
        // A later setting counts.
        let mut arguments = vec!["--set", PROFILE];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        arguments.extend(["explain", "--json", name]);
        let explained: Value = serde_json::from_str(&root.command(&arguments)?)?;
        let command = explained["command"].as_str().ok_or("explain gave no command")?;
        commands.push(command.to_owned());
    }
    Ok(commands)
}

fn spawn(command: &str) -> std::io::Result<Child> {
    Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Seconds of commands, so many at a time.
pub fn timed(commands: &[String], at_once: usize) -> Outcome<f64> {
    let began = Instant::now();
    let next = std::sync::Mutex::new(commands.iter());
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(command) = next.lock().ok().and_then(|mut next| next.next()) {
                    let ended = spawn(command).and_then(|mut child| child.wait());
                    if !ended.is_ok_and(|status| status.success())
                        && let Ok(mut failed) = failed.lock()
                    {
                        failed.push(command);
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_default().first() {
        None => Ok(began.elapsed().as_secs_f64()),
        Some(command) => Err(format!("this failed: {command}").into()),
    }
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Plain commands expect it.
pub fn make_results_folder(root: &Root, size: (u32, u32)) -> Outcome<()> {
    let folder = root.path().join(format!("output/{}", size.1));
    Ok(fs::create_dir_all(folder)?)
}

/// Removes results, so that commands name theirs as the service did.
fn forget_results(root: &Root, size: (u32, u32)) -> Outcome<()> {
    fs::remove_dir_all(root.path().join("output"))?;
    make_results_folder(root, size)
}

/// One file at a time, in seconds, then the service.
fn plain_and_served(root: &Root, size: (u32, u32), names: &[String]) -> Outcome<(f64, Served)> {
    make_results_folder(root, size)?;
    let plain = timed(&commands(root, names, &[])?, 1)?;
    forget_results(root, size)?;
    Ok((plain, serve(root, names.len())?))
}

fn backlog(size: (u32, u32), seconds: &[u32]) -> Outcome<Round> {
    let root = Root::new()?;
    let names = put(&root, size, seconds)?;
    let load = Load::now();
    // The service's turn is beside both of the others: a machine's speed changes from minute to minute.
    let (plain, served) = plain_and_served(&root, size, &names)?;
    forget_results(&root, size)?;
    let limit = timed(&commands(&root, &names, &["threads=1"])?, cores())?;
    Ok(Round {
        samples: [
            plain / served.seconds,
            limit / served.seconds,
            served.own_cpu_percent,
        ]
        .map(|value| Sample { value, rival: None })
        .into(),
        foreign_share: load.foreign_share_since(),
    })
}

fn tail(size: (u32, u32), seconds: &[u32]) -> Outcome<Round> {
    let root = Root::new()?;
    let names = put(&root, size, seconds)?;
    let load = Load::now();
    let (plain, served) = plain_and_served(&root, size, &names)?;
    Ok(Round {
        samples: [plain / served.seconds, served.own_cpu_percent]
            .map(|value| Sample { value, rival: None })
            .into(),
        foreign_share: load.foreign_share_since(),
    })
}

fn long(size: (u32, u32)) -> Outcome<Round> {
    let root = Root::new()?;
    let names = put(&root, size, &[LONG_SECONDS])?;
    let source = root.path().join("input").join(&names[0]);
    let kept = |of: &str| root.staging().join(format!("{of}.mkv"));
    let result = root.path().join("output").join(&names[0]);
    let load = Load::now();
    make_results_folder(&root, size)?;
    let plain = timed(&commands(&root, &names, &[])?, 1)?;
    fs::rename(part_in(&root, size)?, kept("whole"))?;
    let served = serve(&root, 1)?;
    fs::rename(&result, kept("chunks"))?;
    forget_results(&root, size)?;
    fs::remove_file(&source)?;
    let limit = timed(&spans(&root, size)?, cores())?;
    let foreign_share = load.foreign_share_since();
    let bytes = |of: &str| -> Outcome<f64> { Ok(fs::metadata(kept(of))?.len() as f64) };
    let film = film_of(size, LONG_SECONDS)?;
    let ssim_db = |of: &str| ssim_db(&kept(of), &film);
    Ok(Round {
        samples: [
            plain / served.seconds,
            limit / served.seconds,
            served.own_cpu_percent,
            (bytes("chunks")? / bytes("whole")? - 1.0) * 100.0,
            ssim_db("chunks")? - ssim_db("whole")?,
        ]
        .map(|value| Sample { value, rival: None })
        .into(),
        foreign_share,
    })
}

/// What a plain command has written: the one file there, under the name that it has until it is checked.
fn part_in(root: &Root, size: (u32, u32)) -> Outcome<PathBuf> {
    let mut files = fs::read_dir(root.path().join(format!("output/{}", size.1)))?;
    Ok(files.next().ok_or("the plain command wrote nothing")??.path())
}

/// Commands that encode the long film in as many parts as there are cores, each with one thread.
fn spans(root: &Root, size: (u32, u32)) -> Outcome<Vec<String>> {
    let film = film_of(size, LONG_SECONDS)?;
    let folder = root.path().join(format!("input/{}", size.1));
    let seconds = f64::from(LONG_SECONDS) / cores() as f64;
    let mut names = Vec::new();
    for number in 0..cores() {
        let name = format!("span{number}.mkv");
        let mut cut = ffmpeg(&["-ss", &(number as f64 * seconds).to_string(), "-i"]);
        cut.arg(&film)
            .args(["-t", &seconds.to_string(), "-c", "copy"])
            .arg(folder.join(&name));
        succeed(cut)?;
        names.push(format!("{}/{name}", size.1));
    }
    commands(root, &names, &["threads=1"])
}

pub fn ssim_db(result: &Path, source: &Path) -> Outcome<f64> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "info", "-nostats", "-i"])
        .arg(result)
        .arg("-i")
        .arg(source)
        .args(["-lavfi", "[0:V][1:V]ssim", "-f", "null", "-"])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let all = text.rsplit_once("All:").ok_or("ffmpeg gave no SSIM")?.1;
    let ssim: f64 = all.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(-10.0 * (1.0 - ssim).log10())
}

/// Kills the service at a random moment of a film of ten minutes, when some chunks are finished, and starts it again.
fn resume() -> Outcome<Round> {
    let size = (854, 480);
    let root = Root::new()?;
    put(&root, size, &[600])?;
    fs::create_dir_all(root.path().join("output"))?;
    let load = Load::now();
    let (sender, finished) = mpsc::channel();
    let mut watcher = on_moves_to(move |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("chunk-") {
            let _ = sender.send(());
        }
    })?;
    watcher.watch(&root.path().join("output"), RecursiveMode::Recursive)?;
    let service = Service::start(&root, Cores::All, &[PROFILE, NOT_MEASURED])?;
    let began = Instant::now();
    for _ in 0..cores() {
        finished.recv_timeout(Duration::from_secs(600))?;
    }
    // Anywhere between the ends of two chunks of one slot.
    std::thread::sleep(began.elapsed().mul_f64(random()));
    let percent = |after: Timestamp| -> Option<f64> {
        let live: Value = serde_json::from_slice(&fs::read(root.conf().join("live.json")).ok()?).ok()?;
        let updated: Timestamp = live["updated"].as_str()?.parse().ok()?;
        let percent = live["encodes"][0]["percent"].as_f64()?;
        (updated > after && live["encodes"][0]["fps"].as_f64()? > 0.0).then_some(percent)
    };
    let before = percent(Timestamp::MIN).ok_or("the service does not say how far it is")?;
    let chunks = chunks_of(&root)?;
    service.kill()?;
    let killed = Timestamp::now();
    let began = Instant::now();
    let service = Service::start(&root, Cores::All, &[PROFILE, NOT_MEASURED])?;
    let after = loop {
        if let Some(percent) = percent(killed) {
            break percent;
        }
        if began.elapsed() > Duration::from_secs(60) {
            return Err("no frame within a minute of the second start".into());
        }
        std::thread::sleep(LOOK);
    };
    let restart_s = began.elapsed().as_secs_f64();
    drop(service);
    let lost_chunks = (before - after).max(0.0) / 100.0 * chunks;
    Ok(Round {
        samples: [restart_s, lost_chunks / cores() as f64]
            .map(|value| Sample { value, rival: None })
            .into(),
        foreign_share: load.foreign_share_since(),
    })
}

/// From 0 to 1, by the clock.
fn random() -> f64 {
    let now = Timestamp::now();
    f64::from(now.subsec_nanosecond().unsigned_abs() % 1_000_000) / 1e6
}

/// How many chunks the film under way is cut in.
fn chunks_of(root: &Root) -> Outcome<f64> {
    let work = fs::read_dir(root.path().join("output/.work"))?.next();
    let manifest = work
        .ok_or("no film is encoded in chunks")??
        .path()
        .join("manifest.json");
    let manifest: Value = serde_json::from_slice(&fs::read(manifest)?)?;
    Ok(manifest["chunks"].as_array().map_or(0, Vec::len) as f64)
}
