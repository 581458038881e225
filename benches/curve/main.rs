//! How fast one and several encodes are on one and several cores: what the simulation in `tests/simulation` is made of.
//!
//! Promises: real clips, joined to as much as a chunk has; only rounds count in which other programs used at most 3 %
//! of the machine; with too few quiet rounds nothing is written; so many cores are all that the encodes can have.
//! The figures go round in turn, so that a slow hour is spread over all of them.
//! Never in here: what follows from the figures.
//!
//! `make curve CLIPS=folder` runs it, as root on Linux; that takes hours. `CURVE_HEIGHT=480` measures pictures of this
//! height only, `CURVE_ROUNDS=3` asks for so many quiet rounds of each figure.
#![allow(
    clippy::disallowed_methods,
    reason = "the bench makes its own files and starts ffmpeg itself"
)]

#[path = "../shared/film.rs"]
mod film;
#[path = "../shared/load.rs"]
mod load;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use film::{FRAMES_PER_SECOND, join};
use load::{Load, ProcessTicks, TICKS_PER_SECOND};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const FOREIGN_SHARE_LIMIT: f64 = 0.03;
/// Rounds are tried up to this many times the number wanted.
const ATTEMPTS_FACTOR: usize = 3;
/// A round begins when the machine is quiet, or after this many looks.
const QUIET_WAIT_LOOKS: usize = 30;
const LOOK: Duration = Duration::from_secs(1);

const PRESET: &str = "medium";
/// The built-in profile of this name.
const CRF: &str = "26";
const PARAMETERS: &str = "aq-mode=3:bframes=6:ref=4:psy-rd=1.5:rd=3";
/// Pictures, and the seconds of film of each encode: long enough that its beginning and end, in which x265 has few frames to
/// work on, count as little as in a chunk, and that many clips are in it.
const SIZES: [((u32, u32), u32); 2] = [((854, 480), 60), ((1920, 1080), 24)];

/// Cores, encodes at once, and threads of each. Single encodes and those of one thread make the model; the others check it.
const POINTS: [(u32, u32, u32); 9] = [
    (1, 1, 1),
    (2, 1, 2),
    (3, 1, 3),
    (4, 1, 4),
    (2, 2, 1),
    (4, 4, 1),
    (2, 2, 2),
    (4, 2, 4),
    (4, 4, 4),
];

/// What is measured again and again.
struct Point {
    clip: PathBuf,
    size: (u32, u32),
    frames: u32,
    cores: u32,
    encodes: u32,
    /// Of each encode.
    threads: u32,
    /// Of quiet rounds.
    rounds: Vec<Round>,
    attempts: usize,
}

#[derive(Clone, Copy)]
struct Round {
    /// Until the last encode had ended.
    seconds: f64,
    /// Of the processor, all encodes together.
    cpu_seconds: f64,
}

fn main() -> Outcome<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run this with `make curve CLIPS=folder`");
        return Ok(());
    }
    let number = |name: &str| -> Option<u32> { std::env::var(name).ok()?.parse().ok() };
    let Some(clips) = std::env::var("CURVE_CLIPS")
        .ok()
        .filter(|clips| !clips.is_empty())
    else {
        println!("CURVE_CLIPS names no folder with videos, so the curve is not measured");
        return Ok(());
    };
    load::keep_orphans()?;
    let rounds = number("CURVE_ROUNDS").unwrap_or(5) as usize;
    let only_height = number("CURVE_HEIGHT");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("curve");
    fs::create_dir_all(&folder)?;
    let mut points = Vec::new();
    let wanted = |size: (u32, u32)| only_height.is_none_or(|height| height == size.1);
    for (size, seconds) in SIZES.into_iter().filter(|(size, _)| wanted(*size)) {
        let clip = join(Path::new(&clips), size, seconds, &folder)?;
        let point = |(cores, encodes, threads), frames| Point {
            clip: clip.clone(),
            size,
            frames,
            cores,
            encodes,
            threads,
            rounds: Vec::new(),
            attempts: 0,
        };
        points.extend(POINTS.map(|figures| point(figures, seconds * FRAMES_PER_SECOND)));
        // What an encode costs whatever its length.
        points.push(point((1, 1, 1), 1));
    }
    let online = u32::try_from(thread::available_parallelism()?.get())?;
    points.retain(|point| point.cores <= online);
    while let Some(next) = points
        .iter_mut()
        .filter(|point| point.is_wanted(rounds))
        .min_by_key(|point| point.attempts)
    {
        next.measure()?;
    }
    write(&points, rounds)
}

impl Point {
    fn is_wanted(&self, rounds: usize) -> bool {
        self.rounds.len() < rounds && self.attempts < rounds * ATTEMPTS_FACTOR
    }

    /// One round: so many encodes at once on so many cores.
    fn measure(&mut self) -> Outcome<()> {
        wait_for_quiet();
        self.attempts += 1;
        let load = Load::now();
        let cpu_before = cpu_seconds_of_children();
        let began = Instant::now();
        all_of((0..self.encodes).map(|_| encode(&self.clip, self.frames, self.cores, self.threads)))?;
        let took = began.elapsed().as_secs_f64();
        let cpu_seconds = cpu_seconds_of_children() - cpu_before;
        let foreign = load.foreign_share_since();
        let counts = foreign <= FOREIGN_SHARE_LIMIT;
        eprintln!(
            "{}x{} {} frames, {} encodes of {} threads on {} cores: {took:.2} s, others used {:.1} % of the machine{}",
            self.size.0,
            self.size.1,
            self.frames,
            self.encodes,
            self.threads,
            self.cores,
            foreign * 100.0,
            if counts { "" } else { ", so it does not count" }
        );
        if counts {
            self.rounds.push(Round {
                seconds: took,
                cpu_seconds,
            });
        }
        Ok(())
    }
}

fn all_of(children: impl Iterator<Item = std::io::Result<Child>>) -> Outcome<()> {
    for mut child in children.collect::<Result<Vec<_>, _>>()? {
        if !child.wait()?.success() {
            return Err("ffmpeg failed".into());
        }
    }
    Ok(())
}

fn encode(clip: &Path, frames: u32, cores: u32, threads: u32) -> std::io::Result<Child> {
    let threads = threads.to_string();
    Command::new("sh")
        .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
        .arg(core_group(cores)?.join("cgroup.procs"))
        .args(["ffmpeg", "-nostdin", "-v", "error", "-threads", &threads, "-i"])
        .arg(clip)
        .args(["-frames:v", &frames.to_string()])
        .args(["-c:v", "libx265", "-preset", PRESET, "-crf", CRF, "-x265-params"])
        // x265 counts the machine's cores, not those that it may use.
        .arg(format!("log-level=none:pools={threads}:{PARAMETERS}"))
        .args(["-f", "null", "-"])
        .stdin(Stdio::null())
        .spawn()
}

/// A control group that has only the first so many cores. Affinity would not do: x265 sets that of its threads to all cores
/// of a node (libnuma), which a group's set does not allow.
fn core_group(cores: u32) -> std::io::Result<PathBuf> {
    let own_tree = Path::new("/sys/fs/cgroup/cpuset");
    let tree = if own_tree.is_dir() {
        own_tree
    } else {
        let tree = Path::new("/sys/fs/cgroup");
        fs::write(tree.join("cgroup.subtree_control"), "+cpuset")?;
        tree
    };
    let group = tree.join(format!("curve-{cores}"));
    fs::create_dir_all(&group)?;
    fs::write(group.join("cpuset.mems"), "0")?;
    fs::write(group.join("cpuset.cpus"), format!("0-{}", cores - 1))?;
    Ok(group)
}

/// Of all that ended and were waited for.
fn cpu_seconds_of_children() -> f64 {
    ProcessTicks::of(std::process::id()).map_or(f64::NAN, |ticks| ticks.children as f64 / TICKS_PER_SECOND)
}

fn wait_for_quiet() {
    for _ in 0..QUIET_WAIT_LOOKS {
        let load = Load::now();
        thread::sleep(LOOK);
        if load.foreign_share_since() <= FOREIGN_SHARE_LIMIT {
            return;
        }
    }
}

/// Where the simulation reads it. What an earlier run with the same processor and ffmpeg has measured stays, so the fastest
/// round may be one of its.
fn write(points: &[Point], rounds: usize) -> Outcome<()> {
    let missing = points.iter().filter(|point| point.rounds.len() < rounds).count();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/measured.json");
    let earlier: Value = fs::read(&file)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let (processor, ffmpeg) = (processor(), first_line("ffmpeg", &["-version"]));
    let is_of_here = earlier["processor"] == processor && earlier["ffmpeg"] == ffmpeg;
    let others = earlier["points"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|other| {
            let is_another =
                |point: &Point| other["height"] != point.size.1 || other["frames"] != point.frames;
            is_of_here && points.iter().all(is_another)
        });
    let figures: Vec<Value> = points
        .iter()
        .map(|point| {
            let mut figure = json!({
                "width": point.size.0,
                "height": point.size.1,
                "preset": PRESET,
                "frames": point.frames,
                "cores": point.cores,
                "encodes": point.encodes,
                "threads": point.threads,
            });
            let is_same = |other: &&Value| {
                let keys = figure.as_object().into_iter().flatten();
                is_of_here && keys.into_iter().all(|(key, value)| other[key] == *value)
            };
            let before = earlier["points"].as_array().into_iter().flatten().find(is_same);
            let all = |key: &str, of_round: fn(&Round) -> f64| -> Vec<f64> {
                let before = before.and_then(|before| before[key].as_array());
                let before = before.into_iter().flatten().filter_map(Value::as_f64);
                before.chain(point.rounds.iter().map(of_round)).collect()
            };
            let seconds = all("seconds", |round| round.seconds);
            let cpu_seconds = all("cpu_seconds", |round| round.cpu_seconds);
            figure["seconds"] = json!(seconds);
            figure["cpu_seconds"] = json!(cpu_seconds);
            figure
        })
        .chain(others.cloned())
        .collect();
    let text = serde_json::to_string_pretty(&json!({
        "processor": processor,
        "ffmpeg": ffmpeg,
        "points": figures,
    }))?;
    println!("{text}");
    if missing > 0 {
        println!(
            "inconclusive: {missing} figures have fewer than {rounds} quiet rounds, so nothing is written"
        );
        return Ok(());
    }
    fs::write(&file, text + "\n")?;
    println!("written to {}", file.display());
    Ok(())
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or_else(String::new, |name| name.trim_matches([' ', '\t', ':']).to_owned())
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}
