//! The queue in the hands of a person: commands, edits of `tasks.json`, and what a broken or older file becomes.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, path::Path};

use common::{
    clips::{probe, small},
    root::{Root, files_below},
};
use serde_json::{Value, json};

/// A service that holds its first encode until the gate is opened.
fn gated(settings: &[(&str, &str)]) -> Root {
    let root = Root::new(&[]);
    let ffmpeg = root.gated_ffmpeg();
    let mut all = vec![("ffmpeg_path", ffmpeg.as_str()), ("max_jobs", "1")];
    all.extend(settings);
    root.configure(&all, "[profiles.other]\nbased_on = \"quick\"\ncrf = 40\n");
    root
}

/// Drops clips in turn, each once the one before is in the queue.
fn put_in_turn(root: &Root, files: &[(u32, &str)]) {
    for (seed, path) in files {
        root.put(&small(*seed), path);
        root.until(path, || root.task(path));
    }
}

/// Edits `tasks.json` as an editor does: reads all, writes a new file in its place.
fn edit(root: &Root, change: impl FnOnce(&mut Vec<Value>)) {
    let mut rows = root.tasks();
    change(&mut rows);
    write(root, &serde_json::to_vec_pretty(&rows).unwrap());
}

fn write(root: &Root, bytes: &[u8]) {
    let file = root.path("conf/tasks.json");
    let unfinished = root.path("conf/tasks.json~");
    fs::write(&unfinished, bytes).unwrap();
    fs::rename(unfinished, file).unwrap();
}

fn row<'a>(rows: &'a mut [Value], path: &str) -> &'a mut Value {
    rows.iter_mut().rfind(|row| row["path"] == path).unwrap()
}

#[test]
fn commands_change_a_running_queue() {
    let root = gated(&[]);
    root.start();
    put_in_turn(
        &root,
        &[
            (1, "720/a.mp4"),
            (2, "720/b.mp4"),
            (3, "720/c.mp4"),
            (4, "720/d.mp4"),
        ],
    );
    root.until_status("720/a.mp4", "processing");

    root.ok(&["set", "720/d.mp4", "--priority", "7", "--profile", "other"]);
    root.ok(&["cancel", "720/b.mp4"]);
    root.until_status("720/b.mp4", "cancelled");
    let refused = root.run(&["cancel", "720/b.mp4"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("cancelled"), "{refused:?}");

    // A running encode is ended, and nothing of it stays. Paused first, so that no other one begins.
    root.ok(&["pause"]);
    root.until_logged("paused");
    assert!(root.ok(&["status"]).stdout.contains("paused since"));
    root.ok(&["cancel", "720/a.mp4"]);
    // The command writes the status; the service, when it has ended the encode, the reason.
    root.until("the encode is ended", || {
        root.task("720/a.mp4")
            .filter(|row| row["status"] == "cancelled" && row["reason"] == "cancelled by hand")
    });
    assert!(root.outputs().is_empty());
    assert!(root.input("720/a.mp4").exists());
    root.open_gate();
    root.after_two_sweeps();
    assert_eq!(root.status("720/c.mp4"), "queued");

    root.ok(&["resume"]);
    root.until_status("720/c.mp4", "processed");
    let changed = root.until_status("720/d.mp4", "processed");
    assert_eq!(
        (&changed["priority"], &changed["profile"]),
        (&json!(7), &json!("other"))
    );
    let receipt =
        fs::read_to_string(root.path(format!("conf/receipts/{}.json", changed["id"].as_str().unwrap())));
    assert!(receipt.unwrap().contains("-crf:0 40"));

    root.ok(&["retry", "720/a.mp4", "b.mp4"]);
    for path in ["720/a.mp4", "720/b.mp4"] {
        root.until_status(path, "processed");
    }
    let unknown = root.run(&["retry", "720/z.mp4"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.stderr.contains("720/z.mp4: no such task"), "{unknown:?}");
    assert_eq!(root.ok(&["cancel", "--queued"]).stdout, "nothing to cancel\n");
}

#[test]
fn failed_tasks_are_tried_again_when_asked() {
    let root = Root::new(&[]);
    // A text, and a film that ffmpeg is to fail at.
    fs::write(root.input("720/no.mp4"), "text").unwrap();
    root.put(&small(5), "720/a.mp4");
    let failing = root.script(&format!(
        "case \"$*\" in *-progress*) [ -e '{}' ] || {{ echo 'Conversion failed!' >&2; exit 1; }};; esac\nexec ffmpeg \"$@\"\n",
        root.path("mended").display()
    ));
    root.configure(&[("ffmpeg_path", &failing)], "");
    let finished = root.run(&["once"]);
    assert_eq!(finished.code, 1, "{finished:?}");
    assert_eq!(
        (root.status("720/no.mp4"), root.status("720/a.mp4")),
        ("failed".into(), "failed".into())
    );
    let listed = root.ok(&["list", "--failed", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    fs::write(root.path("mended"), "").unwrap();
    // Without being asked, no.
    assert!(root.ok(&["once"]).stdout.contains("0 compressed"));
    root.ok(&["retry", "--failed"]);
    let finished = root.run(&["once"]);
    assert_eq!(finished.code, 1, "{finished:?}");
    assert_eq!(root.status("720/a.mp4"), "processed");
    let no = root.task("720/no.mp4").unwrap();
    assert!(no["status"] == "failed" && no["error"].is_string(), "{no}");
    assert_eq!(root.tasks().len(), 2);
}

#[test]
fn edits_of_the_file_are_followed_and_nothing_else_in_it_is_believed() {
    let root = gated(&[]);
    root.start();
    put_in_turn(
        &root,
        &[
            (6, "720/a.mp4"),
            (7, "720/b.mp4"),
            (8, "720/c.mp4"),
            (9, "720/d.mp4"),
            (10, "720/e.mp4"),
        ],
    );
    root.until_status("720/a.mp4", "processing");
    let size = root.task("720/e.mp4").unwrap()["file_size_before"].clone();
    edit(&root, |rows| {
        row(rows, "720/b.mp4")["status"] = json!("cancelled");
        row(rows, "720/e.mp4")["priority"] = json!(3);
        row(rows, "720/e.mp4")["file_size_before"] = json!(1);
        row(rows, "720/e.mp4")["hash"] = json!("0");
        // No legal step.
        row(rows, "720/d.mp4")["status"] = json!("processed");
        rows.retain(|row| row["path"] != "720/c.mp4");
    });
    root.until_status("720/b.mp4", "cancelled");
    root.until_status("720/c.mp4", "cancelled");
    root.until_logged("stays queued");
    assert_eq!(root.status("720/d.mp4"), "queued");
    let kept = root.until("the priority is taken", || {
        root.task("720/e.mp4").filter(|row| row["priority"] == 3)
    });
    assert_eq!(kept["file_size_before"], size);
    assert_ne!(kept["hash"], "0");

    // What does not parse is reported, kept, and costs nothing.
    write(&root, b"[{\"id\": \"oops\",");
    root.until_logged("could not be understood");
    root.until("the queue is written again", || {
        let bytes = fs::read(root.path("conf/tasks.json")).expect("it is there at every moment");
        serde_json::from_slice::<Vec<Value>>(&bytes)
            .ok()
            .filter(|rows| rows.len() == 5)
    });
    let aside = files_below(&root.path("conf"))
        .into_iter()
        .find(|name| name.contains("corrupt"));
    let aside = aside.expect("the edit is kept");
    assert_eq!(
        fs::read(root.path("conf").join(aside)).unwrap(),
        b"[{\"id\": \"oops\","
    );

    // A new row, by path alone.
    edit(&root, |rows| {
        rows.push(json!({ "path": "720/b.mp4", "status": "queued", "note": "again, please" }));
        rows.push(json!({ "path": "../../etc/passwd", "status": "queued" }));
    });
    root.until_logged("720/b.mp4: queued by hand");
    assert!(
        !root.log().contains("was removed"),
        "the set-aside file was never missed"
    );
    // The file removed: written again.
    fs::remove_file(root.path("conf/tasks.json")).unwrap();
    root.until("it is written again", || {
        root.path("conf/tasks.json").exists().then_some(())
    });
    root.open_gate();
    for path in ["720/e.mp4", "720/a.mp4", "720/d.mp4"] {
        root.until_status(path, "processed");
    }
    let again = root.until_status("720/b.mp4", "processed");
    assert_eq!(again["note"], "again, please", "unknown fields survive");
    let bad: Vec<Value> = root
        .tasks()
        .into_iter()
        .filter(|row| row["path"].as_str().unwrap().contains("passwd"))
        .collect();
    assert!(
        bad.iter().all(|row| row["status"] == "error_missing_input"),
        "{bad:?}"
    );
    assert_eq!(
        root.outputs(),
        ["720/a.mp4", "720/b.mp4", "720/d.mp4", "720/e.mp4"]
    );
    let order = |path: &str| {
        root.task(path).unwrap()["start_time"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(order("720/e.mp4") < order("720/d.mp4"), "the priority counts");
}

#[test]
fn a_status_or_field_it_does_not_know_is_kept_as_it_is() {
    let root = Root::new(&[]);
    root.put(&small(11), "720/a.mp4");
    root.put(&small(12), "720/b.mp4");
    let theirs = json!({
        "id": "by-hand", "path": "720/b.mp4", "hash": null, "resolution": "720", "status": "on holiday",
        "priority": 0, "file_size_before": root.input("720/b.mp4").metadata().unwrap().len(), "mood": ["fine"],
    });
    fs::write(
        root.path("conf/tasks.json"),
        serde_json::to_vec(&json!([theirs, "just text", 7])).unwrap(),
    )
    .unwrap();
    root.ok(&["once"]);
    let bytes = fs::read(root.path("conf/tasks.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    let kept = rows.iter().find(|row| row["id"] == "by-hand").unwrap();
    assert_eq!(
        (&kept["status"], &kept["mood"]),
        (&json!("on holiday"), &json!(["fine"]))
    );
    assert!(
        rows.contains(&json!("just text")) && rows.contains(&json!(7)),
        "{rows:?}"
    );
    assert_eq!(root.outputs(), ["720/a.mp4"]);
}

#[test]
fn a_broken_queue_is_set_aside_and_rebuilt_and_nothing_is_encoded_again() {
    let root = Root::new(&[]);
    root.put(&small(13), "720/a.mp4");
    root.ok(&["once"]);
    let output = fs::read(root.output("720/a.mp4")).unwrap();
    for (name, content) in [
        ("empty", Vec::new()),
        ("NUL", vec![0; 4096]),
        ("text", b"not json".to_vec()),
        ("cut", {
            let mut bytes = fs::read(root.path("conf/tasks.json")).unwrap();
            bytes.truncate(bytes.len() / 2);
            bytes
        }),
        ("no array", b"{}".to_vec()),
        ("deep", vec![b'['; 100_000]),
    ] {
        fs::write(root.path("conf/tasks.json"), &content).unwrap();
        let finished = root.ok(&["once"]);
        assert!(finished.stderr.contains("set aside"), "{name}: {finished:?}");
        assert!(finished.stdout.contains("0 compressed"), "{name}: {finished:?}");
        assert_eq!(root.status("720/a.mp4"), "processed", "{name}");
        let aside = files_below(&root.path("conf"))
            .into_iter()
            .filter(|file| file.contains("corrupt"))
            .map(|file| root.path("conf").join(file));
        let found = aside
            .into_iter()
            .any(|file| fs::read(&file).is_ok_and(|kept| kept == content));
        assert!(found, "{name}: the broken file is kept");
        assert_eq!(fs::read(root.output("720/a.mp4")).unwrap(), output, "{name}");
    }
    // Not there at all: the same.
    fs::remove_file(root.path("conf/tasks.json")).unwrap();
    assert!(root.ok(&["once"]).stdout.contains("0 compressed"));
    assert_eq!(root.status("720/a.mp4"), "processed");

    // Unreadable is another case: nothing is touched. A folder is unreadable even for root.
    fs::remove_file(root.path("conf/tasks.json")).unwrap();
    fs::create_dir(root.path("conf/tasks.json")).unwrap();
    let refused = root.run(&["once"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("tasks.json"), "{refused:?}");
    assert!(root.path("conf/tasks.json").is_dir());
}

#[test]
fn the_file_of_the_older_python_service_loads_and_nothing_is_encoded_again() {
    let root = Root::new(&[]);
    let (done, odd) = (
        root.put(&small(14), "720/show/done.mp4"),
        root.put(&small(15), "480/odd.mp4"),
    );
    let waiting = root.put(&small(16), "720/waiting.mp4");
    let size = |file: &Path| file.metadata().unwrap().len();
    let python = |id: u32, path: &str, status: &str, size: u64, resolution: &str| {
        json!({
            "id": id, "path": path, "md5": "d41d8cd98f00b204e9800998ecf8427e", "resolution": resolution,
            "status": status, "priority": 0, "added_time": "2024-05-01T10:00:00.123456",
            "start_time": "2024-05-01T10:00:05.000001",
            "end_time": if status == "queued" { Value::Null } else { json!("2024-05-01T10:10:05.5") },
            "file_size_before": size, "file_size_after": 400, "time_taken_seconds": 600.5,
        })
    };
    let rows = json!([
        python(1, done.to_str().unwrap(), "processed", size(&done), "720p"),
        python(2, "input/480/odd.mp4", "processed", size(&odd), "480"),
        python(3, "720/waiting.mp4", "queued", size(&waiting), "720"),
    ]);
    fs::write(
        root.path("conf/tasks.json"),
        serde_json::to_vec_pretty(&rows).unwrap(),
    )
    .unwrap();
    let finished = root.ok(&["once"]);
    assert!(finished.stdout.contains("1 compressed"), "{finished:?}");
    assert_eq!(root.outputs(), ["720/waiting.mp4"]);
    let tasks = root.tasks();
    assert_eq!(tasks.len(), 3, "{tasks:?}");
    for task in &tasks {
        assert_eq!(task["md5"], "d41d8cd98f00b204e9800998ecf8427e", "{task}");
        assert_eq!(task["status"], "processed", "{task}");
    }
    assert_eq!(tasks[0]["path"], "720/show/done.mp4");
    assert_eq!(tasks[0]["end_time"], "2024-05-01T10:10:05.500Z");
    // The same file with other content is a new file.
    root.put(&small(17), "480/odd.mp4");
    root.ok(&["once"]);
    assert_eq!(
        probe(&root.output("480/odd.mp4"))["streams"][0]["codec_name"],
        "hevc"
    );
}
