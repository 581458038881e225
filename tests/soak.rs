//! Hours with a user who does everything at once: drops, slow copies, renames, deletes, edits of the queue and the
//! settings, full disks, a phone that is off, encoders that are killed or stopped, kills of the service, a clock that
//! jumps. Each minute what must hold at any moment is looked at; at the end every film that is still there has been
//! compressed once.
//!
//! `make soak HOURS=1`. A user's moves come from a seed that is printed; CRASH_SEED repeats them.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{
    chance::Random,
    clips::{clip, small, undecodable},
    ntfy::Ntfy,
    root::{all_rows, files_below, finish},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_128;

const LOOK_EVERY: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(600);
/// A start, and its patience with half-written files, take some seconds; a full disk three.
const MENDED_WITHIN: Duration = Duration::from_secs(30);
const STARTED_WITHIN: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(15);
const MOST_DESCRIPTORS: usize = 200;
const MOST_THREADS: usize = 100;
const MOST_MEMORY_KIB: u64 = 300 * 1024;
const MOST_STATE_BYTES: u64 = 64 << 20;
/// More films than this are not kept at once.
const MOST_FILMS: usize = 150;

const SETTINGS: &str = r#"
settle_seconds = 0.3
settle_seconds_without_lease = 2
sweep_seconds = 2
check_interval_seconds = 0.5
min_free_bytes = 1
min_saving = -10000
measure_quality = "off"
stall_seconds = 4
rotation_threshold = 20
rotation_idle_scans = 2
chunk_min_seconds = 12
chunk_seconds = 10
ntfy_gather_seconds = 1
nice = 0
profile = "quick"
confine = "off"
"#;
const PROFILE: &str = "[profiles.quick]\nbased_on = \"fast\"\npreset = \"ultrafast\"\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Move {
    DropFilm,
    DropLongFilm,
    CopySlowly,
    DropGarbage,
    Rename,
    Delete,
    EditQueue,
    BreakQueue,
    EditSettings,
    BreakSettings,
    FillDisk,
    TurnPhone,
    KillEncoder,
    StopEncoder,
    KillService,
    StopService,
    PauseAndResume,
    TurnClock,
    Wait,
}

const MOVES: [Move; 19] = [
    Move::DropFilm,
    Move::DropLongFilm,
    Move::CopySlowly,
    Move::DropGarbage,
    Move::Rename,
    Move::Delete,
    Move::EditQueue,
    Move::BreakQueue,
    Move::EditSettings,
    Move::BreakSettings,
    Move::FillDisk,
    Move::TurnPhone,
    Move::KillEncoder,
    Move::StopEncoder,
    Move::KillService,
    Move::StopService,
    Move::PauseAndResume,
    Move::TurnClock,
    Move::Wait,
];

struct Site {
    folder: TempDir,
    ntfy: Ntfy,
    is_phone_on: bool,
    service: Option<Child>,
    /// By path below `input/`, what the user left there.
    films: BTreeMap<String, u128>,
    /// Output files that were decoded: inode and time.
    decoded: BTreeMap<PathBuf, (u64, i64)>,
    /// Tasks that the user took out of the queue by hand.
    removed: BTreeSet<String>,
    ids: BTreeSet<String>,
    next: u32,
    starts: u32,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("vc-soak-").tempdir().unwrap();
        for name in ["conf", "input/480", "input/720", "output"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let site = Self {
            folder,
            ntfy: Ntfy::start(),
            is_phone_on: true,
            service: None,
            films: BTreeMap::new(),
            decoded: BTreeMap::new(),
            removed: BTreeSet::new(),
            ids: BTreeSet::new(),
            next: 0,
            starts: 0,
        };
        let mounted = finish(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=256m", "tmpfs"])
                .arg(site.at("output")),
        );
        assert_eq!(mounted.code, 0, "{mounted:?}");
        fs::write(site.at("clock"), "+0").unwrap();
        site.configure("");
        site
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn configure(&self, more: &str) {
        let url = if self.is_phone_on {
            &self.ntfy.url
        } else {
            "http://127.0.0.1:9"
        };
        let text = format!("{SETTINGS}ntfy_topic = \"films\"\nntfy_base_url = \"{url}\"\n{more}{PROFILE}");
        let new = self.at("conf/video-compressor.new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.at("conf/video-compressor.toml")).unwrap();
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
        command
            .arg("--root")
            .arg(self.folder.path())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null());
        command
    }

    fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.at("console"))
            .unwrap();
        let mut command = self.program(&["run"]);
        if let Some(library) = faketime() {
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", self.at("clock"))
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        // By then it has read its settings, which the next move may break.
        let pid = child.id().to_string();
        self.service = Some(child);
        self.starts += 1;
        let began = Instant::now();
        while fs::read_to_string(self.at("conf/.instance.lock")).map_or(true, |held_by| held_by.trim() != pid)
        {
            assert!(
                began.elapsed() < STARTED_WITHIN,
                "it does not start: {}",
                self.last_words()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whatever the user does, it goes on by itself.
    fn is_still_there(&mut self) {
        let ended = self
            .service
            .as_mut()
            .and_then(|service| service.try_wait().unwrap());
        assert_eq!(ended, None, "{}", self.last_words());
    }

    fn pid(&self) -> Option<Pid> {
        self.service.as_ref().map(Pid::from_child)
    }

    fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.kill().unwrap();
            service.wait().unwrap();
        }
    }

    fn stop(&mut self) {
        let Some(mut service) = self.service.take() else {
            return;
        };
        kill_process(Pid::from_child(&service), Signal::TERM).unwrap();
        let began = Instant::now();
        while service.try_wait().unwrap().is_none() {
            assert!(
                began.elapsed() < STOP_LIMIT,
                "O10: it still runs after {STOP_LIMIT:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn drop_bytes(&mut self, bytes: &[u8], extension: &str) -> String {
        let folder = if self.next.is_multiple_of(2) { "480" } else { "720" };
        let path = format!("{folder}/{:05}.{extension}", self.next);
        self.next += 1;
        let unfinished = self.at(&format!("input/{path}.part"));
        fs::write(&unfinished, bytes).unwrap();
        fs::rename(unfinished, self.at("input").join(&path)).unwrap();
        self.films.insert(path.clone(), xxh3_128(bytes));
        path
    }

    /// A film that nobody has seen before: a tag of its own in one that is known.
    fn fresh(&self, clip: &Path, extension: &str) -> Vec<u8> {
        let file = self.at(&format!("fresh.{extension}"));
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y", "-i"])
            .arg(clip)
            .args(["-c", "copy", "-metadata", &format!("title=film {}", self.next)])
            .arg(&file)
            .status()
            .unwrap();
        assert!(made.success());
        fs::read(file).unwrap()
    }

    fn encoder(&self, random: &mut Random) -> Option<Pid> {
        let live: Value = serde_json::from_slice(&fs::read(self.at("conf/live.json")).ok()?).ok()?;
        let encodes = live["encodes"].as_array()?;
        let pids: Vec<u64> = encodes
            .iter()
            .flat_map(|encode| encode["child_pids"].as_array().cloned().unwrap_or_default())
            .filter_map(|pid| pid.as_u64())
            .collect();
        let pid = *pids.get(random.place(pids.len()))?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let is_ours = String::from_utf8_lossy(&line).contains(self.folder.path().to_str()?);
        Pid::from_raw(i32::try_from(pid).ok()?).filter(|_| is_ours)
    }

    fn make(&mut self, what: Move, random: &mut Random) {
        match what {
            Move::DropFilm if self.films.len() < MOST_FILMS => {
                let bytes = self.fresh(&small(u32::try_from(random.below(20)).unwrap()), "mp4");
                self.drop_bytes(&bytes, "mp4");
            }
            Move::DropLongFilm if self.films.len() < MOST_FILMS => {
                let long = clip(
                    "-f lavfi -i testsrc2=size=160x90:rate=10:duration=32 -c:v libx264 -preset ultrafast -g 20",
                    "mkv",
                );
                let bytes = self.fresh(&long, "mkv");
                self.drop_bytes(&bytes, "mkv");
            }
            Move::CopySlowly if self.films.len() < MOST_FILMS => {
                let bytes = self.fresh(&small(u32::try_from(random.below(20)).unwrap()), "mp4");
                let path = format!("720/{:05}.mp4", self.next);
                self.next += 1;
                let mut file = File::create(self.at("input").join(&path)).unwrap();
                for part in bytes.chunks(bytes.len() / 4 + 1) {
                    file.write_all(part).unwrap();
                    // The pace of the writer is the fault.
                    thread::sleep(Duration::from_millis(600));
                }
                self.films.insert(path, xxh3_128(&bytes));
            }
            Move::DropGarbage => {
                let bytes = format!("no film: {}", self.next).repeat(50);
                let path = self.drop_bytes(bytes.as_bytes(), "mkv");
                // It is looked at by the minute, and is no film in the end.
                self.films.remove(&path);
            }
            Move::Rename => {
                if let Some(path) = self.any_film(random) {
                    let new = path.replace('/', "/renamed-");
                    if fs::rename(self.at("input").join(&path), self.at("input").join(&new)).is_ok() {
                        let hash = self.films.remove(&path).unwrap();
                        self.films.insert(new, hash);
                    }
                }
            }
            Move::Delete => {
                if let Some(path) = self.any_film(random) {
                    let _ = fs::remove_file(self.at("input").join(&path));
                    self.films.remove(&path);
                }
            }
            Move::EditQueue => self.edit_queue(random),
            Move::BreakQueue => {
                let rebuilt = self.times_rebuilt();
                fs::write(self.at("conf/tasks.json"), b"[{\"id\": \"brok").unwrap();
                self.until_mended();
                // A service that runs knows what was in it. One that just starts has only receipts and archives: ids of
                // what had failed or waited are gone then, and what lies in input/ is taken anew.
                if self.times_rebuilt() > rebuilt {
                    self.ids.clear();
                }
            }
            Move::EditSettings => {
                let settings = [
                    "max_jobs = 1\n",
                    "max_jobs = 3\n",
                    "sweep_seconds = 5\n",
                    "profile = \"quick\"\n",
                    "",
                ];
                let setting = settings[random.place(settings.len())];
                // A key that stands already may not stand twice.
                let is_free = setting
                    .split(' ')
                    .next()
                    .is_none_or(|key| key.is_empty() || !SETTINGS.contains(key));
                self.configure(if is_free { setting } else { "" });
            }
            Move::BreakSettings => {
                fs::write(self.at("conf/video-compressor.toml"), "sweep_seconds = = 3").unwrap();
                thread::sleep(Duration::from_secs(2));
                self.configure("");
            }
            Move::FillDisk => {
                let fill = self.at("output/fill");
                if let Ok(mut file) = File::create(&fill) {
                    let portion = vec![0; 1 << 20];
                    while file.write_all(&portion).is_ok() {}
                }
                thread::sleep(Duration::from_secs(3));
                let _ = fs::remove_file(fill);
            }
            Move::TurnPhone => {
                self.is_phone_on = !self.is_phone_on;
                self.configure("");
            }
            Move::KillEncoder => {
                if let Some(encoder) = self.encoder(random) {
                    let signals = [Signal::KILL, Signal::TERM, Signal::SEGV];
                    let _ = kill_process(encoder, signals[random.place(signals.len())]);
                }
            }
            Move::StopEncoder => {
                if let Some(encoder) = self.encoder(random) {
                    let _ = kill_process(encoder, Signal::STOP);
                }
            }
            Move::KillService => {
                self.kill();
                self.start();
            }
            Move::StopService => {
                self.stop();
                self.start();
            }
            Move::PauseAndResume => {
                let freeze = random.below(2) == 0;
                let pause: &[&str] = if freeze {
                    &["pause", "--freeze"]
                } else {
                    &["pause"]
                };
                let _ = finish(&mut self.program(pause));
                thread::sleep(Duration::from_secs(3));
                let _ = finish(&mut self.program(&["resume"]));
            }
            Move::TurnClock => {
                let jumps = ["-2d", "+400d", "+1h", "-1h", "+0"];
                fs::write(self.at("clock"), jumps[random.place(jumps.len())]).unwrap();
            }
            Move::Wait => thread::sleep(Duration::from_millis(random.below(4000))),
            Move::DropFilm | Move::DropLongFilm | Move::CopySlowly => thread::sleep(Duration::from_secs(1)),
        }
    }

    /// The running service writes the queue anew; without one that is left to the next.
    fn until_mended(&self) {
        let began = Instant::now();
        while self.service.is_some() {
            let bytes = fs::read(self.at("conf/tasks.json")).unwrap_or_default();
            if serde_json::from_slice::<Vec<Value>>(&bytes).is_ok() {
                return;
            }
            assert!(
                began.elapsed() < MENDED_WITHIN,
                "O4: tasks.json stays broken: {}",
                self.last_words()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The end of what the service printed, for a person who wants to know why.
    fn last_words(&self) -> String {
        let console = fs::read_to_string(self.at("console")).unwrap_or_default();
        let lines: Vec<&str> = console.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// How often a start had to make the queue again.
    fn times_rebuilt(&self) -> usize {
        let logs = self.at("logs");
        files_below(&logs)
            .iter()
            .map(|name| fs::read_to_string(logs.join(name)).unwrap_or_default())
            .map(|log| log.matches(" tasks from receipts").count())
            .sum()
    }

    fn any_film(&self, random: &mut Random) -> Option<String> {
        let place = random.place(self.films.len());
        self.films.keys().nth(place).cloned()
    }

    /// As a person with an editor: read, change, write.
    fn edit_queue(&mut self, random: &mut Random) {
        let file = self.at("conf/tasks.json");
        let Ok(mut rows) = serde_json::from_slice::<Vec<Value>>(&fs::read(&file).unwrap_or_default()) else {
            return;
        };
        if rows.is_empty() {
            return;
        }
        let place = random.place(rows.len());
        if random.below(4) == 0 {
            // Its film goes as well, or the next sweep would take it anew, which is right, and hard to follow.
            let row = rows.remove(place);
            let path = row["path"].as_str().unwrap_or_default().to_owned();
            self.removed
                .insert(row["id"].as_str().unwrap_or_default().to_owned());
            let _ = fs::remove_file(self.at("input").join(&path));
            self.films.remove(&path);
        } else {
            rows[place]["priority"] = random.below(9).into();
        }
        let new = self.at("conf/edited");
        fs::write(&new, serde_json::to_vec_pretty(&rows).unwrap()).unwrap();
        fs::rename(new, file).unwrap();
    }

    fn rows(&self) -> Vec<Value> {
        match all_rows(&self.at("conf")) {
            Ok(rows) => rows,
            // The user broke it a moment ago; the service writes it anew.
            Err(why) if why.starts_with("tasks.json: ") => Vec::new(),
            Err(why) => panic!("O4: {why}"),
        }
    }

    /// What holds at any moment.
    fn look(&mut self) {
        for (path, hash) in &self.films {
            let bytes = fs::read(self.at("input").join(path)).unwrap_or_default();
            assert_eq!(xxh3_128(&bytes), *hash, "O2: {path}");
        }
        for name in files_below(&self.at("output")) {
            let is_ours = !name.starts_with(".work") && !name.contains(".vc-") && name != "fill";
            let file = self.at("output").join(&name);
            let Ok(metadata) = file.metadata() else { continue };
            let version = (metadata.ino(), metadata.mtime_nsec());
            if is_ours && self.decoded.get(&file) != Some(&version) {
                assert_whole(&file);
                self.decoded.insert(file, version);
            }
        }
        let rows = self.rows();
        self.ids.extend(
            rows.iter()
                .filter_map(|row| row["id"].as_str().map(ToOwned::to_owned)),
        );
        let Some(pid) = self.pid() else { return };
        let pid = pid.as_raw_nonzero();
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else {
            return;
        };
        let number = |key: &str| -> u64 {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(key))
                .unwrap_or(" 0");
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        assert!(descriptors < MOST_DESCRIPTORS, "O8: {descriptors} descriptors");
        assert!(
            number("Threads:") < MOST_THREADS as u64,
            "O8: {} threads",
            number("Threads:")
        );
        assert!(number("VmRSS:") < MOST_MEMORY_KIB, "O8: {} KiB", number("VmRSS:"));
        let bytes: u64 = ["conf", "logs"]
            .iter()
            .flat_map(|folder| {
                let folder = self.at(folder);
                files_below(&folder)
                    .into_iter()
                    .map(move |name| folder.join(name))
            })
            .filter_map(|file| Some(file.metadata().ok()?.len()))
            .sum();
        assert!(bytes < MOST_STATE_BYTES, "O8: {bytes} bytes of state and logs");
    }

    fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.rows() {
            *counts
                .entry(row["status"].as_str().unwrap_or_default().to_owned())
                .or_default() += 1;
        }
        counts
    }

    /// Every film that is there now has one whole output.
    fn all_is_done(&self) -> Result<(), String> {
        let rows = self.rows();
        for path in self.films.keys() {
            let newest = rows.iter().rfind(|row| row["path"] == path.as_str());
            let Some(newest) = newest else {
                return Err(format!("{path} is not known"));
            };
            match newest["status"].as_str() {
                Some("processed") => {}
                // A film under another name is its own duplicate.
                Some("skipped")
                    if newest["reason"]
                        .as_str()
                        .is_some_and(|reason| reason.contains("same")) => {}
                status => return Err(format!("{path} is {status:?}: {newest}")),
            }
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
        let _ = Command::new("umount").arg("-l").arg(self.at("output")).status();
    }
}

fn assert_whole(output: &Path) {
    let wrong = undecodable(output);
    // It may have been replaced or removed meanwhile.
    assert!(wrong.is_none() || !output.exists(), "O1: {wrong:?}");
}

fn faketime() -> Option<&'static str> {
    [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    ]
    .into_iter()
    .find(|library| Path::new(library).exists())
}

#[test]
fn a_user_who_does_everything_at_once_loses_nothing() {
    let Some(hours) = std::env::var("SOAK_HOURS")
        .ok()
        .and_then(|hours| hours.parse::<f64>().ok())
    else {
        return println!("runs with SOAK_HOURS=1 (make soak HOURS=1)");
    };
    println!(
        "the clock {}",
        if faketime().is_some() {
            "jumps"
        } else {
            "stays: faketime is not installed"
        }
    );
    let mut random = Random::new("soak");
    let mut site = Site::new();
    site.start();
    let began = Instant::now();
    let mut looked = Instant::now();
    let mut made: BTreeMap<Move, u32> = BTreeMap::new();
    while began.elapsed() < Duration::from_secs_f64(hours * 3600.0) {
        let what = MOVES[random.place(MOVES.len())];
        site.make(what, &mut random);
        site.is_still_there();
        *made.entry(what).or_default() += 1;
        if looked.elapsed() >= LOOK_EVERY {
            site.look();
            looked = Instant::now();
            println!(
                "{:5.0} s: {} films, tasks {:?}",
                began.elapsed().as_secs_f64(),
                site.films.len(),
                site.counts()
            );
        }
    }
    println!(
        "what the user did: {made:?}; {} starts of the service",
        site.starts
    );
    // Everything is as it should be again.
    fs::write(site.at("clock"), "+0").unwrap();
    site.is_phone_on = true;
    site.configure("");
    let _ = finish(&mut site.program(&["resume"]));
    if site.service.is_none() {
        site.start();
    }
    let ended = Instant::now();
    while let Err(why) = site.all_is_done() {
        assert!(ended.elapsed() < PATIENCE, "O9: {why}");
        // Kills and full disks are no fault of a film.
        let _ = finish(&mut site.program(&["retry", "--failed"]));
        thread::sleep(Duration::from_secs(2));
    }
    site.look();
    site.stop();
    let known: BTreeSet<String> = site
        .rows()
        .iter()
        .filter_map(|row| row["id"].as_str().map(ToOwned::to_owned))
        .collect();
    let lost: Vec<_> = site
        .ids
        .iter()
        .filter(|id| !known.contains(*id) && !site.removed.contains(*id))
        .collect();
    assert!(lost.is_empty(), "O3: {lost:?}");
}
