//! Streams, tags and titles of real files, from the source to the output and the receipt, with the real binary.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, path::PathBuf};

use common::{
    clips::{clip, picture, probe},
    root::Root,
};
use serde_json::Value;

const SOUND: &str = "-f lavfi -i sine=frequency=440:duration=1";
const H264: &str = "-c:v libx264 -preset ultrafast -crf 2 -pix_fmt yuv420p";

/// Compresses one file; its output and receipt.
fn compressed(root: &Root, path: &str) -> (PathBuf, Value) {
    root.ok(&["once"]);
    let row = root.task(path).unwrap();
    assert_eq!(row["status"], "processed", "{row}");
    let id = row["id"].as_str().unwrap();
    let receipt = fs::read(root.path(format!("conf/receipts/{id}.json"))).unwrap();
    (
        root.output(row["output"].as_str().unwrap()),
        serde_json::from_slice(&receipt).unwrap(),
    )
}

#[test]
fn an_mp4_keeps_tags_that_ffmpeg_cannot_write_and_titles_that_it_cannot_read() {
    let root = Root::new(&[]);
    let source = clip(
        &format!(
            "{} {SOUND} -map 0 -map 1 -map 1 {H264} -c:a aac -b:a:0 60k -b:a:1 200k -metadata title=Film -metadata comment=Mine \
             -metadata firmware=HD5.02 -metadata sort_name=Film,_A -metadata:s:a:0 title=Original -metadata:s:a:1 title=Comments \
             -movflags use_metadata_tags",
            picture(1, 192, 144)
        ),
        "mp4",
    );
    root.put(&source, "720/a.mp4");
    let (output, receipt) = compressed(&root, "720/a.mp4");
    let tags = &probe(&output)["format"]["tags"];
    for (key, value) in [
        ("title", "Film"),
        ("comment", "Mine"),
        ("firmware", "HD5.02"),
        ("sort_name", "Film,_A"),
    ] {
        assert_eq!(tags[key], value, "{tags}");
    }
    assert_eq!(receipt["lost"], Value::Array(Vec::new()));
    let titles = |media: &str| -> Vec<Value> {
        let streams = receipt[media]["streams"].as_array().unwrap().iter();
        streams.map(|stream| stream["title"].clone()).collect()
    };
    let expected = [Value::Null, "Original".into(), "Comments".into()];
    assert_eq!(titles("source"), expected);
    assert_eq!(titles("output"), expected);
    let shown = root.ok(&["show", "a.mp4"]).stdout;
    assert!(shown.contains("“Comments”"), "{shown}");
}
