//! What is no good: each file gets its own clear reason and one alert, and stays as it was.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    ffi::OsString,
    fs,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{MetadataExt, PermissionsExt},
    },
    path::Path,
    process::Command,
    sync::atomic::Ordering,
};

use common::{
    all_tests_wanted,
    clips::{clip, picture, probe, small},
    listener::listener,
    ntfy::Ntfy,
    root::{Root, files_below, has_tool},
    skip,
};

const H264: &str = "-c:v libx264 -preset ultrafast -crf 10";
/// Must never be found in anything that the service writes.
const CANARY: &str = "canary-5f1c0a";

fn cut(file: &Path, percent: usize) -> Vec<u8> {
    let mut bytes = fs::read(file).unwrap();
    bytes.truncate(bytes.len() * percent / 100);
    bytes
}

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    bytes
}

/// A Matroska file of some kilobytes that claims a picture of 30000 x 30000.
fn enormous() -> Vec<u8> {
    let file = clip(
        &format!(
            "{} -frames:v 3 -c:v mjpeg -pix_fmt yuvj420p",
            picture(1, 640, 480)
        ),
        "mkv",
    );
    let mut bytes = fs::read(file).unwrap();
    bytes = replaced(bytes, &[0xb0, 0x82, 0x02, 0x80], &[0xb0, 0x82, 0x75, 0x30]);
    bytes = replaced(bytes, &[0xba, 0x82, 0x01, 0xe0], &[0xba, 0x82, 0x75, 0x30]);
    // Height and width in each JPEG's own header.
    while let Some(at) = bytes
        .windows(4)
        .position(|window| window == [0x01, 0xe0, 0x02, 0x80])
    {
        bytes[at..at + 4].copy_from_slice(&[0x75, 0x30, 0x75, 0x30]);
    }
    bytes
}

/// A second of film with its last track so many times more. ffmpeg would write no more than a thousand.
fn crowded(times: u32) -> Vec<u8> {
    let film = fs::read(small(31)).unwrap();
    // The index stands at the end, so no offset of the film's bytes changes.
    let (start, index) = boxes(&film).find(|(_, found)| &found[4..8] == b"moov").unwrap();
    assert_eq!(start + index.len(), film.len());
    let (_, track) = boxes(&index[8..])
        .filter(|(_, found)| &found[4..8] == b"trak")
        .last()
        .unwrap();
    let mut crowded = index.to_vec();
    for number in 0..times {
        let mut track = track.to_vec();
        // In its first box, behind sizes, names, version and two times.
        track[28..32].copy_from_slice(&(1000 + number).to_be_bytes());
        crowded.extend(track);
    }
    let size = u32::try_from(crowded.len()).unwrap();
    crowded[..4].copy_from_slice(&size.to_be_bytes());
    [&film[..start], &crowded].concat()
}

/// The boxes of an MP4 one after the other, whole, and where each begins.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let header = bytes.get(at..at + 4)?;
        let size = u32::from_be_bytes(header.try_into().unwrap()) as usize;
        let begins = at;
        at += size;
        Some((begins, &bytes[begins..at]))
    })
}

/// Name, content, and words of the reason.
fn bad_files(port: u16, canary: &Path) -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let film = |extra: &str, extension: &str| {
        clip(
            &format!(
                "-f lavfi -i testsrc2=size=192x144:rate=10:duration=4 -f lavfi -i sine=duration=4 -shortest {H264} -c:a aac {extra}"
            ),
            extension,
        )
    };
    let tail_index = film("", "mp4");
    let head_index = film("-movflags +faststart", "mp4");
    let matroska = film("", "mkv");
    let stream = film("", "ts");
    let sound = clip("-f lavfi -i sine=duration=1 -c:a aac", "mp4");
    let canary = canary.display();
    let url = format!("http://127.0.0.1:{port}/x.ts");
    let text = |text: String| text.into_bytes();
    vec![
        ("empty.mp4", Vec::new(), &["empty"][..]),
        (
            "text.mp4",
            text("Dear diary, this is no film.\n".repeat(50)),
            &["text"],
        ),
        ("no-index.mp4", cut(&tail_index, 60), &["truncated", "moov"]),
        ("cut-data.mp4", cut(&head_index, 60), &["truncated"]),
        ("cut.mkv", cut(&matroska, 60), &["truncated"]),
        ("cut.ts", cut(&stream, 60), &["truncated"]),
        ("sound.mp4", fs::read(sound).unwrap(), &["no video stream"]),
        (
            "hls.mp4",
            text(format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXTINF:1,\n{canary}\n#EXTINF:1,\nfile://{canary}\n#EXT-X-ENDLIST\n"
            )),
            &["playlist", "HLS"],
        ),
        (
            "concat.mp4",
            text(format!("ffconcat version 1.0\nfile '{canary}'\nfile '{url}'\n")),
            &["playlist", "concat"],
        ),
        (
            "dash.mp4",
            text(format!(
                "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1S\"><BaseURL>{url}</BaseURL><Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><SegmentList duration=\"1\"><Initialization sourceURL=\"{url}\"/><SegmentURL media=\"{url}\"/></SegmentList></Representation></AdaptationSet></Period></MPD>\n"
            )),
            &["playlist", "DASH"],
        ),
        (
            "sdp.mp4",
            text(format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
            )),
            &["playlist", "SDP"],
        ),
        (
            "svg.mp4",
            text(format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"64\" height=\"64\"><image xlink:href=\"{url}\" width=\"64\" height=\"64\"/><image xlink:href=\"file://{canary}\"/></svg>\n"
            )),
            &["playlist", "SVG"],
        ),
        ("enormous.mkv", enormous(), &["too large", "30000x30000"]),
        ("crowded.mp4", crowded(999), &["more than 500 streams"]),
        ("overfull.mp4", crowded(1200), &["more than 500 streams"]),
        ("zeros.mkv", vec![0; 100_000], &["not a video", "zeros"]),
        (
            "noise.avi",
            (0..50_000_u32)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect(),
            &["not a video"],
        ),
        (
            "8x8.mp4",
            fs::read(clip(
                &format!("-f lavfi -i testsrc2=size=8x8:rate=10:duration=1 {H264}"),
                "mp4",
            ))
            .unwrap(),
            &["8x8"],
        ),
    ]
}

#[test]
fn every_bad_file_has_its_own_reason_one_alert_and_stays_as_it_was() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("ntfy_topic", "\"films\""),
        ("ntfy_events", "[\"failed\", \"attention\"]"),
        ("after_success", "\"delete\""),
    ]);
    let (port, connections) = listener();
    let outside = tempfile::tempdir().unwrap();
    let canary = outside.path().join("canary.ts");
    // A film that would play, with words in it that would be seen.
    let marked = clip(
        &format!("{} {H264} -metadata service_name={CANARY}", picture(2, 192, 144)),
        "ts",
    );
    fs::copy(marked, &canary).unwrap();

    root.start();
    let cases = bad_files(port, &canary);
    let mut reasons = Vec::new();
    for (name, bytes, words) in &cases {
        let path = format!("720/{name}");
        let file = root.input(&path);
        fs::write(&file, bytes).unwrap();
        let before = file.metadata().unwrap();
        let row = root.until_status(&path, "failed");
        let reason = row["error"].as_str().unwrap().to_owned();
        for word in *words {
            assert!(reason.contains(word), "{name}: {word:?} in {reason:?}");
        }
        root.until(&format!("the phone hears of {name}"), || {
            (ntfy.count(name) > 0).then_some(())
        });
        assert!(
            ntfy.alerts()
                .iter()
                .any(|alert| alert.contains(name) && alert.contains(words[0])),
            "{name}: the alert says why: {:?}",
            ntfy.alerts()
        );
        let after = file.metadata().unwrap();
        assert_eq!(fs::read(&file).unwrap(), *bytes, "{name}");
        assert_eq!(
            (before.ino(), before.mtime(), before.mtime_nsec()),
            (after.ino(), after.mtime(), after.mtime_nsec()),
            "{name}"
        );
        reasons.push(reason);
    }
    // A good one among them is done, and nothing is tried a second time by itself.
    root.put(&small(30), "720/good.mp4");
    root.until_status("720/good.mp4", "processed");
    root.after_two_sweeps();
    assert_eq!(root.outputs(), ["720/good.mp4"]);
    assert_eq!(root.tasks().len(), cases.len() + 1);
    for (name, ..) in &cases {
        assert_eq!(ntfy.count(name), 1, "{name}: {:?}", ntfy.alerts());
    }
    assert_eq!(
        connections.load(Ordering::SeqCst),
        0,
        "nobody was asked for anything"
    );
    assert_eq!(root.stop(), 0);
    for file in files_below(&root.path("")) {
        if file.starts_with("input/") {
            continue;
        }
        let bytes = fs::read(root.path(&file)).unwrap();
        let found = bytes
            .windows(CANARY.len())
            .any(|window| window == CANARY.as_bytes());
        assert!(!found, "{file} holds what lies outside");
    }
    assert!(!reasons.iter().any(String::is_empty));
}

#[test]
fn odd_sizes_are_made_even() {
    let root = Root::new(&[]);
    let file = clip(
        "-f lavfi -i testsrc2=size=161x121:rate=10:duration=1,format=yuv444p -c:v libx264 -preset ultrafast -qp 0",
        "mkv",
    );
    root.put(&file, "720/odd.mkv");
    root.ok(&["once"]);
    let found = probe(&root.output("720/odd.mkv"));
    for side in ["width", "height"] {
        assert_eq!(found["streams"][0][side].as_i64().unwrap() % 2, 0, "{found}");
    }
}

#[test]
fn the_damage_of_a_file_can_be_accepted() {
    let root = Root::new(&[("damaged", "\"salvage\"")]);
    let film = clip(
        &format!("-f lavfi -i testsrc2=size=192x144:rate=10:duration=4 {H264}"),
        "mkv",
    );
    let bytes = cut(&film, 60);
    fs::write(root.input("720/cut.mkv"), &bytes).unwrap();
    root.ok(&["once"]);
    let row = root.task("720/cut.mkv").unwrap();
    assert_eq!(row["status"], "processed", "{row}");
    let receipt =
        fs::read_to_string(root.path(format!("conf/receipts/{}.json", row["id"].as_str().unwrap()))).unwrap();
    let receipt: serde_json::Value = serde_json::from_str(&receipt).unwrap();
    assert!(
        receipt["decoder_complaints"].is_string(),
        "the receipt says so: {receipt}"
    );
    assert_eq!(fs::read(root.input("720/cut.mkv")).unwrap(), bytes);
}

#[test]
fn hostile_names_are_encoded_and_written_down_as_they_are() {
    let mut long = "l".repeat(251);
    long.push_str(".mp4");
    let names: Vec<OsString> = [
        "-x.mp4",
        "a:b.mp4",
        "http:x.mp4",
        "concat:a|b.mp4",
        "%03d.mp4",
        "new\nline.mp4",
        "it's \"quoted\".mp4",
        "\u{1b}[31mred\u{7}.mp4",
        "$(touch pwned) `touch pwned`;.mp4",
        "trailing .mp4",
        " .MP4",
        "film \u{1f3ac}.mp4",
        "caf\u{e9}.mp4",
        "cafe\u{301}.mp4",
        "[a]*?{b,c}.mp4",
        &long,
    ]
    .into_iter()
    .map(OsString::from)
    .chain([OsString::from_vec(b"latin-\xe9\xff.mp4".to_vec())])
    .collect();
    let ntfy = Ntfy::start();
    let root = Root::new(&[
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("ntfy_topic", "\"films\""),
        ("ntfy_events", "[\"done\"]"),
    ]);
    let mut put = Vec::new();
    for (seed, name) in (40..).zip(&names) {
        // Some file systems refuse a name; there is nothing to test then.
        let target = root.input("720").join(name);
        if fs::copy(small(seed), &target).is_ok() {
            put.push(name);
        }
    }
    assert!(put.len() >= names.len() - 2, "{put:?}");
    let finished = root.ok(&["once"]);

    let mut expected: Vec<Vec<u8>> = put
        .iter()
        .map(|name| Path::new(name).with_extension("mp4").into_os_string().into_vec())
        .collect();
    let mut found: Vec<Vec<u8>> = fs::read_dir(root.output("720"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_vec())
        .collect();
    // The longest name leaves no room for ours behind it: it is shortened, and the receipt says so.
    expected.retain(|name| name.len() < 255);
    let at = found.iter().position(|name| name.starts_with(b"lll")).unwrap();
    let shortened = found.remove(at);
    assert!(shortened.len() < 255 && shortened.ends_with(b".mp4"));
    expected.sort();
    found.sort();
    assert_eq!(found, expected);

    let tasks = root.tasks();
    assert_eq!(tasks.len(), put.len());
    assert!(
        tasks.iter().all(|task| task["status"] == "processed"),
        "{tasks:?}"
    );
    for name in &put {
        let encoded = name.to_str().map(|name| format!("720/{name}"));
        let row = match &encoded {
            Some(path) => tasks.iter().find(|task| task["path"] == **path).cloned(),
            None => tasks
                .iter()
                .find(|task| task["path_encoding"] == "percent")
                .cloned(),
        };
        let row = row.unwrap_or_else(|| panic!("{name:?} in {tasks:?}"));
        if encoded.is_none() {
            assert_eq!(row["path"], "720/latin-%E9%FF.mp4");
        }
        if name.len() == 255 {
            let receipt =
                fs::read_to_string(root.path(format!("conf/receipts/{}.json", row["id"].as_str().unwrap())));
            assert!(receipt.unwrap().contains("shortened"));
        }
    }
    // Each log line is one line, without control characters.
    for line in finished.stderr.lines() {
        assert!(line.starts_with(|first: char| first.is_ascii_digit()), "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert!(!root.path("pwned").exists() && !Path::new("pwned").exists());
    assert!(!ntfy.alerts().is_empty());
    // They are recognised: a second run finds nothing to do.
    let again = root.ok(&["once"]);
    assert!(again.stdout.contains("0 compressed"), "{again:?}");
    // And a person can speak of them.
    root.ok(&["show", "720/-x.mp4"]);
    assert!(names.iter().all(|name| !name.as_bytes().is_empty()));
}

#[test]
fn a_file_that_cannot_be_read_is_reported_and_taken_when_it_can() {
    let name = "a_file_that_cannot_be_read_is_reported_and_taken_when_it_can";
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if is_root {
        // Root reads everything, so the service runs as somebody else.
        if !all_tests_wanted(name) {
            return;
        }
        if !has_tool("setpriv") {
            return skip(name, "setpriv");
        }
    }
    let ntfy = Ntfy::start();
    let root = Root::new(&[
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("ntfy_topic", "\"films\""),
        ("ntfy_events", "[\"failed\"]"),
    ]);
    let file = root.put(&small(31), "720/locked.mp4");
    root.put(&small(32), "720/open.mp4");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if is_root {
        // The binary's own folder may be closed to others.
        let binary = root.path("video-compressor");
        fs::copy(env!("CARGO_BIN_EXE_video-compressor"), &binary).unwrap();
        let owned = Command::new("chown")
            .args(["-R", "65534:65534"])
            .arg(root.path(""))
            .status()
            .unwrap();
        assert!(owned.success());
        let mut command = Command::new("setpriv");
        root.with_environment(&mut command);
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(binary)
            .arg("--root")
            .arg(root.path(""))
            .arg("run");
        root.start_as(command);
    } else {
        root.start();
    }
    let row = root.until_status("720/locked.mp4", "failed");
    let reason = row["error"].as_str().unwrap();
    assert!(
        reason.contains("cannot be read") && reason.contains("ermission"),
        "{reason}"
    );
    root.until_status("720/open.mp4", "processed");
    root.until("the phone hears of it", || {
        (ntfy.count("locked.mp4") > 0).then_some(())
    });
    root.after_two_sweeps();
    assert_eq!(ntfy.count("locked.mp4"), 1, "{:?}", ntfy.alerts());
    assert_eq!(root.outputs(), ["720/open.mp4"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    root.until_status("720/locked.mp4", "processed");
}
