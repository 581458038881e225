//! Rows 24, 26 to 33: the queue and its disk. Rows 22, 23 and 25 are in tests/crash_points and tests/power_loss.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    common::{clips::small, root::finish},
    only_when_wanted,
    trial::{Ending, Trial},
};

/// A file system of its own, for as long as this lives.
struct Mount(std::path::PathBuf);

impl Mount {
    fn tmpfs(at: &Path, options: &str) -> Self {
        fs::create_dir_all(at).unwrap();
        let mounted = finish(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", options, "tmpfs"])
                .arg(at),
        );
        assert_eq!(mounted.code, 0, "{mounted:?}");
        Self(at.to_owned())
    }

    /// The folder over itself.
    fn over(folder: &Path) -> Self {
        let mounted = finish(Command::new("mount").arg("--bind").args([folder, folder]));
        assert_eq!(mounted.code, 0, "{mounted:?}");
        Self(folder.to_owned())
    }

    fn change(&self, options: &str) {
        let changed = finish(
            Command::new("mount")
                .args(["-o", &format!("remount,{options}")])
                .arg(&self.0),
        );
        assert_eq!(changed.code, 0, "{changed:?}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .stderr(Stdio::null())
            .status();
    }
}

/// A trial whose `conf/` is a small disk.
fn with_small_conf(options: &str) -> (Trial, Mount) {
    let trial = Trial::new(&[]);
    let conf = trial.root.path("conf");
    let settings = fs::read(conf.join("video-compressor.toml")).unwrap();
    let mount = Mount::tmpfs(&conf, options);
    fs::write(conf.join("video-compressor.toml"), settings).unwrap();
    (trial, mount)
}

#[test]
fn row_26_a_queue_that_is_no_queue_is_set_aside_and_made_again() {
    only_when_wanted!();
    let nested = "[".repeat(100_000);
    let bad: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("zeros", &[0; 5000]),
        ("cut", br#"[{"id":"a","path":"720/a.mp4","status":"que"#),
        ("an object", b"{}"),
        ("nested", nested.as_bytes()),
        ("no UTF-8", b"[\xff\xfe]"),
    ];
    for (seed, (what, bytes)) in (200..).zip(bad) {
        let trial = Trial::new(&[]);
        trial.drop_film(&small(seed), "720/a.mp4");
        trial.root.ok(&["once"]);
        fs::write(trial.root.path("conf/tasks.json"), bytes).unwrap();
        trial.start();
        trial.drop_film(&small(seed + 20), "720/b.mp4");
        trial.until_all_ended();
        let kept = fs::read_dir(trial.root.path("conf"))
            .unwrap()
            .flatten()
            .any(|entry| {
                entry.file_name().to_string_lossy().contains("corrupt")
                    && fs::read(entry.path()).unwrap() == bytes
            });
        assert!(kept, "{what}: the evidence is kept");
        // Nothing that was done is done again.
        let first = trial.root.task("720/a.mp4").unwrap();
        assert_eq!(first["attempts"].as_u64().unwrap_or(1), 1, "{what}: {first}");
        trial.oracles();
    }
}

#[test]
fn row_26b_duplicate_ids_are_parted_and_nothing_is_lost() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    for (seed, path) in [(230, "720/a.mp4"), (231, "720/b.mp4")] {
        trial.drop_film(&small(seed), path);
    }
    let row = |path: &str| {
        json!({"id": "same", "path": path, "hash": null, "resolution": "720", "status": "queued", "priority": 0,
               "added_time": "2026-11-21T00:00:00Z", "start_time": null, "end_time": null,
               "file_size_before": 0, "file_size_after": null, "time_taken_seconds": null})
    };
    let rows = json!([row("720/a.mp4"), row("720/b.mp4")]);
    fs::write(trial.root.path("conf/tasks.json"), rows.to_string()).unwrap();
    trial.start();
    trial.oracles();
}

#[test]
fn row_27_fields_of_a_newer_version_are_carried_along() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.drop_film(&small(232), "720/a.mp4");
    trial.root.ok(&["once"]);
    let file = trial.root.path("conf/tasks.json");
    let mut rows: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    rows[0]["colour"] = "blue".into();
    rows.push(
        json!({"id": "z9", "path": "720/later.mp4", "status": "on_holiday", "colour": [1, {"deep": null}]}),
    );
    fs::write(&file, serde_json::to_vec(&rows).unwrap()).unwrap();
    trial.start();
    trial.drop_film(&small(233), "720/b.mp4");
    trial.until_all_ended();
    let rows = trial.all_rows();
    let of = |path: &str| rows.iter().find(|row| row["path"] == path).unwrap();
    assert_eq!(of("720/a.mp4")["colour"], "blue");
    assert_eq!(of("720/later.mp4")["status"], "on_holiday");
    assert_eq!(of("720/later.mp4")["colour"], json!([1, {"deep": null}]));
    trial.oracles();
}

#[test]
fn row_28_while_the_queue_cannot_be_written_nothing_is_begun() {
    only_when_wanted!("mount");
    let trial = Trial::new(&[]);
    trial.start();
    // A mount of its own: on the one below it the service holds its lock open for writing.
    let read_only = Mount::over(&trial.root.path("conf"));
    read_only.change("bind,ro");
    trial.drop_film(&small(234), "720/a.mp4");
    trial
        .root
        .until_logged("kept in memory and written as soon as the disk allows");
    trial.root.after_two_sweeps();
    assert_eq!(trial.root.outputs(), Vec::<String>::new());
    drop(read_only);
    trial.oracles();
}

#[test]
fn row_28b_a_full_disk_of_the_queue_is_waited_out() {
    only_when_wanted!("mount");
    for options in ["size=256k,nr_inodes=1000", "size=8m,nr_inodes=24"] {
        let (trial, mount) = with_small_conf(options);
        trial.start();
        let mut number = 0;
        while fs::write(trial.root.path(format!("conf/fill-{number}")), [0; 4096]).is_ok() {
            number += 1;
        }
        trial.drop_film(&small(235), "720/a.mp4");
        trial
            .root
            .until_logged("kept in memory and written as soon as the disk allows");
        for number in 0..=number {
            let _ = fs::remove_file(trial.root.path(format!("conf/fill-{number}")));
        }
        mount.change("size=8m,nr_inodes=2000");
        trial.oracles();
    }
}

#[test]
fn row_29_a_second_instance_is_refused_and_an_orphan_is_ended_first() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    let ffmpeg = trial.root.gated_ffmpeg();
    trial.root.configure(&[("ffmpeg_path", &ffmpeg)], "");
    trial.start();
    trial.drop_film(&small(236), "720/a.mp4");
    trial.root.until_status("720/a.mp4", "processing");
    let second = trial.root.run(&["run"]);
    assert_eq!(second.code, 3, "{second:?}");
    assert!(
        second.text().contains(&trial.root.pid().to_string()),
        "{second:?}"
    );
    trial.root.kill();
    trial.root.open_gate();
    trial.start();
    trial.until_all_ended();
    assert_eq!(trial.root.stop(), 0);
    assert_eq!(trial.root.outputs(), ["720/a.mp4"]);
}

#[test]
fn row_30_a_queue_of_somebody_else_stops_the_service() {
    only_when_wanted!("setpriv");
    let trial = Trial::new(&[]);
    trial.drop_film(&small(237), "720/a.mp4");
    trial.root.ok(&["once"]);
    let before = fs::read(trial.root.path("conf/tasks.json")).unwrap();
    let chmod = |mode: &str| {
        let done = finish(
            Command::new("chmod")
                .arg(mode)
                .arg(trial.root.path("conf/tasks.json")),
        );
        assert_eq!(done.code, 0);
    };
    for entry in walkdir::WalkDir::new(trial.root.path("")).into_iter().flatten() {
        std::os::unix::fs::chown(entry.path(), Some(65534), Some(65534)).unwrap();
    }
    std::os::unix::fs::chown(trial.root.path("conf/tasks.json"), Some(0), Some(0)).unwrap();
    chmod("600");
    let mut command = Command::new("setpriv");
    trial.root.with_environment(&mut command);
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(env!("CARGO_BIN_EXE_video-compressor"))
        .arg("--root")
        .arg(trial.root.path(""))
        .args(["once", "--timeout", "5"]);
    let refused = finish(&mut command);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.text().contains("tasks.json"), "{refused:?}");
    assert_eq!(fs::read(trial.root.path("conf/tasks.json")).unwrap(), before);
    chmod("644");
    trial.start();
    trial.oracles();
}

#[test]
fn row_31_a_clock_that_jumps_ends_nothing_and_overwrites_nothing() {
    only_when_wanted!("faketime");
    let library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"]
        .map(|folder| Path::new(folder).join("faketime/libfaketime.so.1"))
        .into_iter()
        .find(|library| library.exists())
        .expect("libfaketime beside faketime");
    // The library of the clock talks to that of other processes by a file that a confined child may not open.
    let trial = Trial::new(&[
        ("rotation_threshold", "2"),
        ("rotation_idle_scans", "1"),
        ("confine", "\"off\""),
    ]);
    let clock = trial.root.path("clock");
    fs::write(&clock, "+0").unwrap();
    let mut command = trial.root.command(&["run"]);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    trial.root.start_as(command);
    let jumps = [
        "-2d",
        "+400d",
        "@2027-02-28 23:59:58",
        "@2028-02-29 12:00:00",
        "@2026-10-25 02:59:59",
        "-2d",
        "+0",
    ];
    for (seed, jump) in (240..).zip(jumps) {
        fs::write(&clock, jump).unwrap();
        trial.drop_film(&small(seed), &format!("720/{seed}-a.mp4"));
        trial.drop_film(&small(seed + 20), &format!("720/{seed}-b.mp4"));
        trial.until_all_ended();
    }
    trial.oracles();
}

#[test]
fn row_32_a_task_that_was_cut_off_is_tried_again_and_given_up_after_three_times() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    let ffmpeg = trial.root.gated_ffmpeg();
    trial.root.configure(&[("ffmpeg_path", &ffmpeg)], "");
    trial.drop_film(&small(260), "720/a.mp4");
    for attempt in 1..=3 {
        trial.start();
        trial.root.until(&format!("attempt {attempt}"), || {
            let row = trial.root.task("720/a.mp4")?;
            (row["status"] == "processing" && row["attempts"] == attempt).then_some(())
        });
        trial.root.kill();
    }
    trial.root.open_gate();
    trial.start();
    let row = trial.root.until_status("720/a.mp4", "failed");
    assert!(row["error"].as_str().unwrap().contains("3 times"), "{row}");
    trial.root.ok(&["retry", "720/a.mp4"]);
    trial.until_all_ended();
    assert_eq!(trial.root.stop(), 0);
    assert_eq!(trial.root.outputs(), ["720/a.mp4"]);
}

#[test]
fn row_33_a_hundred_thousand_tasks_are_saved_and_known() {
    only_when_wanted!();
    let trial = Trial::new(&[("rotation_threshold", "1000000"), ("rotation_cap", "1000000")]);
    let rows: Vec<Value> = (0..100_000)
        .map(|number| {
            json!({"id": format!("t{number:06}"), "path": format!("720/old/{number}.mkv"), "hash": format!("{number:032x}"),
                   "resolution": "720", "status": "processed", "priority": 0, "added_time": "2026-01-01T00:00:00Z",
                   "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:10Z", "file_size_before": 1000,
                   "file_size_after": 500, "time_taken_seconds": 10.0, "output": format!("720/old/{number}.mkv")})
        })
        .collect();
    fs::write(
        trial.root.path("conf/tasks.json"),
        serde_json::to_vec(&rows).unwrap(),
    )
    .unwrap();
    trial.root.start();
    trial.drop_film(&small(261), "720/new.mp4");
    trial.root.until_status("720/new.mp4", "processed");
    let status = fs::read_to_string(format!("/proc/{}/status", trial.root.pid())).unwrap();
    let memory = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kib: u64 = memory.split_whitespace().next().unwrap().parse().unwrap();
    assert!(kib < 600 * 1024, "{kib} KiB");
    assert_eq!(trial.all_rows().len(), 100_001);
    assert_eq!(trial.root.stop(), 0);
    assert_eq!(trial.all_rows().len(), 100_001);
}

#[test]
fn row_30b_a_bad_edit_by_hand_changes_nothing() {
    only_when_wanted!();
    let trial = Trial::new(&[]);
    trial.root.ok(&["pause"]);
    trial.start();
    trial.drop_film(&small(262), "720/a.mp4");
    trial.root.until_status("720/a.mp4", "queued");
    fs::write(trial.root.path("conf/tasks.json"), "[{\"id\": ").unwrap();
    trial.root.until_logged("goes on with what it knows");
    trial.root.until("it is written anew", || {
        let bytes = fs::read(trial.root.path("conf/tasks.json")).unwrap();
        serde_json::from_slice::<Value>(&bytes).is_ok().then_some(())
    });
    trial.root.ok(&["resume"]);
    trial.expect("720/a.mp4", Ending::Compressed);
    trial.oracles();
}
