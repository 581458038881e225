//! The real binary, killed and stopped at bad moments: nothing is lost, doubled or left behind.
//!
//! Random moments come from a seed that is printed; `CRASH_SEED=…` repeats a run.
#![allow(clippy::disallowed_methods)]

#[path = "common/chance.rs"]
mod chance;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use chance::Random;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(120);
/// The promise for an orderly stop.
const STOP_LIMIT: Duration = Duration::from_secs(15);
/// How often the service is killed while it encodes and publishes.
const ROUNDS: u32 = 12;

const QUICK: &str = r#"
sweep_seconds = 0.2
settle_seconds = 0.1
settle_seconds_without_lease = 0.1
check_interval_seconds = 0.1
rotation_threshold = 5
rotation_idle_scans = 1
min_free_bytes = 0
min_saving = -10000
profile = "quick"
threads = 1
[profiles.quick]
preset = "ultrafast"
crf = 30
x265_params = ""
"#;

struct Site {
    folder: TempDir,
}

impl Site {
    fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["conf", "input/720"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let site = Self { folder };
        site.configure(settings);
        site
    }

    fn configure(&self, settings: &str) {
        fs::write(self.path("conf/video-compressor.toml"), settings).unwrap();
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
        command
            .args(arguments)
            .arg("--root")
            .arg(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null());
        command
    }

    fn start(&self) -> Running<'_> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("console"))
            .unwrap();
        let child = self
            .command(&["run"])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Running { child, site: self }
    }

    fn finish(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs `once` to its end, and returns its console.
    fn once(&self, code: i32) -> String {
        let output = self.finish(&["once", "--timeout", "30"]);
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    }

    fn clip(&self, name: &str, source: &str) -> PathBuf {
        let path = self.path(&format!("input/720/{name}"));
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", source])
            .args(["-c:v", "mpeg4", "-q:v", "2", "-y"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success(), "{source}");
        path
    }

    fn rows(&self) -> Vec<Value> {
        rows(&self.path("conf/tasks.json"))
    }

    fn archives(&self) -> Vec<PathBuf> {
        let mut archives = names(&self.path("conf"));
        archives.retain(|name| {
            let stamp = name
                .strip_prefix("tasks.json.")
                .or(name.strip_prefix("tasks-err.json."));
            stamp.is_some_and(|stamp| stamp.starts_with(|first: char| first.is_ascii_digit()))
        });
        archives.iter().map(|name| self.path("conf").join(name)).collect()
    }

    fn change_only_row(&self, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
        let mut rows = self.rows();
        assert_eq!(rows.len(), 1);
        change(rows[0].as_object_mut().unwrap());
        fs::write(self.path("conf/tasks.json"), serde_json::to_vec(&rows).unwrap()).unwrap();
    }

    /// Files below `output/`, hidden ones as well.
    fn outputs(&self) -> Vec<PathBuf> {
        let mut outputs: Vec<PathBuf> = walkdir::WalkDir::new(self.path("output"))
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file())
            .map(walkdir::DirEntry::into_path)
            .collect();
        outputs.sort();
        outputs
    }

    /// Processes other than our own child that work for this site.
    fn encoders(&self) -> Vec<String> {
        let root = self.folder.path().to_str().unwrap();
        let lines = names(Path::new("/proc")).into_iter().filter_map(|pid| {
            let pid: u32 = pid.parse().ok()?;
            let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (line.contains(root) && !line.contains("video-compressor ")).then(|| format!("{pid} {line}"))
        });
        lines.collect()
    }

    fn wait_until_no_encoder_is_left(&self) {
        wait_for("the end of all encoders", || {
            self.encoders().is_empty().then_some(())
        });
    }
}

/// A service that is killed at the latest when the test ends.
struct Running<'a> {
    child: Child,
    site: &'a Site,
}

impl Running<'_> {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// # Panics
    /// When it has not ended by `limit`.
    fn wait(mut self, limit: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < limit, "it still runs after {limit:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Until it listens to signals.
    fn wait_until_it_runs(&self) {
        let live = self.site.path("conf/live.json");
        wait_for("the service to run", || {
            let live: Value = serde_json::from_slice(&fs::read(&live).ok()?).ok()?;
            (live["pid"].as_u64()? == u64::from(self.child.id())).then_some(())
        });
    }

    fn wait_for_encoder(&mut self) -> u32 {
        let live = self.site.path("conf/live.json");
        wait_for("an encoder", || {
            assert_eq!(self.child.try_wait().unwrap(), None, "the service has ended");
            let live: Value = serde_json::from_slice(&fs::read(&live).ok()?).ok()?;
            let pid = live["encodes"][0]["child_pids"][0].as_u64()?;
            let part = self
                .site
                .outputs()
                .iter()
                .any(|path| path.to_string_lossy().ends_with(".part"));
            part.then(|| u32::try_from(pid).unwrap())
        })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Looks again and again until there is something.
#[track_caller]
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The rows of a state file; none when there is no such file. It must parse.
fn rows(path: &Path) -> Vec<Value> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            panic!("{}: {error}: {}", path.display(), String::from_utf8_lossy(&bytes))
        }),
        Err(_) => Vec::new(),
    }
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("")
}

#[test]
fn killed_while_it_saves_and_rotates_every_file_ends_in_exactly_one_place() {
    let mut random = Random::new("save and rotate");
    let site = Site::new(QUICK);
    let mut archives: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut files = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for round in 0..14 {
        for number in 0..=random.below(12) {
            let name = format!("720/{round:02}-{number:02}.mp4");
            fs::write(site.path("input").join(&name), format!("no video: {name}")).unwrap();
            files.insert(name);
        }
        let before = fs::metadata(site.path("conf/tasks.json"))
            .ok()
            .map(|file| file.ino());
        let running = site.start();
        wait_for("the first save of this run", || {
            let now = fs::metadata(site.path("conf/tasks.json")).ok()?.ino();
            (Some(now) != before).then_some(())
        });
        random.let_pass(900);
        running.kill();

        let mut archived = BTreeSet::new();
        for path in site.archives() {
            let bytes = fs::read(&path).unwrap();
            let known = archives.entry(path.clone()).or_insert_with(|| bytes.clone());
            assert_eq!(*known, bytes, "{} was changed", path.display());
            for row in rows(&path) {
                let id = text(&row, "id").to_owned();
                assert!(archived.insert(id.clone()), "{id} is in two archives");
            }
        }
        assert!(archives.keys().all(|path| path.exists()));
        let live = site.rows().iter().map(|row| text(row, "id").to_owned()).collect();
        let now: BTreeSet<String> = archived.union(&live).cloned().collect();
        assert!(
            ids.is_subset(&now),
            "lost {:?}",
            ids.difference(&now).collect::<Vec<_>>()
        );
        ids = now;
    }
    let running = site.start();
    // What is waited for next may have been so before it.
    running.wait_until_it_runs();
    let places = || {
        let mut places: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let archives = site.archives();
        let archived = archives.iter().flat_map(|path| rows(path));
        for row in archived.chain(site.rows()) {
            places.entry(text(&row, "path").to_owned()).or_default().push(row);
        }
        places
    };
    wait_for("a rotation of what is finished", || {
        let places = places();
        let is_open = |row: &Value| ["queued", "processing"].contains(&text(row, "status"));
        let is_done = places.len() == files.len() && !places.values().flatten().any(is_open);
        (is_done && site.rows().len() < 5).then_some(())
    });
    running.signal(Signal::TERM);
    assert_eq!(running.wait(STOP_LIMIT).code(), Some(0));
    let places = places();
    for name in files {
        let rows = &places[&name];
        assert_eq!(rows.len(), 1, "{name}: {rows:?}");
        assert_eq!(text(&rows[0], "status"), "failed");
    }
    let left: Vec<_> = names(&site.path("conf"))
        .into_iter()
        .filter(|name| name.ends_with(".vc-tmp") || name.contains(".corrupt-"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn killed_while_it_encodes_and_publishes_every_clip_ends_with_one_whole_output() {
    let mut random = Random::new("encode and publish");
    let site = Site::new(&QUICK.replace("rotation_threshold = 5", "rotation_threshold = 1000"));
    let mut sources = BTreeMap::new();
    let is_done = |site: &Site, sources: &BTreeMap<PathBuf, Vec<u8>>| {
        let rows = site.rows();
        rows.len() == sources.len()
            && rows
                .iter()
                .all(|row| !["queued", "processing"].contains(&text(row, "status")))
    };
    let mut disturbed = 0;
    for round in 0..ROUNDS {
        // Each run has something new to do, however many encodes this machine can run at once.
        for number in [2 * round, 2 * round + 1] {
            let (width, height) = (64 + 8 * number, 64 + 4 * number);
            let length = 1.0 + f64::from(number % 3) / 2.0;
            let extension = ["mkv", "mp4", "mov", "avi"][number as usize % 4];
            let name = format!("{number:02}.{extension}");
            let source = format!("testsrc2=size={width}x{height}:rate=25:duration={length}");
            let path = site.clip(&name, &source);
            sources.insert(path.clone(), fs::read(path).unwrap());
        }
        let known = site.outputs().len();
        let mut running = site.start();
        // Some kills while an encode runs, some about the moment at which an output gets its name.
        if random.below(2) == 0 {
            running.wait_for_encoder();
            random.let_pass(300);
        } else {
            wait_for("an output", || {
                (site.outputs().len() > known || is_done(&site, &sources)).then_some(())
            });
            random.let_pass(120);
        }
        running.kill();
        site.wait_until_no_encoder_is_left();
        disturbed += u32::from(!is_done(&site, &sources));
    }
    println!("{disturbed} of {ROUNDS} kills left work undone");
    assert!(disturbed > 0, "nothing was disturbed");
    site.finish(&["once", "--timeout", "30"]);
    let given_up: Vec<Value> = site
        .rows()
        .into_iter()
        .filter(|row| text(row, "status") == "failed")
        .collect();
    for row in &given_up {
        assert!(text(row, "error").contains("cut off 3 times"), "{row}");
        let retried = site.finish(&["retry", text(row, "id")]);
        assert!(retried.status.success(), "{retried:?}");
    }
    println!("{} tasks were cut off three times", given_up.len());
    site.once(0);

    let rows = site.rows();
    let mut outputs = BTreeSet::new();
    assert_eq!(rows.len(), sources.len());
    for row in &rows {
        assert_eq!(text(row, "status"), "processed", "{row}");
        assert!(
            outputs.insert(site.path("output").join(text(row, "output"))),
            "{row}"
        );
    }
    assert_eq!(site.outputs(), outputs.iter().cloned().collect::<Vec<_>>());
    for output in &outputs {
        assert!(!output.to_string_lossy().contains("(2)"));
        let decoded = Command::new("ffmpeg")
            .args(["-v", "error", "-xerror", "-nostdin", "-i"])
            .arg(output)
            .args(["-f", "null", "-"])
            .output()
            .unwrap();
        assert!(
            decoded.status.success() && decoded.stderr.is_empty(),
            "{decoded:?}"
        );
    }
    for (source, bytes) in &sources {
        assert!(fs::read(source).unwrap() == *bytes, "{}", source.display());
    }
    site.wait_until_no_encoder_is_left();
}

/// A site with one clip, encoded by `once`; its output.
fn encoded() -> (Site, PathBuf) {
    let site = Site::new(QUICK);
    site.clip("a.mkv", "testsrc2=size=96x64:rate=25:duration=1");
    site.once(0);
    let outputs = site.outputs();
    assert_eq!(outputs, [site.path("output/720/a.mkv")]);
    let output = outputs[0].clone();
    (site, output)
}

/// Takes the only task back to the moment between its result's recording and its end.
fn undo_the_end(site: &Site) -> String {
    site.change_only_row(|row| {
        row["status"] = "processing".into();
        for key in ["end_time", "file_size_after", "time_taken_seconds"] {
            row[key] = Value::Null;
        }
    });
    text(&site.rows()[0], "id").to_owned()
}

#[test]
fn a_crash_between_the_result_and_its_name_is_completed_not_repeated() {
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Found {
        Part,
        Output,
        Neither,
    }
    for found in [Found::Part, Found::Output, Found::Neither] {
        let (site, output) = encoded();
        let id = undo_the_end(&site);
        let part = site.path(&format!("output/720/.vc-{id}.part"));
        let inode = output.metadata().unwrap().ino();
        match found {
            Found::Part => fs::rename(&output, &part).unwrap(),
            Found::Output => {}
            // Its inode must not be given to the next file.
            Found::Neither => fs::rename(&output, site.path("kept")).unwrap(),
        }
        site.once(0);
        let rows = site.rows();
        assert_eq!(rows.len(), 1, "{found:?}");
        assert_eq!(text(&rows[0], "status"), "processed", "{found:?}");
        assert_eq!(
            rows[0]["file_size_after"].as_u64(),
            Some(output.metadata().unwrap().len())
        );
        assert_eq!(site.outputs(), std::slice::from_ref(&output), "{found:?}");
        let is_same = output.metadata().unwrap().ino() == inode;
        assert_eq!(is_same, found != Found::Neither, "{found:?}");
        let attempts = if found == Found::Neither { 2 } else { 1 };
        assert_eq!(rows[0]["attempts"].as_u64(), Some(attempts), "{found:?}");
    }
}

#[test]
fn a_retry_that_crashed_before_its_result_had_its_name_replaces_its_own_earlier_output() {
    let (site, output) = encoded();
    let id = text(&site.rows()[0], "id").to_owned();
    assert!(site.finish(&["retry", &id]).status.success());
    site.once(0);
    assert_eq!(site.outputs(), std::slice::from_ref(&output));
    let second = output.metadata().unwrap().ino();
    let row = site.rows().remove(0);
    assert_eq!(text(&row, "status"), "processed");
    undo_the_end(&site);
    // As it was before the second result got its name: the first one still has it.
    let part = site.path(&format!("output/720/.vc-{}.part", text(&row, "id")));
    fs::rename(&output, part).unwrap();
    fs::write(&output, "the first result").unwrap();
    let first = output.metadata().unwrap();
    site.change_only_row(|row| {
        row.insert("previous_output".into(), "720/a.mkv".into());
        let mtime_ns = first.mtime() * 1_000_000_000 + first.mtime_nsec();
        row.insert(
            "previous_output_file".into(),
            serde_json::json!({
                "device": first.dev(), "inode": first.ino(), "size": first.len(), "mtime_ns": mtime_ns, "ctime_ns": 0
            }),
        );
    });
    site.once(0);
    assert_eq!(site.outputs(), std::slice::from_ref(&output));
    assert_eq!(output.metadata().unwrap().ino(), second);
    assert_eq!(text(&site.rows()[0], "status"), "processed");
}

#[test]
fn a_completed_publish_still_brings_the_sidecars() {
    let (site, output) = encoded();
    let id = undo_the_end(&site);
    fs::rename(&output, site.path(&format!("output/720/.vc-{id}.part"))).unwrap();
    fs::write(site.path("input/720/a.srt"), "subtitles").unwrap();
    site.configure(&format!(
        "after_success = \"delete\"\nsidecars = \"follow\"\n{QUICK}"
    ));
    site.once(0);
    assert_eq!(fs::read(site.path("output/720/a.srt")).unwrap(), b"subtitles");
    assert!(output.exists());
    assert!(!site.path("input/720/a.mkv").exists());
    assert!(!site.path("input/720/a.srt").exists());
}

#[test]
fn a_source_whose_archiving_was_cut_off_is_moved_at_the_next_start() {
    let (site, _) = encoded();
    let bytes = fs::read(site.path("input/720/a.mkv")).unwrap();
    site.change_only_row(|row| drop(row.insert("disposal".into(), "pending".into())));
    site.configure(&format!("after_success = \"archive\"\n{QUICK}"));
    site.once(0);
    assert!(!site.path("input/720/a.mkv").exists());
    assert_eq!(fs::read(site.path("input/.done/720/a.mkv")).unwrap(), bytes);
    assert_eq!(site.rows()[0].get("disposal"), None);
    assert_eq!(text(&site.rows()[0], "status"), "processed");
}

/// A site with a clip whose encode takes far longer than the test.
fn long_encode() -> Site {
    let settings = QUICK
        .replace("ultrafast", "placebo")
        .replace("rotation_threshold = 5", "rotation_threshold = 1000");
    let site = Site::new(&settings);
    site.clip("long.mkv", "testsrc2=size=640x360:rate=25:duration=20");
    site
}

fn assert_queued_without_blame(site: &Site) {
    let rows = site.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(text(&rows[0], "status"), "queued", "{rows:?}");
    assert_eq!(rows[0]["attempts"].as_u64().unwrap_or(0), 0, "{rows:?}");
    assert_eq!(site.outputs(), Vec::<PathBuf>::new());
    assert!(!site.path("conf/live.json").exists());
}

#[test]
fn a_stop_ends_the_encoder_in_time_and_a_second_instance_is_refused_until_then() {
    let site = long_encode();
    let mut running = site.start();
    running.wait_for_encoder();

    let second = site.finish(&["run"]);
    let complaint = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(3), "{complaint}");
    assert!(
        complaint.contains(&format!("pid {}", running.child.id())),
        "{complaint}"
    );

    running.signal(Signal::TERM);
    assert_eq!(running.wait(STOP_LIMIT).code(), Some(0));
    assert_eq!(site.encoders(), Vec::<String>::new());
    assert_queued_without_blame(&site);
}

#[test]
fn an_encoder_that_does_not_answer_is_killed_and_a_second_signal_ends_at_once() {
    let site = long_encode();
    let mut running = site.start();
    let encoder = running.wait_for_encoder();
    kill_process(Pid::from_raw(encoder.cast_signed()).unwrap(), Signal::STOP).unwrap();
    running.signal(Signal::TERM);
    assert_eq!(running.wait(STOP_LIMIT).code(), Some(0));
    assert_eq!(site.encoders(), Vec::<String>::new());
    assert_queued_without_blame(&site);

    let mut running = site.start();
    let encoder = running.wait_for_encoder();
    kill_process(Pid::from_raw(encoder.cast_signed()).unwrap(), Signal::STOP).unwrap();
    running.signal(Signal::TERM);
    wait_for("the first signal's word", || {
        let mut console = String::new();
        fs::File::open(site.path("console"))
            .unwrap()
            .read_to_string(&mut console)
            .unwrap();
        (console.matches("stopping").count() == 2).then_some(())
    });
    running.signal(Signal::TERM);
    assert_eq!(running.wait(Duration::from_secs(2)).code(), Some(130));
    site.wait_until_no_encoder_is_left();
}
