//! kill -9, again and again at random moments, while the service works through a folder of clips: in the end every one
//! came to the end that it comes to undisturbed, no encoder was ever left running, and no more encoded film was thrown
//! away than one chunk for each kill and slot.
//!
//! Runs with `make faults` (KILLS=50) and `make faults-long` (500). KILL_CLIPS names a folder with real clips; without
//! it, small ones are made. KILL_LONGEST leaves out clips of more seconds, KILL_CHUNKS gives the length of a chunk in
//! seconds, at least 10.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{
    chance::Random,
    clips::{clip, length_s, small},
    root::{all_rows, files_below, finish},
};
use serde_json::Value;
use tempfile::TempDir;
use video_compressor::chunk::manifest::Manifest;

const PATIENCE: Duration = Duration::from_secs(120);
/// A report of progress may be so much older than the manifest beside it.
const REPORT_SLACK_S: f64 = 1.5;

const SETTINGS: &str = r#"
settle_seconds = 0.1
settle_seconds_without_lease = 0.1
sweep_seconds = 0.5
check_interval_seconds = 0.2
min_free_bytes = 1
min_saving = -10000
measure_quality = "off"
nice = 0
chunk_min_seconds = 20
profile = "quick"
extensions = ["mp4", "mkv", "mov", "avi", "webm", "m4v", "ts", "m2ts", "mts", "mpg", "wmv", "flv"]
"#;
const PROFILE: &str = "[profiles.quick]\nbased_on = \"fast\"\npreset = \"superfast\"\n";

fn number(name: &str, usual: u32) -> u32 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

struct Site(TempDir);

impl Site {
    fn new(clips: &[PathBuf]) -> Self {
        let site = Self(tempfile::Builder::new().prefix("vc-kills-").tempdir().unwrap());
        for folder in ["conf", "input/480"] {
            fs::create_dir_all(site.at(folder)).unwrap();
        }
        let chunk = number("KILL_CHUNKS", 10);
        fs::write(
            site.at("conf/video-compressor.toml"),
            format!("{SETTINGS}chunk_seconds = {chunk}\n{PROFILE}"),
        )
        .unwrap();
        for clip in clips {
            fs::copy(clip, site.at("input/480").join(clip.file_name().unwrap())).unwrap();
        }
        site
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
        command
            .arg("--root")
            .arg(self.0.path())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null());
        command
    }

    fn start(&self) -> Child {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.at("console"))
            .unwrap();
        let child = self
            .program(&["run"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        until("the service runs", || {
            let pid = fs::read_to_string(self.at("conf/.instance.lock")).ok()?;
            (pid.trim() == child.id().to_string()).then_some(())
        });
        child
    }

    fn rows(&self) -> Vec<Value> {
        all_rows(&self.at("conf")).unwrap()
    }

    /// Of each path, how its task ended.
    fn endings(&self) -> BTreeMap<String, Vec<String>> {
        let mut endings: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in self.rows() {
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            endings.entry(text("path")).or_default().push(text("status"));
        }
        endings
    }

    /// What was cut off three times is a person's to try again; here it is the kills that are to blame.
    fn retry_what_was_cut_off(&self) {
        for row in self.rows().iter().filter(|row| row["status"] == "failed") {
            let error = row["error"].as_str().unwrap_or_default();
            if error.contains("cut off 3 times") {
                let retried = finish(&mut self.program(&["retry", row["id"].as_str().unwrap()]));
                assert_eq!(retried.code, 0, "{retried:?}");
            }
        }
    }

    /// Encoders of this site that run.
    fn encoders(&self) -> Vec<String> {
        let root = self.0.path().to_str().unwrap();
        let lines = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " "))
        });
        lines
            .filter(|line| line.contains(root) && !line.contains("video-compressor "))
            .collect()
    }

    /// What is encoded now and not yet kept: seconds of film of each encode, and the longest that it may lose.
    fn under_way(&self, lengths_s: &BTreeMap<String, f64>) -> Vec<(f64, f64)> {
        let live: Value = fs::read(self.at("conf/live.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let encodes = live["encodes"].as_array().cloned().unwrap_or_default();
        let mut under_way = Vec::new();
        for encode in encodes {
            let Some(percent) = encode["percent"].as_f64() else {
                continue;
            };
            let length_s = lengths_s[encode["path"].as_str().unwrap()];
            let work = self.at("output/.work").join(encode["id"].as_str().unwrap());
            let manifest = fs::read(work.join("manifest.json"))
                .ok()
                .and_then(|bytes| Manifest::from_bytes(&bytes).ok());
            let (kept, most_s) = match &manifest {
                Some(manifest) => (
                    manifest.progress(),
                    longest_s(manifest, length_s) * slots(&encode),
                ),
                None => (0.0, length_s),
            };
            let slack_s = REPORT_SLACK_S * encode["speed"].as_f64().unwrap_or(0.0);
            under_way.push((((percent / 100.0 - kept) * length_s).max(0.0), most_s + slack_s));
        }
        under_way
    }
}

/// How many children an encode has.
fn slots(encode: &Value) -> f64 {
    let children = encode["child_pids"].as_array().map_or(1, Vec::len).max(1);
    f64::from(u32::try_from(children).unwrap())
}

fn longest_s(manifest: &Manifest, length_s: f64) -> f64 {
    let counts = || manifest.chunks.iter().map(|entry| f64::from(entry.chunk.count()));
    counts().fold(0.0, f64::max) / counts().sum::<f64>() * length_s
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Real ones where there are some.
fn clips() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os("KILL_CLIPS").filter(|folder| !folder.is_empty()) {
        let mut clips: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file() && path.extension().is_some_and(|extension| extension != "md"))
            .filter(|path| length_s(path) <= f64::from(number("KILL_LONGEST", u32::MAX)))
            .collect();
        clips.sort();
        return clips;
    }
    let mut clips: Vec<PathBuf> = (2000..2020).map(small).collect();
    for seed in 0..3 {
        clips.push(clip(
            &format!("-f lavfi -i testsrc2=size=320x180:rate=25:duration=45,hue=h={seed} -c:v libx264 -preset ultrafast -g 50"),
            "mkv",
        ));
    }
    clips
}

#[test]
fn killed_at_any_moment_every_clip_comes_to_its_end_once_and_little_is_encoded_twice() {
    if std::env::var_os("VIDEO_COMPRESSOR_FAULTS").is_none() {
        return println!("kill loops run with VIDEO_COMPRESSOR_FAULTS=1 (make faults)");
    }
    let kills = number("KILLS", 50);
    let mut random = Random::new("kills");
    let clips = clips();
    let lengths_s: BTreeMap<String, f64> = clips
        .iter()
        .map(|clip| {
            let name = format!("480/{}", clip.file_name().unwrap().to_str().unwrap());
            (name, length_s(clip))
        })
        .collect();

    let undisturbed = Site::new(&clips);
    let _ = finish(&mut undisturbed.program(&["once", "--timeout", "30"]));
    let expected = undisturbed.endings();
    assert_eq!(expected.len(), clips.len());

    let (mut lost_s, mut at_work, mut kill, mut rounds) = (0.0, 0, 0, 0);
    while kill < kills {
        let site = Site::new(&clips);
        rounds += 1;
        // A service that has nothing left to do is not worth a kill.
        while kill < kills && site.endings() != expected {
            kill += 1;
            let mut service = site.start();
            random.let_pass(4000);
            let under_way = site.under_way(&lengths_s);
            service.kill().unwrap();
            service.wait().unwrap();
            for (seconds, most_s) in &under_way {
                assert!(
                    seconds <= most_s,
                    "kill {kill} threw away {seconds:.1} s of film, a chunk a slot is {most_s:.1} s"
                );
                lost_s += seconds;
            }
            at_work += u32::from(!under_way.is_empty());
            until("no encoder is left", || site.encoders().is_empty().then_some(()));
            site.retry_what_was_cut_off();
        }
        assert_comes_to_its_end(&site, &undisturbed);
    }
    assert!(at_work > 0, "no kill met an encode");
    println!(
        "{kills} kills in {rounds} rounds over {} clips, {at_work} of them during encodes, which threw away {lost_s:.0} s of encoded film in all",
        clips.len()
    );
}

/// As the one that nobody disturbed.
fn assert_comes_to_its_end(site: &Site, undisturbed: &Site) {
    // The last kill may have been a film's third.
    let _ = finish(&mut site.program(&["once", "--timeout", "30"]));
    site.retry_what_was_cut_off();
    let last = finish(&mut site.program(&["once", "--timeout", "30"]));
    assert_eq!(site.endings(), undisturbed.endings(), "{last:?}");
    let outputs = |site: &Site| {
        let mut names = files_below(&site.at("output"));
        names.retain(|name| !name.starts_with(".work"));
        names
    };
    assert_eq!(outputs(site), outputs(undisturbed));
    for name in outputs(site) {
        assert_whole(&site.at("output").join(name));
    }
}

fn assert_whole(output: &Path) {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(output)
        .args(["-map", "0:V", "-f", "null", "-"])
        .output()
        .unwrap();
    assert!(decoded.status.success(), "{}: {decoded:?}", output.display());
}
