//! Streams, tags and titles of real files, from the source to the output and the receipt, with the real binary.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::{
    clips::{clip, ffmpeg, picture, probe},
    root::Root,
};
use serde_json::Value;
use video_compressor::matroska;

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

/// A byte of captions with its parity.
fn odd(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) {
        byte | 0x80
    } else {
        byte
    }
}

/// H.264 with EIA-608 captions in its pictures; with room for them only, where there is no `text`.
fn captioned(folder: &Path, text: &str) -> PathBuf {
    const EXTENSION: &[u8] = &[0, 0, 1, 0xb5];
    let plain = folder.join("plain.m2v");
    ffmpeg(
        "-f lavfi -i testsrc2=size=192x144:rate=30000/1001:duration=2 -c:v mpeg2video -bf 0 -q:v 1",
        &plain,
    );
    let mut pairs = Vec::new();
    if !text.is_empty() {
        // Load a pop-on caption, go to the last row, write, show.
        pairs.extend([(0x14, 0x20), (0x14, 0x20), (0x14, 0x70), (0x14, 0x70)]);
        pairs.extend(
            text.as_bytes()
                .chunks(2)
                .map(|two| (two[0], *two.get(1).unwrap_or(&b' '))),
        );
        pairs.extend([(0x14, 0x2f), (0x14, 0x2f)]);
        pairs.extend([(0, 0); 20]);
        // Take it away.
        pairs.extend([(0x14, 0x2c), (0x14, 0x2c)]);
    }
    let mut pairs = pairs.into_iter();
    let mut with_captions = Vec::new();
    let mut rest = fs::read(&plain).unwrap();
    let start = |bytes: &[u8], from: usize, code: &[u8]| {
        let found = bytes[from..]
            .windows(code.len())
            .position(|window| window == code);
        found.map(|place| from + place)
    };
    while let Some(extension) = start(&rest, 0, EXTENSION) {
        let end = start(&rest, extension + 4, &[0, 0, 1]).unwrap();
        let is_picture = rest[extension + 4] >> 4 == 8;
        with_captions.extend(rest.drain(..end));
        if is_picture {
            let (first, second) = pairs.next().unwrap_or((0, 0));
            with_captions.extend(b"\0\0\x01\xb2GA94\x03\x41\xff\xfc");
            with_captions.extend([odd(first), odd(second), 0xff]);
        }
    }
    with_captions.extend(rest);
    let stream = folder.join("captions.m2v");
    fs::write(&stream, with_captions).unwrap();
    let made = folder.join("captions.mp4");
    ffmpeg(
        &format!(
            "-framerate 30000/1001 -i {} {SOUND} -map 0 -map 1 {H264} -a53cc 1 -c:a aac -b:a 60k",
            stream.display()
        ),
        &made,
    );
    made
}

#[test]
fn captions_inside_the_pictures_become_a_subtitle_track() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(&[]);
    // A name that means something to ffmpeg's filters.
    let path = "720/it's [1], 2;3.mp4";
    root.put(&captioned(folder.path(), "Hello captions"), path);
    let (output, receipt) = compressed(&root, path);
    let media = probe(&output);
    let track = media["streams"].as_array().unwrap().last().unwrap();
    assert_eq!(track["codec_name"], "mov_text");
    assert_eq!(track["disposition"]["hearing_impaired"], 1);
    let text = folder.path().join("text.srt");
    ffmpeg(
        &format!("-i {} -map 0:s", captioned_copy(&output, folder.path()).display()),
        &text,
    );
    let text = fs::read_to_string(text).unwrap();
    assert!(
        text.contains("Hello captions") && text.contains("00:00:00,"),
        "{text}"
    );
    assert_eq!(receipt["lost"], Value::Array(Vec::new()));
    let shown = root.ok(&["show", "it's [1], 2;3.mp4"]).stdout;
    assert!(
        shown.contains("added subtitle") && shown.contains("closed captions"),
        "{shown}"
    );
    let left: Vec<String> = root.outputs();
    assert_eq!(left, ["720/it's [1], 2;3.mp4"]);
}

/// Under a name without blanks.
fn captioned_copy(output: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join("output.mp4");
    fs::copy(output, &copy).unwrap();
    copy
}

#[test]
fn room_for_captions_without_any_is_no_subtitle_track() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(&[]);
    root.put(&captioned(folder.path(), ""), "720/a.mp4");
    let (output, receipt) = compressed(&root, "720/a.mp4");
    assert_eq!(probe(&output)["streams"].as_array().unwrap().len(), 2);
    let notes = receipt["notes"].to_string();
    assert!(notes.contains("there are none in it"), "{notes}");
}

#[test]
fn languages_are_kept_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(&[]);
    let mut languages = matroska::Languages::default();
    let rooms = [languages.add("por", "pt-BR"), languages.add("chi", "zh-Hant")];
    let plain = clip(
        &format!(
            "{} {SOUND} -map 0 -map 1 -map 1 -map 1 {H264} -c:a ac3 -metadata:s:a:0 language={} -metadata:s:a:1 language=ger \
             -metadata:s:a:2 language={}",
            picture(2, 192, 144),
            rooms[0],
            rooms[1]
        ),
        "mkv",
    );
    let in_full = |file: &Path| {
        let (_, tracks) = matroska::tracks(&mut fs::File::open(file).unwrap())
            .unwrap()
            .unwrap();
        matroska::languages(&tracks)
    };
    let source = folder.path().join("source.mkv");
    let (place, tracks) = matroska::tracks(&mut fs::File::open(&plain).unwrap())
        .unwrap()
        .unwrap();
    let place = usize::try_from(place).unwrap();
    let mut bytes = fs::read(&plain).unwrap();
    bytes[place..place + tracks.len()].copy_from_slice(&languages.in_place(&tracks).unwrap());
    fs::write(&source, bytes).unwrap();
    let expected = [None, Some("pt-BR".to_owned()), None, Some("zh-Hant".to_owned())];
    assert_eq!(in_full(&source), expected);

    root.put(&source, "720/a.mkv");
    let (output, receipt) = compressed(&root, "720/a.mkv");
    assert_eq!(in_full(&output), expected);
    let media = probe(&output);
    let older: Vec<&Value> = media["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| &stream["tags"]["language"])
        .collect();
    assert_eq!(older, [&Value::Null, &"por".into(), &"ger".into(), &"chi".into()]);
    assert_eq!(receipt["output"]["streams"][3]["language"], "zh-Hant");
    assert_eq!(receipt["lost"], Value::Array(Vec::new()));
}

#[test]
fn what_ffmpeg_does_not_read_of_tags_and_chapters_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = Root::new(&[]);
    let chapters = folder.path().join("chapters.txt");
    let list = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n";
    fs::write(&chapters, list).unwrap();
    // Both are made what ffmpeg cannot write.
    let plain = clip(
        &format!(
            "{} {SOUND} -f ffmetadata -i {} -map 0 -map 1 -map_metadata 2 {H264} -c:a ac3 -metadata ARTIST=Alice -metadata ARTISU=Bob \
             -write_crc32 0",
            picture(3, 192, 144),
            chapters.display()
        ),
        "mkv",
    );
    let mut bytes = fs::read(&plain).unwrap();
    let mut replace = |old: &[u8], new: &[u8]| {
        let place = bytes.windows(old.len()).position(|window| window == old).unwrap();
        bytes[place..place + new.len()].copy_from_slice(new);
    };
    replace(b"ARTISU", b"ARTIST");
    replace(b"\x43\x7c\x83und", b"\x43\x7c\x83ger");
    let source = folder.path().join("source.mkv");
    fs::write(&source, bytes).unwrap();

    root.put(&source, "720/a.mkv");
    let (output, receipt) = compressed(&root, "720/a.mkv");
    let read = &probe(&output)["format"]["tags"]["ARTIST"];
    let other = if read == "Alice" { "Bob" } else { "Alice" };
    let named: Vec<&str> = receipt["lost"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lost| lost["what"].as_str().unwrap())
        .collect();
    let tag = format!("the tag ARTIST ({other})");
    assert_eq!(named, [tag.as_str(), "the language ger of chapter titles"]);
}

#[test]
fn sound_of_recordings_that_were_joined_is_put_in_step() {
    let root = Root::new(&[]);
    let part = clip(
        &format!(
            "{} -f lavfi -i sine=frequency=440:duration=1.03:sample_rate=48000 {H264} -c:a aac",
            picture(1, 192, 144)
        ),
        "mp4",
    );
    let list = root.path("parts.txt");
    let line = format!("file '{}'\n", part.display());
    fs::write(&list, line.repeat(3)).unwrap();
    for joined in ["720/a.mkv", "720/b.ts"] {
        let file = root.path(Path::new(joined).file_name().unwrap());
        ffmpeg(&format!("-f concat -safe 0 -i {} -c copy", list.display()), &file);
        root.put(&file, joined);
        let (output, receipt) = compressed(&root, joined);
        let notes = receipt["notes"].to_string();
        assert!(notes.contains("parts of it overlap"), "{notes}");
        let ends = |file: &Path| -> f64 {
            let duration = probe(file)["format"]["duration"].as_str().map(str::parse);
            duration.unwrap().unwrap()
        };
        assert!(
            (ends(&file) - ends(&output)).abs() < 0.1,
            "{} {}",
            ends(&file),
            ends(&output)
        );
    }
}
