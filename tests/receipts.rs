//! Receipts, the one line of them, and the totals, with the real binary.
#![allow(clippy::disallowed_methods)]

mod common;

use std::fs;

use common::{
    clips::{clip, picture, small},
    ntfy::Ntfy,
    root::Root,
};
use serde_json::Value;

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
        let form = [" → ", " (−", " %), 180p, 2 audio, 1 subtitle, "];
        assert!(form.iter().all(|words| summary.contains(words)), "{summary}");
        assert!(!summary.contains("SSIM") || summary.contains(" dB"), "{summary}");
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
