//! Rows 1 to 16: how files come.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::{
        ffi::OsStringExt,
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    process::Command,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    common::{clips::small, root::finish},
    only_when_wanted,
    trial::{Ending, Trial},
};

const TEXT: Ending = Ending::Failed("text");

/// No video, and no other file's content.
fn filler(number: usize) -> Vec<u8> {
    format!("no video: number {number}\n").repeat(100).into_bytes()
}

fn until_known(trial: &Trial, count: usize) {
    trial.root.until(&format!("{count} files are known"), || {
        (trial.all_rows().len() >= count).then_some(())
    });
}

/// The sweep is too far away to help.
const BY_EVENTS: (&str, &str) = ("sweep_seconds", "3600");

#[test]
fn row_01_files_in_fresh_nested_folders_are_found_by_events() {
    only_when_wanted!();
    let trial = Trial::new(&[BY_EVENTS]);
    trial.start();
    for number in 0..200 {
        trial.drop_bytes(&filler(number), &format!("720/d{number}/season/a.mkv"), TEXT);
    }
    trial.drop_film(&small(1), "720/good.mp4");
    trial.oracles();
}

#[test]
fn row_02_a_populated_folder_that_is_moved_in_is_found_at_once() {
    only_when_wanted!();
    let trial = Trial::new(&[BY_EVENTS]);
    trial.start();
    let elsewhere = trial.root.path("elsewhere/deep/er");
    fs::create_dir_all(&elsewhere).unwrap();
    for number in 0..20 {
        fs::write(elsewhere.join(format!("{number}.mkv")), filler(number)).unwrap();
    }
    fs::copy(small(2), elsewhere.join("good.mp4")).unwrap();
    fs::rename(trial.root.path("elsewhere"), trial.root.input("720/show")).unwrap();
    for number in 0..20 {
        trial.expect(&format!("720/show/deep/er/{number}.mkv"), TEXT);
    }
    trial.expect("720/show/deep/er/good.mp4", Ending::Compressed);
    trial.oracles();
}

#[test]
fn row_03_more_events_than_the_kernel_keeps_end_in_a_look_at_everything() {
    only_when_wanted!();
    let limit: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let trial = Trial::new(&[BY_EVENTS, ("ntfy_events", "[\"attention\", \"failed\"]")]);
    trial.root.ok(&["pause"]);
    trial.start();
    let service = Pid::from_raw(trial.root.pid().cast_signed()).unwrap();
    kill_process(service, Signal::STOP).unwrap();
    // A file makes several events; names that nobody takes fill the queue as well as others.
    for number in 0..limit {
        fs::write(trial.root.input(format!("720/{number}.txt")), b"").unwrap();
    }
    let count = 30;
    for number in 0..count {
        fs::write(trial.root.input(format!("720/late-{number}.mkv")), filler(number)).unwrap();
    }
    kill_process(service, Signal::CONT).unwrap();
    until_known(&trial, count);
    assert_eq!(
        trial.root.log().matches("everything is looked at again").count(),
        1,
        "{}",
        trial.root.log()
    );
    trial.root.ok(&["resume"]);
    for number in 0..count {
        trial.expect(&format!("720/late-{number}.mkv"), TEXT);
    }
    trial.oracles();
}

/// Starts the service where the kernel gives it so little of `what`.
fn start_with_few(trial: &Trial, what: &str, few: u32) {
    let mut command = Command::new("unshare");
    trial.root.with_environment(&mut command);
    command.args(["-Ur", "sh", "-c"]).arg(format!(
        "echo {few} > /proc/sys/user/{what} && exec '{}' --root '{}' run",
        env!("CARGO_BIN_EXE_video-compressor"),
        trial.root.path("").display()
    ));
    trial.root.start_as(command);
}

fn without_events(what: &str, few: u32) {
    let trial = Trial::new(&[]);
    start_with_few(&trial, what, few);
    trial.drop_film(&small(3), "720/deep/er/a.mp4");
    trial.root.until("a person is told", || {
        (trial.ntfy.count("No file-system events") == 1).then_some(())
    });
    trial.oracles();
}

#[test]
fn row_04_at_the_limit_of_watches_files_are_found_by_sweeping() {
    only_when_wanted!("unshare");
    without_events("max_inotify_watches", 2);
}

#[test]
fn row_05_without_an_instance_of_inotify_files_are_found_by_sweeping() {
    only_when_wanted!("unshare");
    without_events("max_inotify_instances", 0);
}

#[test]
fn row_06_a_root_that_goes_and_comes_loses_no_task() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.root.ok(&["pause"]);
    trial.start();
    trial.drop_film(&small(4), "720/a.mp4");
    trial.drop_film(&small(5), "480/b.mp4");
    until_known(&trial, 2);
    fs::rename(trial.root.path("input"), trial.root.path("away")).unwrap();
    trial.root.until_logged("unavailable");
    trial.root.after_two_sweeps();
    for path in ["720/a.mp4", "480/b.mp4"] {
        assert_eq!(trial.root.status(path), "queued", "{path}");
    }
    // Empty, as a mount point without its disk.
    fs::create_dir(trial.root.path("input")).unwrap();
    trial.root.after_two_sweeps();
    assert_eq!(trial.root.status("720/a.mp4"), "queued");
    fs::remove_dir(trial.root.path("input")).unwrap();
    fs::rename(trial.root.path("away"), trial.root.path("input")).unwrap();
    trial.root.ok(&["resume"]);
    // Found by events again: the watch is on the new folder.
    trial.drop_film(&small(6), "720/c.mp4");
    trial.oracles();
}

#[test]
fn row_07_changes_that_raise_no_event_are_found_by_the_next_sweep() {
    only_when_wanted!("bindfs");
    let trial = Trial::new(&[]);
    let behind = trial.root.path("behind");
    fs::create_dir_all(&behind).unwrap();
    let mount = trial.root.input("720");
    let mounted = Command::new("bindfs").arg(&behind).arg(&mount).status().unwrap();
    assert!(mounted.success());
    trial.start();
    fs::copy(small(7), behind.join("a.mp4")).unwrap();
    trial.root.until_status("720/a.mp4", "processed");
    trial.expect("720/a.mp4", Ending::Compressed);
    trial.until_all_ended();
    assert_eq!(trial.root.stop(), 0);
    assert!(Command::new("umount").arg(&mount).status().unwrap().success());
    fs::copy(behind.join("a.mp4"), mount.join("a.mp4")).unwrap();
    trial.start();
    trial.oracles();
}

#[test]
fn row_07b_a_mount_that_hangs_is_told_and_waited_for() {
    only_when_wanted!("bindfs");
    let trial = Trial::new(&[]);
    let behind = trial.root.path("behind");
    fs::create_dir_all(&behind).unwrap();
    let mount = trial.root.input("720");
    let mut server = Command::new("bindfs")
        .arg("-f")
        .arg(&behind)
        .arg(&mount)
        .spawn()
        .unwrap();
    trial.root.until("it is mounted", || {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        mounts.contains(mount.to_str().unwrap()).then_some(())
    });
    trial.start();
    trial.drop_film(&small(18), "480/other.mp4");
    trial.until_all_ended();
    let server_pid = Pid::from_child(&server);
    kill_process(server_pid, Signal::STOP).unwrap();
    // A minute without an answer, and then some.
    let began = std::time::Instant::now();
    while trial.ntfy.count("has not answered") == 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "{}", trial.root.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    kill_process(server_pid, Signal::CONT).unwrap();
    fs::copy(small(19), behind.join("a.mp4")).unwrap();
    trial.root.until_status("720/a.mp4", "processed");
    assert_eq!(
        trial.ntfy.count("has not answered"),
        1,
        "{:?}",
        trial.ntfy.alerts()
    );
    assert_eq!(trial.root.stop(), 0);
    assert!(Command::new("umount").arg(&mount).status().unwrap().success());
    server.wait().unwrap();
}

#[test]
fn row_08_an_old_time_or_a_second_write_within_a_second_is_a_change() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let file = trial.drop_film(&small(8), "720/a.mp4");
    let first = trial.root.until_status("720/a.mp4", "processed");
    // As `cp -p` of an older film over it.
    fs::copy(small(9), &file).unwrap();
    let old = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options()
        .append(true)
        .open(&file)
        .unwrap()
        .set_modified(old)
        .unwrap();
    trial.expect("720/a.mp4", Ending::Compressed);
    trial.root.until("the older film is done", || {
        let task = trial.root.task("720/a.mp4")?;
        let is_new = task["id"] != first["id"] || task["end_time"] != first["end_time"];
        (is_new && task["status"] == "processed").then_some(())
    });
    let rows = trial.all_rows();
    assert_eq!(trial.root.outputs(), ["720/a.mp4"], "{rows:?}");
    let published = trial.root.task("720/a.mp4").unwrap();
    assert_eq!(published["file_size_before"], file.metadata().unwrap().len());
    assert_eq!(trial.root.stop(), 0);
}

#[test]
fn row_09_what_is_no_file_is_left_alone_and_blocks_nobody() {
    only_when_wanted!("mkfifo");
    let trial = Trial::new(&[]);
    trial.start();
    let at = |name: &str| trial.root.input(format!("720/{name}"));
    assert!(
        Command::new("mkfifo")
            .arg(at("pipe.mp4"))
            .status()
            .unwrap()
            .success()
    );
    let made = finish(Command::new("mknod").arg(at("device.mp4")).args(["c", "1", "5"]));
    if made.code != 0 {
        println!("without a device, which a container may forbid: {made:?}");
    }
    let _socket = UnixListener::bind(at("socket.mp4")).unwrap();
    fs::create_dir(at("folder.mp4")).unwrap();
    symlink("/nowhere", at("dangling.mp4")).unwrap();
    symlink(at("loop.mp4"), at("loop.mp4")).unwrap();
    symlink(trial.root.input("720"), at("round")).unwrap();
    trial.drop_film(&small(10), "720/good.mp4");
    trial.until_all_ended();
    trial.root.after_two_sweeps();
    assert_eq!(trial.all_rows().len(), 1, "{:?}", trial.all_rows());
    trial.oracles();
}

#[test]
fn row_10_links_do_not_lead_out_of_the_folder() {
    only_when_wanted!();
    let trial = Trial::new(&[("after_success", "\"delete\"")]);
    let outside = tempfile::tempdir().unwrap();
    let film = outside.path().join("film.mp4");
    fs::copy(small(11), &film).unwrap();
    let before = film.metadata().unwrap();
    trial.start();
    symlink("/etc/shadow", trial.root.input("720/shadow.mp4")).unwrap();
    symlink(&film, trial.root.input("720/link.mp4")).unwrap();
    symlink(outside.path(), trial.root.input("720/folder")).unwrap();
    // A second name of a film is a film of its own, and only that name goes.
    fs::hard_link(&film, trial.root.input("720/hard.mp4")).unwrap();
    trial.root.until("the hard link is done", || {
        let rows = trial.all_rows();
        rows.iter()
            .any(|row| row["path"] == "720/hard.mp4" && row["status"] == "processed")
            .then_some(())
    });
    trial.root.until("its name is gone", || {
        (!trial.root.input("720/hard.mp4").exists()).then_some(())
    });
    trial.root.after_two_sweeps();
    assert_eq!(trial.all_rows().len(), 1, "{:?}", trial.all_rows());
    let after = film.metadata().unwrap();
    assert_eq!(
        (before.ino(), before.len(), before.mtime()),
        (after.ino(), after.len(), after.mtime())
    );
    assert_eq!(trial.root.stop(), 0);
}

#[test]
fn row_11_hostile_names_are_encoded_as_they_are() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let long = "x".repeat(251);
    let names = [
        "-x",
        "a:b",
        "http:x",
        "%03d",
        "line\nbreak",
        "it's \"quoted\"",
        "🎬 film",
        "e\u{301}",
        "\u{e9}",
        "space ",
        "$(id)",
        "`id`",
        "a&b;c|d",
        "x..y",
        long.as_str(),
    ];
    for (seed, name) in (20..).zip(names) {
        trial.drop_film(&small(seed), &format!("720/{name}.mp4"));
    }
    let bad = std::ffi::OsString::from_vec(b"720/\xff\xfe.mp4".to_vec());
    fs::copy(small(19), trial.root.input(&bad)).unwrap();
    let count = names.len() + 1;
    trial.root.until("all are done", || {
        let rows = trial.all_rows();
        let done = rows.iter().filter(|row| row["status"] == "processed").count();
        (done == count).then_some(())
    });
    let outputs = walkdir::WalkDir::new(trial.root.path("output"))
        .into_iter()
        .flatten();
    let outputs: Vec<_> = outputs.filter(|entry| entry.file_type().is_file()).collect();
    assert_eq!(outputs.len(), count, "{outputs:?}");
    // JSON cannot hold its name as it is, so it is not for the oracles.
    for file in [trial.root.input(&bad), trial.root.output(&bad)] {
        fs::remove_file(file).unwrap();
    }
    trial.oracles();
}

#[test]
fn row_12_what_cannot_be_read_is_told_and_taken_when_it_can() {
    only_when_wanted!("setpriv");
    let trial = Trial::new(&[]);
    let owner = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    for entry in walkdir::WalkDir::new(trial.root.path("")).into_iter().flatten() {
        owner(entry.path());
    }
    let mut command = Command::new("setpriv");
    trial.root.with_environment(&mut command);
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(env!("CARGO_BIN_EXE_video-compressor"))
        .arg("--root")
        .arg(trial.root.path(""))
        .arg("run");
    let locked = trial.drop_film(&small(12), "720/locked.mp4");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    trial.root.start_as(command);
    trial.drop_film(&small(13), "720/open.mp4");
    trial.root.until_status("720/open.mp4", "processed");
    trial.root.until("a person is told", || {
        (trial.ntfy.count("locked.mp4") > 0).then_some(())
    });
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o644)).unwrap();
    trial.oracles();
}

#[test]
fn row_13_a_slow_writer_is_waited_for() {
    only_when_wanted!();
    let trial = Trial::new(&[("settle_seconds_without_lease", "5")]);
    trial.start();
    let bytes = fs::read(small(14)).unwrap();
    let mut writer = File::create(trial.root.input("720/slow.mp4")).unwrap();
    for part in bytes.chunks(bytes.len() / 3 + 1) {
        writer.write_all(part).unwrap();
        // The pause of the writer is the fault.
        std::thread::sleep(Duration::from_millis(900));
        assert!(trial.all_rows().is_empty(), "{:?}", trial.all_rows());
    }
    drop(writer);
    trial.expect("720/slow.mp4", Ending::Compressed);
    trial.until_all_ended();
    assert_eq!(trial.root.task("720/slow.mp4").unwrap()["attempts"], 1);
    trial.oracles();
}

#[test]
fn row_14_a_file_that_is_made_empty_and_written_later_is_taken_when_it_is_whole() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.start();
    let file = trial.root.input("720/late.mp4");
    drop(File::create(&file).unwrap());
    trial.root.after_two_sweeps();
    let before = trial.all_rows();
    fs::copy(small(15), &file).unwrap();
    trial.expect("720/late.mp4", Ending::Compressed);
    trial.until_all_ended();
    // What was empty may have been told as such; the film counts as another file.
    assert!(before.len() <= 1, "{before:?}");
    assert_eq!(trial.root.outputs(), ["720/late.mp4"]);
    trial.oracles();
}

#[test]
fn row_15_a_file_of_full_length_that_is_still_being_filled_is_waited_for() {
    only_when_wanted!();
    let trial = Trial::new(&[("settle_seconds_without_lease", "5")]);
    trial.start();
    let bytes = fs::read(small(16)).unwrap();
    let mut writer = File::create(trial.root.input("720/filled.mp4")).unwrap();
    writer.set_len(bytes.len() as u64).unwrap();
    for part in bytes.chunks(bytes.len() / 3 + 1) {
        // The pause of the writer is the fault.
        std::thread::sleep(Duration::from_millis(900));
        assert!(trial.all_rows().is_empty(), "{:?}", trial.all_rows());
        writer.write_all(part).unwrap();
    }
    drop(writer);
    trial.expect("720/filled.mp4", Ending::Compressed);
    trial.oracles();
}

#[test]
fn row_16_unfinished_names_are_left_alone_until_they_are_renamed() {
    only_when_wanted!();
    let trial = Trial::new(&[BY_EVENTS]);
    trial.start();
    let at = |name: &str| trial.root.input(format!("720/{name}"));
    let names = [
        "a.mp4.part",
        "b.mp4.!qB",
        "c.mp4.crdownload",
        ".d.mp4.Xy12",
        "e.mp4~",
        "f.tmp",
    ];
    for (seed, name) in (40..).zip(names) {
        fs::copy(small(seed), at(name)).unwrap();
    }
    trial.drop_film(&small(17), "720/whole.mp4");
    trial.until_all_ended();
    assert_eq!(trial.all_rows().len(), 1, "{:?}", trial.all_rows());
    for (name, last) in names.iter().zip(["a", "b", "c", "d", "e", "f"]) {
        let path = format!("720/{last}.mp4");
        fs::rename(at(name), trial.root.input(&path)).unwrap();
        trial.expect(&path, Ending::Compressed);
    }
    trial.until_all_ended();
    for row in trial.all_rows() {
        assert_eq!(row["attempts"], 1, "{row}");
    }
    trial.oracles();
}
