//! Files are found however they come, and none is taken before it is whole.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, symlink},
    process::Command,
    time::Duration,
};

use common::{
    all_tests_wanted,
    clips::small,
    ntfy::Ntfy,
    root::{Root, finish, has_tool},
    skip,
};

/// So many fresh folders at once outrun what the system can report of each.
const FOLDERS: usize = 200;

fn paused(settings: &[(&str, &str)]) -> Root {
    let root = Root::new(settings);
    // Nothing is encoded: this is about what is found.
    root.ok(&["pause"]);
    root
}

fn until_queued(root: &Root, count: usize) {
    root.until(&format!("{count} are queued"), || {
        let queued = root
            .tasks()
            .iter()
            .filter(|task| task["status"] == "queued")
            .count();
        (queued == count).then_some(())
    });
}

/// Files of their own content that need not be videos: they are only queued.
fn filler(number: usize) -> String {
    format!("film number {number}\n").repeat(100)
}

#[test]
fn files_in_fresh_nested_folders_and_in_folders_moved_in_are_found_by_events() {
    // The sweep is far away: what is found is found by events.
    let root = paused(&[("sweep_seconds", "3600")]);
    root.start();
    for number in 0..FOLDERS {
        let folder = root.input(format!("720/show {number}/season"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("film.mkv"), filler(number)).unwrap();
    }
    until_queued(&root, FOLDERS);

    let elsewhere = root.path("elsewhere/deep/er");
    fs::create_dir_all(&elsewhere).unwrap();
    for number in 0..20 {
        fs::write(elsewhere.join(format!("{number}.MKV")), filler(1000 + number)).unwrap();
    }
    fs::rename(root.path("elsewhere"), root.input("480/moved in")).unwrap();
    until_queued(&root, FOLDERS + 20);
    assert_eq!(root.status("480/moved in/deep/er/7.MKV"), "queued");

    // Hidden, unfinished and other names are left alone, until they are renamed.
    for name in [
        ".hidden.mkv",
        "a.mkv.part",
        "b.mkv.crdownload",
        "c.tmp",
        "d.mkv~",
        "e.txt",
        ".dir/f.mkv",
    ] {
        let file = root.input("720").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, filler(2000)).unwrap();
    }
    fs::write(root.input("720/last.mkv"), filler(2001)).unwrap();
    until_queued(&root, FOLDERS + 21);
    fs::rename(root.input("720/a.mkv.part"), root.input("720/a.mkv")).unwrap();
    until_queued(&root, FOLDERS + 22);
    assert_eq!(root.tasks().len(), FOLDERS + 22);
}

#[test]
fn files_that_were_there_or_came_while_the_service_was_down_are_found() {
    let root = paused(&[("sweep_seconds", "3600")]);
    fs::write(root.input("720/before.mkv"), filler(1)).unwrap();
    root.start();
    until_queued(&root, 1);
    assert_eq!(root.stop(), 0);
    fs::create_dir_all(root.input("1080/new")).unwrap();
    fs::write(root.input("1080/new/meanwhile.mkv"), filler(2)).unwrap();
    // The same name with other content, and an older time as `cp -p` brings.
    fs::write(root.input("720/before.mkv"), filler(3)).unwrap();
    let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000));
    fs::File::options()
        .append(true)
        .open(root.input("720/before.mkv"))
        .unwrap()
        .set_times(times)
        .unwrap();
    root.start();
    until_queued(&root, 2);
    let changed = root.until("the new content counts", || {
        let size = root.input("720/before.mkv").metadata().unwrap().len();
        root.task("720/before.mkv")
            .filter(|task| task["file_size_before"] == size)
    });
    assert_eq!(changed["status"], "queued");
}

#[test]
fn a_slow_writer_that_still_holds_the_file_is_waited_for() {
    // Pauses of more than three times the quiet time; where there are no leases, the longer one protects.
    let root = paused(&[("settle_seconds", "0.3"), ("settle_seconds_without_lease", "5")]);
    root.start();
    let bytes = fs::read(small(1)).unwrap();
    let mut writer = fs::File::create(root.input("720/slow.mp4")).unwrap();
    for part in bytes.chunks(bytes.len() / 2 + 1) {
        writer.write_all(part).unwrap();
        writer.flush().unwrap();
        std::thread::sleep(Duration::from_millis(1000));
        assert_eq!(root.status("720/slow.mp4"), "none");
    }
    let status = root.ok(&["status", "--json"]).json();
    assert_eq!(status["counts"], serde_json::json!({}));
    drop(writer);
    let task = root.until_status("720/slow.mp4", "queued");
    assert_eq!(task["file_size_before"], bytes.len());
    assert_eq!(root.tasks().len(), 1);
}

#[test]
fn links_pipes_and_strays_are_not_taken_and_a_stray_is_told_once() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("ntfy_topic", "\"films\""),
        ("ntfy_events", "[\"failed\", \"attention\"]"),
    ]);
    // A resolution folder on another disk, by a link.
    let disk = tempfile::tempdir().unwrap();
    fs::remove_dir(root.input("1080")).unwrap();
    symlink(disk.path(), root.input("1080")).unwrap();
    let outside = root.path("outside.mp4");
    fs::copy(small(2), &outside).unwrap();
    root.start();
    symlink(&outside, root.input("720/link.mp4")).unwrap();
    symlink(root.input("720"), root.input("720/loop")).unwrap();
    symlink("/nowhere", root.input("720/dangling.mp4")).unwrap();
    fs::create_dir(root.input("720/folder.mp4")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(root.input("720/pipe.mp4"))
            .status()
            .unwrap()
            .success()
    );
    let _socket = std::os::unix::net::UnixListener::bind(root.input("720/socket.mp4")).unwrap();
    fs::copy(small(3), root.input("stray.mp4")).unwrap();
    fs::create_dir(root.input("999")).unwrap();
    fs::copy(small(4), root.input("999/odd.mp4")).unwrap();
    fs::copy(small(5), disk.path().join("far.mp4")).unwrap();
    root.until_status("1080/far.mp4", "processed");
    for stray in ["stray.mp4", "999/odd.mp4"] {
        let row = root.until_status(stray, "error_no_resolution");
        assert!(row["error"].as_str().unwrap().contains("input/720/"), "{row}");
        root.until("the phone hears of it", || (ntfy.count(stray) > 0).then_some(()));
    }
    root.after_two_sweeps();
    for stray in ["stray.mp4", "999/odd.mp4"] {
        assert_eq!(ntfy.count(stray), 1, "{:?}", ntfy.alerts());
        assert_eq!(
            root.log().matches(&format!("{stray}: ")).count(),
            1,
            "{}",
            root.log()
        );
    }
    assert_eq!(root.tasks().len(), 3, "{:?}", root.tasks());
    assert_eq!(root.outputs(), ["1080/far.mp4"]);
    assert_eq!(root.stop(), 0);

    // Moved to where it belongs, it is done.
    fs::rename(root.input("stray.mp4"), root.input("480/stray.mp4")).unwrap();
    root.ok(&["once"]);
    assert_eq!(root.status("480/stray.mp4"), "processed");
}

#[test]
fn a_root_that_vanishes_is_unavailable_and_goes_on_when_it_is_back() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("ntfy_topic", "\"films\""),
        ("ntfy_events", "[\"failed\", \"root_unavailable\"]"),
    ]);
    root.ok(&["pause"]);
    fs::write(root.input("720/waits.mkv"), filler(1)).unwrap();
    root.start();
    until_queued(&root, 1);
    fs::rename(root.path("input"), root.path("gone")).unwrap();
    root.until_logged("unavailable");
    root.until("status says so", || {
        root.ok(&["status"])
            .stdout
            .contains("unavailable: input")
            .then_some(())
    });
    root.until("the phone hears of it", || {
        (!ntfy.alerts().is_empty()).then_some(())
    });
    root.after_two_sweeps();
    assert_eq!(ntfy.alerts().len(), 1, "{:?}", ntfy.alerts());
    assert_eq!(
        root.status("720/waits.mkv"),
        "queued",
        "nothing counts as deleted"
    );

    // Made anew, as after a mount: watched again.
    fs::create_dir_all(root.input("720")).unwrap();
    root.until_logged("available again");
    fs::copy(root.path("gone/720/waits.mkv"), root.input("720/waits.mkv")).unwrap();
    fs::copy(small(6), root.input("720/new.mp4")).unwrap();
    root.until_status("720/new.mp4", "queued");
    root.ok(&["resume"]);
    root.until_status("720/new.mp4", "processed");
    // It is text, and is said to be: the file at its place was looked at.
    root.until_status("720/waits.mkv", "failed");
}

#[test]
fn without_events_files_are_found_by_sweeping_and_a_person_is_told() {
    let name = "without_events_files_are_found_by_sweeping_and_a_person_is_told";
    if !all_tests_wanted(name) {
        return;
    }
    let can_unshare = has_tool("unshare") && finish(Command::new("unshare").args(["-Ur", "true"])).code == 0;
    if !can_unshare {
        return skip(name, "unshare");
    }
    for (limit, value) in [("max_inotify_watches", 2), ("max_inotify_instances", 0)] {
        let ntfy = Ntfy::start();
        let root = Root::new(&[
            ("ntfy_base_url", &format!("{:?}", ntfy.url)),
            ("ntfy_topic", "\"films\""),
            ("ntfy_events", "[\"attention\"]"),
        ]);
        let mut command = Command::new("unshare");
        root.with_environment(&mut command);
        command.args(["-Ur", "sh", "-c"]).arg(format!(
            "echo {value} > /proc/sys/user/{limit} && exec '{}' --root '{}' run",
            env!("CARGO_BIN_EXE_video-compressor"),
            root.path("").display()
        ));
        root.start_as(command);
        fs::create_dir_all(root.input("720/deep/er")).unwrap();
        root.put(&small(7), "720/deep/er/a.mp4");
        root.until_status("720/deep/er/a.mp4", "processed");
        assert!(
            root.log().contains("no file-system events"),
            "{limit}: {}",
            root.log()
        );
        root.until("status says so", || {
            root.ok(&["status"])
                .stdout
                .contains("looks through input/ regularly")
                .then_some(())
        });
        root.until("the phone hears of it", || {
            (ntfy.count("No file-system events") > 0).then_some(())
        });
        assert_eq!(ntfy.alerts().len(), 1, "{limit}: {:?}", ntfy.alerts());
    }
}

#[test]
fn a_source_replaced_by_an_equally_long_one_within_a_second_is_a_new_one() {
    let root = Root::new(&[]);
    root.start();
    let file = root.put(&small(8), "720/a.mp4");
    let first = root.until_status("720/a.mp4", "processed");
    let before = root.output("720/a.mp4").metadata().unwrap().ino();
    // Same length, same time to the nanosecond, another file: as `mv` of a corrected copy.
    let modified = file.metadata().unwrap().modified().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let copy = root.path("copy.mp4");
    fs::write(&copy, bytes).unwrap();
    fs::File::options()
        .append(true)
        .open(&copy)
        .unwrap()
        .set_times(fs::FileTimes::new().set_modified(modified))
        .unwrap();
    fs::rename(&copy, &file).unwrap();
    root.until("it is done again", || {
        root.task("720/a.mp4")
            .filter(|task| task["id"] != first["id"] && task["status"] == "processed")
    });
    assert_ne!(root.output("720/a.mp4").metadata().unwrap().ino(), before);
    assert_eq!(root.outputs(), ["720/a.mp4"]);
}
