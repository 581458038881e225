//! Receipts, the one line of them, and the totals, with the real binary.
#![allow(clippy::disallowed_methods)]

mod common;

use std::fs;

use common::{
    clips::{clip, picture, small},
    ntfy::Ntfy,
    root::Root,
};
use serde_json::{Value, json};

/// Two sounds, a subtitle, a chapter: what a summary counts.
fn film() -> std::path::PathBuf {
    let subtitles = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("one-line.srt");
    // Another test may be reading it.
    let unfinished = subtitles.with_extension(format!("{:?}", std::thread::current().id()));
    fs::write(&unfinished, "1\n00:00:00,000 --> 00:00:00,900\nHello\n").unwrap();
    fs::rename(unfinished, &subtitles).unwrap();
    let picture = picture(71, 320, 180);
    clip(
        &format!(
            "{picture} -f lavfi -i sine=frequency=440:duration=1 -i {} -map 0:v -map 1:a -map 1:a -map 2:s \
             -c:v libx264 -preset ultrafast -crf 2 -c:a:0 ac3 -c:a:1 aac -b:a:1 48k -c:s subrip \
             -metadata:s:a:0 language=eng -metadata:s:a:1 language=ger -metadata:s:a:1 title=Commentary",
            subtitles.display()
        ),
        "mkv",
    )
}

#[test]
fn a_receipt_sets_source_and_output_side_by_side() {
    let root = Root::new(&[]);
    root.put(&film(), "720/trip/Holiday.mkv");
    root.ok(&["once"]);
    let row = root.task("720/trip/Holiday.mkv").unwrap();
    let id = row["id"].as_str().unwrap();

    let receipt: Value =
        serde_json::from_slice(&fs::read(root.path(format!("conf/receipts/{id}.json"))).unwrap()).unwrap();
    let (source, output) = (&receipt["source"], &receipt["output"]);
    let bytes = |path| fs::metadata(path).unwrap().len();
    assert_eq!(source["size_bytes"], bytes(root.input("720/trip/Holiday.mkv")));
    assert_eq!(output["size_bytes"], bytes(root.output("720/trip/Holiday.mkv")));
    assert_eq!((&source["frames"], &output["frames"]), (&10.into(), &10.into()));
    let codecs = |media: &Value| -> Vec<String> {
        let streams = media["streams"].as_array().unwrap().iter();
        streams
            .map(|stream| stream["codec"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(codecs(source), ["h264", "ac3", "aac", "subrip"]);
    assert_eq!(codecs(output), ["hevc", "aac", "aac", "subrip"]);
    let of_output = |key: &str| -> Vec<Value> {
        let streams = output["streams"].as_array().unwrap().iter();
        streams.map(|stream| stream[key].clone()).collect()
    };
    assert_eq!(of_output("source_index"), [0, 1, 2, 3]);
    assert_eq!(of_output("treatment"), ["encoded", "encoded", "copied", "copied"]);
    assert_eq!(
        of_output("language"),
        [Value::Null, "eng".into(), "ger".into(), Value::Null]
    );
    let encoder = &receipt["encoder"];
    assert_eq!(
        (&encoder["preset"], &encoder["crf"]),
        (&"ultrafast".into(), &28.0.into())
    );
    for key in ["ffmpeg", "x265"] {
        let version = encoder[key].as_str().unwrap();
        assert!(
            version.contains(|digit: char| digit.is_ascii_digit()),
            "{key}: {version}"
        );
    }
    assert!(receipt["speed"]["realtime"].as_f64().unwrap() > 0.0, "{receipt}");
    assert_eq!(receipt["fingerprint"]["sample_hash"], row["sample_hash"]);
    assert_eq!(receipt["fingerprint"]["mtime_ns"], row["source_file"]["mtime_ns"]);

    // By id, its beginning, and the path in each of its forms.
    let whole = root.input("720/trip/Holiday.mkv");
    let whole = whole.to_str().unwrap();
    for wanted in [
        id,
        &id[..10],
        "720/trip/Holiday.mkv",
        "input/720/trip/Holiday.mkv",
        "Holiday.mkv",
        whole,
    ] {
        let shown = root.ok(&["show", wanted]).stdout;
        for words in [
            "SOURCE",
            "OUTPUT",
            "h264",
            "hevc",
            "ac3",
            "“Commentary”",
            "CRF 28",
            "x265",
        ] {
            assert!(shown.contains(words), "{wanted}, {words}: {shown}");
        }
        assert!(!shown.contains("another run"), "{shown}");
    }
    let json = root.ok(&["show", id, "--json"]).json();
    assert_eq!(json["task"]["id"], id);
    assert_eq!(json["receipt"]["output"], *output);

    // The same from an archive, and then without the receipt.
    fs::rename(
        root.path("conf/tasks.json"),
        root.path("conf/tasks.json.20260101-000000"),
    )
    .unwrap();
    assert!(root.ok(&["show", id]).stdout.contains("SOURCE"));
    fs::remove_dir_all(root.path("conf/receipts")).unwrap();
    let shown = root.ok(&["show", id]).stdout;
    assert!(shown.contains("No receipt"), "{shown}");
    assert_eq!(root.ok(&["show", id, "--json"]).json()["receipt"], Value::Null);
}

#[test]
fn the_row_and_the_alert_say_the_same_in_one_line() {
    for names in [true, false] {
        let ntfy = Ntfy::start();
        let root = Root::new(&[
            ("ntfy_base_url", &format!("{:?}", ntfy.url)),
            ("ntfy_topic", "\"films\""),
            ("include_names", if names { "true" } else { "false" }),
        ]);
        root.put(&film(), "720/trip/Holiday.mkv");
        root.ok(&["once"]);
        let row = root.task("720/trip/Holiday.mkv").unwrap();
        let summary = row["summary"].as_str().unwrap();
        let form = [" → ", " (−", " %), 180p, SSIM ", " dB, 2 audio, 1 subtitle, "];
        assert!(form.iter().all(|words| summary.contains(words)), "{summary}");
        let told = if names {
            format!("Holiday.mkv: {summary}")
        } else {
            format!(": {summary}")
        };
        root.until("the alert has come", || (ntfy.count(&told) == 1).then_some(()));
        assert_eq!(ntfy.count("Holiday") > 0, names, "{:?}", ntfy.alerts());
    }
}

#[test]
fn nothing_is_processed_before_its_receipt_is_durable() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("ntfy_topic", "\"films\""),
    ]);
    root.start();
    // A file where the folder should be refuses every receipt, and root is not above it.
    let receipts = root.path("conf/receipts");
    let _ = fs::remove_dir_all(&receipts);
    fs::write(&receipts, "in the way").unwrap();
    root.put(&small(72), "720/a.mp4");
    root.until("somebody is told", || (ntfy.count("receipt") > 0).then_some(()));
    assert_eq!(root.status("720/a.mp4"), "processing");
    assert!(
        !root.outputs().iter().any(|name| name == "720/a.mp4"),
        "{:?}",
        root.outputs()
    );

    // A stop does not wait for it, and loses nothing.
    assert_eq!(root.stop(), 0);
    assert_eq!(root.status("720/a.mp4"), "queued");
    assert!(root.outputs().is_empty(), "{:?}", root.outputs());

    fs::remove_file(&receipts).unwrap();
    root.start();
    root.until_status("720/a.mp4", "processed");
    fs::remove_dir_all(&receipts).unwrap();
    fs::write(&receipts, "in the way").unwrap();
    root.put(&small(73), "720/b.mp4");
    root.until("it waits for its receipt", || {
        root.log()
            .contains("720/b.mp4: is encoded, but its receipt")
            .then_some(())
    });
    fs::remove_file(&receipts).unwrap();
    let row = root.until_status("720/b.mp4", "processed");
    let receipt = root.path(format!("conf/receipts/{}.json", row["id"].as_str().unwrap()));
    assert!(receipt.exists());
    assert_eq!(row["attempts"], 1, "encoded once");
}

#[test]
fn the_report_sums_up_queue_and_archives_by_folder_and_month() {
    let root = Root::new(&[]);
    let done = |id: &str, path: &str, end: &str, before: u64, after: u64| {
        json!({
            "id": id, "path": path, "output": path, "hash": null, "resolution": "720", "status": "processed",
            "priority": 0, "added_time": end, "start_time": end, "end_time": end, "file_size_before": before,
            "file_size_after": after, "time_taken_seconds": 60.0,
        })
    };
    let older = json!({
        "id": 7, "path": root.input("480/old.avi"), "md5": "d41d", "status": "processed", "resolution": "480p",
        "end_time": "2024-05-01T10:10:05.5", "file_size_before": 1000, "file_size_after": 400, "time_taken_seconds": 60,
    });
    let failed = json!({ "id": "f1", "path": "720/bad.mkv", "status": "failed", "end_time": "2026-01-01T00:00:00Z", "file_size_before": 5 });
    let mended = json!({ "id": "f2", "path": "720/Films/a.mkv", "status": "failed", "end_time": "2025-12-01T00:00:00Z", "file_size_before": 5 });
    let bare = json!({ "id": "s1", "path": "720/bare.mkv", "status": "processed", "file_size_before": 0 });
    for (name, rows) in [
        (
            "tasks.json.20260101-000000",
            json!([
                older,
                done("a", "720/Films/a.mkv", "2026-01-10T12:00:00Z", 2_000, 1_000)
            ]),
        ),
        ("tasks-err.json.20260102-000000", json!([failed, mended])),
        (
            "tasks.json.20260201-000000",
            json!([
                done("b", "720/Films/a.mkv", "2026-01-20T12:00:00Z", 2_000, 500),
                bare
            ]),
        ),
        (
            "tasks.json",
            json!([done("c", "720/c\u{1b}.mkv", "2026-02-10T12:00:00Z", 1_000, 1_500)]),
        ),
    ] {
        fs::write(root.path("conf").join(name), rows.to_string()).unwrap();
    }
    fs::write(root.path("conf/tasks.json.20260301-000000"), "{ cut").unwrap();

    let finished = root.ok(&["report", "--json"]);
    assert!(
        finished.stderr.contains("tasks.json.20260301-000000"),
        "{finished:?}"
    );
    let report = finished.json();
    let total = &report["total"];
    let number = |key: &str| total[key].as_i64().unwrap();
    assert_eq!(
        (
            number("files"),
            number("without_sizes"),
            number("failed"),
            number("skipped")
        ),
        (4, 1, 1, 0)
    );
    assert_eq!(
        (
            number("before_bytes"),
            number("after_bytes"),
            number("saved_bytes")
        ),
        (4_000, 2_400, 1_600)
    );
    assert_eq!(
        (&total["saved_percent"], number("encode_seconds")),
        (&json!(40.0), 180)
    );
    let keys = |group: &str, key: &str| -> Vec<Value> {
        report[group]
            .as_array()
            .unwrap()
            .iter()
            .map(|sum| sum[key].clone())
            .collect()
    };
    assert_eq!(keys("by_folder", "folder"), ["480", "720", "720/Films"]);
    assert_eq!(
        keys("by_month", "month"),
        ["unknown", "2024-05", "2026-01", "2026-02"]
    );
    for group in ["by_folder", "by_month", "rows"] {
        let saved: i64 = keys(group, "saved_bytes")
            .iter()
            .map(|saved| saved.as_i64().unwrap())
            .sum();
        assert_eq!(saved, 1_600, "{group}");
    }

    let csv = root.ok(&["report", "--csv"]).stdout;
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == 12), "{csv}");
    let saved: i64 = rows[1..].iter().map(|row| row[5].parse::<i64>().unwrap()).sum();
    assert_eq!(saved, 1_600, "{csv}");

    let text = root.ok(&["report"]).stdout;
    for words in [
        "480",
        "720",
        "Films",
        "2026-01",
        "total",
        "4.0 kB",
        "2.4 kB",
        "−40 %",
        "1 failed",
        "without sizes",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
}
