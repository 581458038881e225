//! The power goes, again and again, while the service works: nothing incomplete bears an output's name, no source is touched,
//! the queue parses, and in the end every film is compressed once.
//!
//! A file system of its own in a file is shut down without flushing its log (FS_IOC_SHUTDOWN), which loses what was not
//! fsynced as a power cut does; then it is mounted again. Runs with `make faults` (POWER_CUTS=20) and `make faults-long`
//! (200).
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{
    chance::Random,
    clips::{small, undecodable},
    root::{all_rows, can_use, finish},
    skip,
};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

/// linux/fs.h: `_IOR('X', 125, __u32)`, and the flag for "do not flush the log".
const FS_IOC_SHUTDOWN: libc::c_ulong = 0x8004_587d;
const NO_LOG_FLUSH: u32 = 2;
/// xfs takes nothing smaller.
const DISK_MIB: u64 = 320;
const PATIENCE: Duration = Duration::from_secs(60);
/// Films that are encoded at one time or wait for it.
const NEW_FILMS_A_CUT: u32 = 2;

const SETTINGS: &str = r#"
settle_seconds = 0.1
settle_seconds_without_lease = 0.1
sweep_seconds = 0.5
check_interval_seconds = 0.2
min_free_bytes = 1
min_saving = -10000
measure_quality = "off"
rotation_threshold = 6
rotation_idle_scans = 1
nice = 0
profile = "quick"
[profiles.quick]
based_on = "fast"
preset = "ultrafast"
"#;

fn wanted() -> Option<u32> {
    if std::env::var_os("VIDEO_COMPRESSOR_FAULTS").is_none() {
        println!("power cuts run with VIDEO_COMPRESSOR_FAULTS=1 (make faults)");
        return None;
    }
    let cuts = std::env::var("POWER_CUTS")
        .ok()
        .and_then(|cuts| cuts.parse().ok());
    Some(cuts.unwrap_or(20))
}

/// A file system in a file.
struct Disk {
    folder: tempfile::TempDir,
    is_mounted: bool,
}

impl Disk {
    fn new(kind: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("vc-power-").tempdir().unwrap();
        let image = folder.path().join("image");
        File::create(&image).unwrap().set_len(DISK_MIB << 20).unwrap();
        let made = finish(Command::new(format!("mkfs.{kind}")).arg("-q").arg(&image));
        assert_eq!(made.code, 0, "{made:?}");
        fs::create_dir(folder.path().join("disk")).unwrap();
        let mut disk = Self {
            folder,
            is_mounted: false,
        };
        disk.mount();
        disk
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("disk").join(path)
    }

    fn mount(&mut self) {
        let image = self.folder.path().join("image");
        let mounted = finish(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(image)
                .arg(self.at("")),
        );
        assert_eq!(mounted.code, 0, "{mounted:?}");
        self.is_mounted = true;
    }

    /// What was not durable is gone from here on.
    fn cut_power(&self) {
        let root = File::open(self.at("")).unwrap();
        // SAFETY: the call reads one u32, which lives as long as it.
        let cut = unsafe { libc::ioctl(root.as_raw_fd(), FS_IOC_SHUTDOWN, &NO_LOG_FLUSH) };
        assert_eq!(cut, 0, "{}", std::io::Error::last_os_error());
    }

    /// Everybody who used it must have ended.
    fn unmount(&mut self) {
        until("the disk is free", || {
            let unmounted = Command::new("umount")
                .arg(self.at(""))
                .stderr(Stdio::null())
                .status()
                .unwrap();
            unmounted.success().then_some(())
        });
        self.is_mounted = false;
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg("-l").arg(self.at("")).status();
        }
    }
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

struct Site {
    disk: Disk,
    /// Hashes of the sources.
    sources: BTreeMap<PathBuf, u128>,
    /// Outputs that were decoded, by inode and time.
    decoded: BTreeMap<PathBuf, (u64, i64)>,
}

impl Site {
    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_video-compressor"));
        command
            .arg("--root")
            .arg(self.disk.at("root"))
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null());
        command
    }

    fn at(&self, path: &str) -> PathBuf {
        self.disk.at("root").join(path)
    }

    /// A film that was there, durable, before the power goes.
    fn drop_film(&mut self, number: u32) {
        let path = self.at(&format!("input/720/{number}.mp4"));
        fs::copy(small(1000 + number), &path).unwrap();
        for durable in [path.as_path(), path.parent().unwrap()] {
            File::open(durable).unwrap().sync_all().unwrap();
        }
        let hash = xxh3_128(&fs::read(&path).unwrap());
        self.sources.insert(path, hash);
    }

    fn start(&self) -> Child {
        let child = self
            .program(&["run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lock = self.at("conf/.instance.lock");
        until("the service runs", || {
            let pid = fs::read_to_string(&lock).ok()?;
            (pid.trim() == child.id().to_string()).then_some(())
        });
        child
    }

    /// O1, O2, O4, before anybody has repaired anything.
    fn look(&mut self, cut: u32) {
        for (source, hash) in &self.sources {
            let bytes = fs::read(source).unwrap_or_default();
            assert_eq!(xxh3_128(&bytes), *hash, "cut {cut}: O2: {}", source.display());
        }
        for entry in walkdir::WalkDir::new(self.at("output")).into_iter().flatten() {
            let is_hidden = entry
                .path()
                .components()
                .any(|part| part.as_os_str().to_string_lossy().starts_with(".vc-"));
            let is_work = entry.path().to_string_lossy().contains("/.work");
            if !entry.file_type().is_file() || is_hidden || is_work {
                continue;
            }
            let metadata = entry.metadata().unwrap();
            let version = (metadata.ino(), metadata.mtime_nsec());
            if self.decoded.get(entry.path()) != Some(&version) {
                assert_eq!(undecodable(entry.path()), None, "cut {cut}: O1");
                self.decoded.insert(entry.path().to_owned(), version);
            }
        }
        self.rows(cut);
    }

    fn rows(&self, cut: u32) -> Vec<Value> {
        all_rows(&self.at("conf")).unwrap_or_else(|error| panic!("cut {cut}: O4: {error}"))
    }
}

fn power_goes(test: &str, kind: &str) {
    let Some(cuts) = wanted() else { return };
    let tool = format!("mkfs.{kind}");
    for tool in [tool.as_str(), "loop", kind] {
        if !can_use(tool) {
            return skip(test, tool);
        }
    }
    let mut random = Random::new(kind);
    let mut site = Site {
        disk: Disk::new(kind),
        sources: BTreeMap::new(),
        decoded: BTreeMap::new(),
    };
    for folder in ["conf", "input/720", "output", "logs"] {
        fs::create_dir_all(site.at(folder)).unwrap();
    }
    fs::write(site.at("conf/video-compressor.toml"), SETTINGS).unwrap();
    assert!(Command::new("sync").status().unwrap().success());
    let mut next = 0;
    for cut in 0..cuts {
        for _ in 0..NEW_FILMS_A_CUT {
            site.drop_film(next);
            next += 1;
        }
        let mut service = site.start();
        random.let_pass(1500);
        site.disk.cut_power();
        service.kill().unwrap();
        service.wait().unwrap();
        site.disk.unmount();
        site.disk.mount();
        site.look(cut);
    }
    let once = || finish(&mut site.program(&["once", "--timeout", "30"]));
    let first = once();
    for row in site.rows(cuts).iter().filter(|row| row["status"] == "failed") {
        let id = row["id"].as_str().unwrap();
        assert!(
            row["error"].as_str().unwrap().contains("cut off 3 times"),
            "{row}: {first:?}"
        );
        assert_eq!(finish(&mut site.program(&["retry", id])).code, 0);
    }
    let last = once();
    assert_eq!(last.code, 0, "{last:?}");
    let rows = site.rows(cuts);
    for source in site.sources.keys() {
        let path = format!("720/{}", source.file_name().unwrap().to_str().unwrap());
        let done: Vec<&Value> = rows
            .iter()
            .filter(|row| row["path"] == path.as_str() && row["status"] == "processed")
            .collect();
        assert_eq!(done.len(), 1, "O3: {path}: {rows:?}");
        assert_eq!(undecodable(&site.at(&format!("output/{path}"))), None, "O1");
    }
    println!("{kind}: {cuts} power cuts, {next} films, each compressed once");
}

#[test]
fn the_power_goes_on_ext4() {
    power_goes("the_power_goes_on_ext4", "ext4");
}

#[test]
fn the_power_goes_on_xfs() {
    power_goes("the_power_goes_on_xfs", "xfs");
}
