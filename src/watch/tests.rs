//! The watch on real folders. Every wait is for a report.
#![allow(clippy::disallowed_methods, reason = "tests make their own files")]

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

use super::*;

/// Long enough for a busy machine; a test that passes never waits for it.
const GIVE_UP: Duration = Duration::from_secs(30);
/// For tests that must not be helped by a sweep.
const NO_SWEEP: Duration = Duration::from_secs(3600);
/// For tests in which something must not have settled by its quiet time.
const NEVER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(300);

fn config(sweep: Duration, settle: Duration) -> WatchConfig {
    WatchConfig {
        sweep,
        settle,
        settle_without_lease: settle * 2,
        extensions: BTreeSet::from(["mkv".into(), "mp4".into()]),
        resolutions: BTreeSet::from([Resolution(480), Resolution(720)]),
    }
}

struct Bench {
    folder: tempfile::TempDir,
    handle: Handle,
    reports: mpsc::Receiver<Report>,
    /// Everything that was settled, in order.
    settled: Vec<Settled>,
    others: Vec<Report>,
}

impl Bench {
    /// Starts on a folder with `in/720` that `prepare` may fill; returns when the first sweep is done.
    fn start(config: WatchConfig, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("in/720")).unwrap();
        prepare(&folder.path().join("in"));
        Self::start_in(folder, config, HashMap::new())
    }

    fn start_in(folder: tempfile::TempDir, config: WatchConfig, known: HashMap<PathBuf, Identity>) -> Self {
        let (sender, reports) = mpsc::channel();
        let handle = start(folder.path().join("in"), config, known, move |report| {
            drop(sender.send(report));
        })
        .unwrap();
        let mut bench = Self {
            folder,
            handle,
            reports,
            settled: Vec::new(),
            others: Vec::new(),
        };
        bench.next_sweep();
        bench
    }

    fn input(&self) -> PathBuf {
        self.folder.path().join("in")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.input().join(name)
    }

    fn aside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn next(&mut self) -> Report {
        let report = self.reports.recv_timeout(GIVE_UP).unwrap();
        match &report {
            Report::Settled(batch) => {
                assert!(batch.len() <= SETTLED_BATCH);
                self.settled.extend(batch.iter().cloned());
            }
            Report::Sweep(_) => {}
            other => self.others.push(other.clone()),
        }
        report
    }

    fn next_sweep(&mut self) -> SweepDone {
        loop {
            if let Report::Sweep(done) = self.next() {
                return done;
            }
        }
    }

    /// The outcome of a full sweep made after everything that came before: the one that follows an overflow, since an
    /// earlier report of a sweep may still be on its way.
    fn sweep(&mut self) -> SweepDone {
        self.handle.inbox.overflow();
        while self.next() != Report::Overflow {}
        self.others.pop();
        self.next_sweep()
    }

    /// Waits until `count` files in all have settled.
    fn wait_for(&mut self, count: usize) {
        while self.settled.len() < count {
            self.next();
        }
    }

    fn wait_for_other(&mut self, wanted: impl Fn(&Report) -> bool) {
        while !self.others.iter().any(&wanted) {
            self.next();
        }
    }

    /// The settled paths, sorted.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .settled
            .iter()
            .map(|settled| settled.path.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn identity(path: &Path) -> Identity {
    Identity::from(&fs::symlink_metadata(path).unwrap())
}

fn set_modified(path: &Path, seconds: u64) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
        .unwrap();
}

#[test]
fn files_there_at_the_start_are_found_and_known_ones_are_not_reported() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    fs::create_dir_all(input.join("720/deep/er")).unwrap();
    for name in [
        "720/known.mkv",
        "720/changed.mkv",
        "720/chmod.mkv",
        "720/deep/er/new.MKV",
        "720/no.txt",
    ] {
        fs::write(input.join(name), name).unwrap();
    }
    let known = |name: &str| (PathBuf::from(name), identity(&input.join(name)));
    let mut known = HashMap::from([
        known("720/known.mkv"),
        known("720/changed.mkv"),
        known("720/chmod.mkv"),
    ]);
    known.get_mut(Path::new("720/changed.mkv")).unwrap().size_bytes += 1;
    known.get_mut(Path::new("720/chmod.mkv")).unwrap().ctime_ns += 1;
    known.insert("720/long gone.mkv".into(), identity(&input));
    let mut bench = Bench::start_in(folder, config(NO_SWEEP, SOON), known);
    bench.wait_for(3);
    assert_eq!(bench.next_sweep(), SweepDone { waiting: 0, known: 4 });
    assert_eq!(
        bench.names(),
        ["720/changed.mkv", "720/chmod.mkv", "720/deep/er/new.MKV"]
    );
    assert_eq!(bench.settled[0].place, Place::Resolution(Resolution(720)));
    assert_eq!(bench.others, [Report::Mode(Mode::Events)]);
}

#[test]
fn files_in_freshly_nested_folders_are_all_found_without_a_sweep() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |_| {});
    for number in 0..200 {
        bench.write(&format!("720/d{number}/season/deep/a.mkv"), "content");
    }
    bench.wait_for(200);
    assert_eq!(bench.names().into_iter().collect::<HashSet<_>>().len(), 200);
    // A folder made where one was removed is watched as well.
    fs::remove_dir_all(bench.path("720/d7")).unwrap();
    bench.write("720/d7/season/deep/a.mkv", "other content");
    bench.wait_for(201);
    bench.write("720/d7/season/deep/b.mkv", "more");
    bench.wait_for(202);
}

#[test]
fn a_populated_folder_moved_in_settles_at_once() {
    let mut bench = Bench::start(config(NO_SWEEP, NEVER), |_| {});
    let show = bench.aside("show");
    fs::create_dir_all(show.join("s1/e")).unwrap();
    for number in 0..50 {
        fs::write(show.join(format!("s1/e/{number}.mkv")), "content").unwrap();
    }
    fs::rename(&show, bench.path("720/show")).unwrap();
    bench.wait_for(50);
    // What is then made in it raises events too, also after another rename.
    fs::rename(bench.path("720/show"), bench.path("720/series")).unwrap();
    bench.wait_for(100);
    fs::write(bench.aside("late.mkv"), "content").unwrap();
    fs::rename(bench.aside("late.mkv"), bench.path("720/series/s1/late.mkv")).unwrap();
    bench.wait_for(101);
    assert_eq!(bench.settled[100].path, Path::new("720/series/s1/late.mkv"));
}

#[test]
fn a_file_moved_in_or_renamed_from_a_temporary_name_settles_at_once() {
    let mut bench = Bench::start(config(NO_SWEEP, NEVER), |_| {});
    fs::write(bench.aside("a.mkv"), "content").unwrap();
    fs::rename(bench.aside("a.mkv"), bench.path("720/a.mkv")).unwrap();
    bench.wait_for(1);
    bench.write("720/b.mkv.part", "content");
    fs::rename(bench.path("720/b.mkv.part"), bench.path("720/b.mkv")).unwrap();
    bench.wait_for(2);
    assert_eq!(bench.names(), ["720/a.mkv", "720/b.mkv"]);
    assert_eq!(bench.settled[0].identity, identity(&bench.path("720/a.mkv")));
}

#[test]
fn a_slow_writer_that_pauses_longer_than_the_quiet_time_is_not_taken() {
    let quiet = Duration::from_millis(50);
    let mut bench = Bench::start(config(NO_SWEEP, quiet), |_| {});
    let mut writer = File::create(bench.path("720/slow.mkv")).unwrap();
    for number in 0..3 {
        writer.write_all(b"some").unwrap();
        // Files that come later settle, each after the whole quiet time, while this one is still held open.
        bench.write(&format!("720/{number}.mkv"), "content");
        bench.wait_for(number + 1);
    }
    assert!(!bench.names().contains(&"720/slow.mkv".to_owned()));
    drop(writer);
    while !bench.names().contains(&"720/slow.mkv".to_owned()) {
        bench.next();
    }
    let slow: Vec<_> = bench
        .settled
        .iter()
        .filter(|settled| settled.path.ends_with("slow.mkv"))
        .collect();
    assert_eq!(slow.len(), 1);
    assert_eq!(slow[0].identity.size_bytes, 12);
}

#[test]
fn symlinks_fifos_sockets_and_hidden_or_temporary_names_are_never_reported() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |input| {
        let outside = input.parent().unwrap().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret.mkv"), "secret").unwrap();
        symlink(outside.join("secret.mkv"), input.join("720/link.mkv")).unwrap();
        symlink(&outside, input.join("720/folder")).unwrap();
        symlink(&outside, input.join("other")).unwrap();
        symlink("loop.mkv", input.join("720/loop.mkv")).unwrap();
        symlink("nowhere", input.join("720/dangling.mkv")).unwrap();
        let fifo = input.join("720/fifo.mp4");
        rustix::fs::mknodat(rustix::fs::CWD, fifo, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
        drop(UnixListener::bind(input.join("720/socket.mp4")).unwrap());
        fs::create_dir_all(input.join("720/folder.mkv")).unwrap();
        fs::create_dir_all(input.join(".done/720")).unwrap();
        for name in [
            ".done/720/a.mkv",
            "720/.a.mkv",
            "720/a.mkv.part",
            "720/a.mkv~",
            "720/a.txt",
        ] {
            fs::write(input.join(name), "content").unwrap();
        }
    });
    // The same once more by events.
    symlink(bench.aside("outside/secret.mkv"), bench.path("720/late link.mkv")).unwrap();
    symlink(bench.aside("outside"), bench.path("720/late folder")).unwrap();
    bench.write("720/folder.mkv/inside.mkv", "content");
    bench.wait_for(1);
    // A folder that becomes a symlink to another one takes nothing with it.
    bench.write("720/real/a.mkv", "content");
    bench.wait_for(2);
    fs::rename(bench.path("720/real"), bench.aside("moved away")).unwrap();
    symlink(bench.aside("outside"), bench.path("720/real")).unwrap();
    fs::write(bench.aside("outside/a.mkv"), "secret").unwrap();
    assert_eq!(bench.sweep(), SweepDone { waiting: 0, known: 1 });
    assert_eq!(bench.names(), ["720/folder.mkv/inside.mkv", "720/real/a.mkv"]);
}

#[test]
fn a_symlinked_resolution_folder_is_watched_and_walked() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |input| {
        let disk = input.parent().unwrap().join("disk");
        fs::create_dir_all(disk.join("deep")).unwrap();
        fs::write(disk.join("deep/first.mkv"), "content").unwrap();
        symlink(&disk, input.join("480")).unwrap();
    });
    bench.wait_for(1);
    fs::write(bench.aside("disk/deep/second.mkv"), "content").unwrap();
    bench.wait_for(2);
    fs::write(bench.aside("disk/third.mkv"), "content").unwrap();
    bench.wait_for(3);
    assert_eq!(
        bench.names(),
        ["480/deep/first.mkv", "480/deep/second.mkv", "480/third.mkv"]
    );
    assert!(
        bench
            .settled
            .iter()
            .all(|settled| settled.place == Place::Resolution(Resolution(480)))
    );
}

#[test]
fn a_video_of_an_extension_that_is_left_out_is_told_once() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |_| {});
    let passed_over = |report: &Report| matches!(report, Report::PassedOver { .. });
    bench.write("480/a.MTS", "content");
    bench.wait_for_other(passed_over);
    bench.write("480/b.mts", "content");
    bench.write("480/notes.txt", "content");
    bench.write("480/c.mkv", "content");
    bench.wait_for(1);
    let told: Vec<_> = bench.others.iter().filter(|report| passed_over(report)).collect();
    let first = Report::PassedOver {
        path: "480/a.MTS".into(),
        extension: "mts",
    };
    assert_eq!(told, [&first]);
}

#[test]
fn strays_are_reported_and_belong_when_their_folder_is_configured() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |_| {});
    bench.write("a.mkv", "content");
    bench.write("foo/720/b.mkv", "content");
    bench.write("1440/c.mkv", "content");
    bench.wait_for(3);
    assert!(bench.settled.iter().all(|settled| settled.place == Place::Stray));
    let mut more = config(NO_SWEEP, SOON);
    more.resolutions.insert(Resolution(1440));
    bench.handle.reconfigure(more);
    bench.wait_for(4);
    assert_eq!(bench.settled[3].path, Path::new("1440/c.mkv"));
    assert_eq!(bench.settled[3].place, Place::Resolution(Resolution(1440)));
}

#[test]
fn names_of_any_bytes_are_reported_as_they_are() {
    let names = [
        &b"\xff\xfe.mkv"[..],
        b"-y.mkv",
        b"a\nb.mkv",
        b"%03d.mkv",
        "😀 '\".mkv".as_bytes(),
        b"x:y.mkv",
    ];
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |_| {});
    for name in names {
        fs::write(bench.path("720").join(OsStr::from_bytes(name)), "content").unwrap();
    }
    bench.wait_for(names.len());
    let found: HashSet<&[u8]> = bench
        .settled
        .iter()
        .map(|settled| settled.path.file_name().unwrap().as_bytes())
        .collect();
    assert_eq!(found, HashSet::from(names));
}

#[test]
fn a_replacement_of_the_same_size_with_an_older_mtime_is_noticed() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |input| {
        fs::write(input.join("720/a.mkv"), "one").unwrap();
    });
    bench.wait_for(1);
    bench.write("720/a.mkv", "two");
    set_modified(&bench.path("720/a.mkv"), 1_000_000_000);
    bench.wait_for(2);
    assert_eq!(bench.settled[1].identity, identity(&bench.path("720/a.mkv")));
    // A ctime alone, too.
    fs::hard_link(bench.path("720/a.mkv"), bench.aside("link")).unwrap();
    bench.sweep();
    bench.wait_for(3);
    assert!(bench.settled[2].identity.same_file(&bench.settled[1].identity));
}

#[test]
fn a_file_that_is_removed_and_comes_back_is_new_and_a_forgotten_one_is_looked_at_again() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |input| {
        fs::write(input.join("720/a.mkv"), "one").unwrap();
    });
    bench.wait_for(1);
    fs::rename(bench.path("720/a.mkv"), bench.aside("a.mkv")).unwrap();
    assert_eq!(bench.sweep(), SweepDone { waiting: 0, known: 0 });
    fs::rename(bench.aside("a.mkv"), bench.path("720/a.mkv")).unwrap();
    bench.wait_for(2);
    bench.handle.forget("720/a.mkv".into());
    bench.wait_for(3);
    assert_eq!(bench.names(), ["720/a.mkv"; 3]);
}

#[test]
fn an_empty_file_waits_the_long_time() {
    let mut bench = Bench::start(
        WatchConfig {
            settle_without_lease: NEVER,
            ..config(NO_SWEEP, SOON)
        },
        |input| fs::write(input.join("720/empty.mkv"), "").unwrap(),
    );
    bench.write("720/a.mkv", "content");
    bench.wait_for(1);
    assert_eq!(bench.sweep(), SweepDone { waiting: 1, known: 1 });
    fs::remove_file(bench.path("720/empty.mkv")).unwrap();
    assert_eq!(bench.next_sweep(), SweepDone { waiting: 0, known: 1 });
    assert_eq!(bench.names(), ["720/a.mkv"]);
}

#[test]
fn a_root_that_vanishes_and_comes_back_forgets_no_file() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |input| {
        fs::write(input.join("720/a.mkv"), "content").unwrap();
    });
    bench.wait_for(1);
    let state = |path: &str, available: bool| {
        let path = PathBuf::from(path);
        move |report: &Report| {
            matches!(report, Report::Root { path: found, state }
                if *found == path && (*state == RootState::Available) == available)
        }
    };
    for name in ["", "720"] {
        bench.others.clear();
        let place = if name.is_empty() {
            bench.input()
        } else {
            bench.path(name)
        };
        fs::rename(&place, bench.aside("moved")).unwrap();
        bench.wait_for_other(state(name, false));
        assert_eq!(bench.sweep(), SweepDone { waiting: 0, known: 1 });
        fs::rename(bench.aside("moved"), &place).unwrap();
        assert_eq!(bench.sweep(), SweepDone { waiting: 0, known: 1 });
        bench.wait_for_other(state(name, true));
        assert_eq!(bench.others.len(), 2, "{:?}", bench.others);
    }
    assert_eq!(bench.settled.len(), 1);
    // Events work again.
    bench.write("720/b.mkv", "content");
    bench.wait_for(2);
}

#[test]
fn a_root_that_is_replaced_is_watched_again() {
    for name in ["", "720"] {
        let mut bench = Bench::start(config(NO_SWEEP, SOON), |input| {
            fs::write(input.join("720/a.mkv"), "content").unwrap();
        });
        bench.wait_for(1);
        let place = if name.is_empty() {
            bench.input()
        } else {
            bench.path(name)
        };
        fs::rename(&place, bench.aside("old")).unwrap();
        fs::create_dir_all(bench.path("720/deep")).unwrap();
        bench.handle.sweep_now();
        bench.write("720/deep/b.mkv", "content");
        bench.wait_for(2);
        assert_eq!(bench.names(), ["720/a.mkv", "720/deep/b.mkv"], "{name:?}");
    }
}

#[test]
fn without_events_the_sweep_finds_everything() {
    let mut bench = Bench::start(config(Duration::from_millis(200), SOON), |_| {});
    bench.handle.inbox.watcher_failed("no watches left".into());
    let mode = Report::Mode(Mode::SweepOnly {
        reason: "no watches left".into(),
    });
    bench.wait_for_other(|report| *report == mode);
    bench.write("720/a/b/c.mkv", "content");
    bench.wait_for(1);
    assert_eq!(bench.others, [Report::Mode(Mode::Events), mode]);
}

#[test]
fn a_dropped_event_queue_is_reported_and_swept() {
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |_| {});
    bench.handle.inbox.overflow();
    bench.wait_for_other(|report| *report == Report::Overflow);
    bench.next_sweep();
    assert_eq!(bench.others, [Report::Mode(Mode::Events), Report::Overflow]);
}

#[test]
fn thousands_of_files_settle_together_in_few_reports() {
    let count = 2_500;
    let mut bench = Bench::start(config(NO_SWEEP, SOON), |input| {
        for number in 0..count {
            fs::write(input.join(format!("720/{number}.mkv")), "content").unwrap();
        }
    });
    let mut batches = 0;
    while bench.settled.len() < count {
        batches += usize::from(matches!(bench.next(), Report::Settled(_)));
    }
    assert!(batches <= 10, "{batches} reports");
    assert_eq!(
        bench.next_sweep(),
        SweepDone {
            waiting: 0,
            known: count
        }
    );
}

#[test]
fn stopping_does_not_wait_for_a_sweep() {
    let bench = Bench::start(config(NO_SWEEP, NEVER), |input| {
        fs::write(input.join("720/a.mkv"), "content").unwrap();
    });
    assert!(bench.handle.is_running());
    let began = Instant::now();
    bench.handle.stop();
    assert!(began.elapsed() < STOP_LIMIT);
    assert!(bench.reports.iter().count() < 5);
}

/// Becomes nobody on this thread alone, and so on those it starts: root may read everything and lease everything.
#[cfg(target_os = "linux")]
fn become_nobody() {
    const NOBODY: libc::c_int = 65534;
    // SAFETY: only changes the credentials of this thread; the libc wrappers would change all threads.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::syscall(libc::SYS_setresgid, NOBODY, NOBODY, NOBODY), 0);
            assert_eq!(libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY), 0);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_may_not_be_read_is_reported_once_and_taken_when_it_may() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    mode(folder.path(), 0o755);
    let input = folder.path().join("in");
    fs::create_dir_all(input.join("720/locked")).unwrap();
    fs::write(input.join("720/locked/inside.mkv"), "content").unwrap();
    fs::write(input.join("720/a.mkv"), "content").unwrap();
    fs::write(input.join("720/b.mkv"), "content").unwrap();
    mode(&input.join("720/locked"), 0);
    mode(&input.join("720/a.mkv"), 0);
    std::thread::scope(|scope| {
        let folder = folder;
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || {
            become_nobody();
            sender
                .send(Bench::start_in(folder, config(NO_SWEEP, SOON), HashMap::new()))
                .unwrap();
        });
        let mut bench = receiver.recv().unwrap();
        let unreadable = |path: &str| {
            let path = PathBuf::from(path);
            move |report: &Report| matches!(report, Report::Unreadable { path: found, .. } if *found == path)
        };
        bench.wait_for_other(unreadable("720/locked"));
        bench.wait_for_other(unreadable("720/a.mkv"));
        bench.wait_for(1);
        for _ in 0..3 {
            bench.sweep();
        }
        assert_eq!(bench.others.len(), 3, "{:?}", bench.others);
        mode(&bench.path("720/locked"), 0o755);
        mode(&bench.path("720/a.mkv"), 0o644);
        bench.wait_for(3);
        assert_eq!(bench.names(), ["720/a.mkv", "720/b.mkv", "720/locked/inside.mkv"]);
    });
}
