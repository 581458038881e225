//! How fast one and several encodes are on one and several cores: what the simulation in `tests/simulation` is made of.
//!
//! Promises: real clips, joined to a minute for each encode; only rounds count in which other programs used at most 3 %
//! of the machine; the figures go round in turn, so that a slow hour is spread over all of them; with too few quiet
//! rounds nothing is written; so many cores are all that the encodes can have.
//! Never in here: what follows from the figures.
//!
//! `make curve CLIPS=folder` runs it, as root on Linux; that takes hours. `CURVE_SECONDS=12` makes the clips shorter,
//! `CURVE_ROUNDS=3` asks for so many quiet rounds of each figure.
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
use serde_json::json;

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
const SIZES: [(u32, u32); 2] = [(854, 480), (1920, 1080)];

/// Cores, and encodes at once. Those of one encode make the model; the others check it.
const POINTS: [(u32, u32); 8] = [(1, 1), (2, 1), (3, 1), (4, 1), (2, 2), (3, 3), (4, 2), (4, 4)];

/// What is measured again and again.
struct Point {
    clip: PathBuf,
    size: (u32, u32),
    frames: u32,
    cores: u32,
    encodes: u32,
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
    let number = |name: &str, default: u32| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let Some(clips) = std::env::var("CURVE_CLIPS")
        .ok()
        .filter(|clips| !clips.is_empty())
    else {
        println!("CURVE_CLIPS names no folder with videos, so the curve is not measured");
        return Ok(());
    };
    let rounds = number("CURVE_ROUNDS", 5) as usize;
    let seconds = number("CURVE_SECONDS", 60);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("curve");
    fs::create_dir_all(&folder)?;
    let mut points = Vec::new();
    for size in SIZES {
        let long = join(Path::new(&clips), size, seconds, &folder)?;
        // What an encode costs whatever its length shows in a short one.
        let short = join(Path::new(&clips), size, 4, &folder)?;
        for (cores, encodes) in POINTS {
            points.push(Point::new(&long, size, seconds, cores, encodes));
        }
        points.push(Point::new(&short, size, 4, 4, 1));
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
    fn new(clip: &Path, size: (u32, u32), seconds: u32, cores: u32, encodes: u32) -> Self {
        Self {
            clip: clip.to_owned(),
            size,
            frames: seconds * FRAMES_PER_SECOND,
            cores,
            encodes,
            rounds: Vec::new(),
            attempts: 0,
        }
    }

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
        let children: Vec<Child> = (0..self.encodes)
            .map(|_| self.encode())
            .collect::<Result<_, _>>()?;
        for mut child in children {
            if !child.wait()?.success() {
                return Err("ffmpeg failed".into());
            }
        }
        let took = began.elapsed().as_secs_f64();
        let foreign = load.foreign_share_since();
        let counts = foreign <= FOREIGN_SHARE_LIMIT;
        eprintln!(
            "{}x{} {} frames, {} encodes on {} cores: {took:.2} s, others used {:.1} % of the machine{}",
            self.size.0,
            self.size.1,
            self.frames,
            self.encodes,
            self.cores,
            foreign * 100.0,
            if counts { "" } else { ", so it does not count" }
        );
        if counts {
            self.rounds.push(Round {
                seconds: took,
                cpu_seconds: cpu_seconds_of_children() - cpu_before,
            });
        }
        Ok(())
    }

    fn encode(&self) -> std::io::Result<Child> {
        let cores = self.cores.to_string();
        Command::new("sh")
            .args(["-c", "echo $$ > \"$0\" && exec \"$@\""])
            .arg(core_group(self.cores)?.join("cgroup.procs"))
            .args(["ffmpeg", "-nostdin", "-v", "error", "-threads", &cores, "-i"])
            .arg(&self.clip)
            .args(["-c:v", "libx265", "-preset", PRESET, "-crf", CRF, "-x265-params"])
            // x265 counts the machine's cores, not those that it may use.
            .arg(format!("log-level=none:pools={cores}:{PARAMETERS}"))
            .args(["-f", "null", "-"])
            .stdin(Stdio::null())
            .spawn()
    }
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

/// Where the simulation reads it.
fn write(points: &[Point], rounds: usize) -> Outcome<()> {
    let missing = points.iter().filter(|point| point.rounds.len() < rounds).count();
    let figures: Vec<serde_json::Value> = points
        .iter()
        .map(|point| {
            let mut rounds = point.rounds.clone();
            rounds.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
            let seconds: Vec<f64> = rounds.iter().map(|round| round.seconds).collect();
            let cpu_seconds: Vec<f64> = rounds.iter().map(|round| round.cpu_seconds).collect();
            json!({
                "width": point.size.0,
                "height": point.size.1,
                "preset": PRESET,
                "frames": point.frames,
                "cores": point.cores,
                "encodes": point.encodes,
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
            })
        })
        .collect();
    let text = serde_json::to_string_pretty(&json!({
        "processor": processor(),
        "ffmpeg": first_line("ffmpeg", &["-version"]),
        "points": figures,
    }))?;
    println!("{text}");
    if missing > 0 {
        println!(
            "inconclusive: {missing} figures have fewer than {rounds} quiet rounds, so nothing is written"
        );
        return Ok(());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulation/measured.json");
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
