//! The main path, with the real binary and the real ffmpeg: a file is dropped, its smaller twin appears.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use common::{
    clips::{clip, picture, probe, small},
    ntfy::Ntfy,
    root::{Root, files_below, finish, has_tool},
    skip,
};
use serde_json::{Value, json};

/// A text file that a clip is made from.
fn beside(name: &str, text: &str) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Other tests of this process may be reading it: it is never seen half written.
    let unfinished = file.with_extension(format!("{:?}", std::thread::current().id()));
    fs::write(&unfinished, text).unwrap();
    fs::rename(unfinished, &file).unwrap();
    file.display().to_string()
}

const SRT: &str = "1\n00:00:00,100 --> 00:00:00,900\nHello\n";
const ASS: &str = "[Script Info]\nScriptType: v4.00+\nPlayResX: 384\nPlayResY: 288\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\nStyle: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:00.10,0:00:00.90,Default,,0,0,0,,Hello\n";
const CHAPTERS: &str = ";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1000\ntitle=Two\n";

const SINE: &str = "-f lavfi -i sine=frequency=440:duration=1";
const H264: &str = "-c:v libx264 -preset ultrafast -crf 10";

struct Case {
    source: &'static str,
    clip: PathBuf,
    output: &'static str,
    size: (i64, i64),
    /// Codec and language of every stream but the video.
    others: &'static [(&'static str, &'static str)],
    /// `hvc1` in MP4; nothing to tell in Matroska.
    tag: Option<&'static str>,
    chapters: usize,
    title: Option<&'static str>,
}

fn cases() -> Vec<Case> {
    let srt = beside("hello.srt", SRT);
    let ass = beside("hello.ass", ASS);
    let chapters = beside("chapters.txt", CHAPTERS);
    let plain = Case {
        source: "",
        clip: PathBuf::new(),
        output: "",
        size: (320, 240),
        others: &[("aac", "und")],
        tag: Some("hvc1"),
        chapters: 0,
        title: None,
    };
    let all = |what: &str, extension: &str| clip(what, extension);
    vec![
        Case {
            source: "480/wide.mp4",
            clip: all(
                &format!("{} {SINE} {H264} -c:a aac", picture(1, 1280, 720)),
                "mp4",
            ),
            output: "480/wide.mp4",
            size: (854, 480),
            ..plain
        },
        Case {
            source: "480/upright.m4v",
            clip: all(&format!("{} {H264}", picture(2, 720, 1280)), "mp4"),
            output: "480/upright.mp4",
            size: (480, 854),
            others: &[],
            ..plain
        },
        Case {
            source: "1080/small.mov",
            clip: all(
                &format!("{} {SINE} -c:v mpeg4 -q:v 2 -c:a pcm_s16le", picture(3, 320, 240)),
                "mov",
            ),
            output: "1080/small.mp4",
            ..plain
        },
        Case {
            source: "720/web.webm",
            clip: all(
                &format!(
                    "{} {SINE} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
                    picture(4, 320, 240)
                ),
                "webm",
            ),
            output: "720/web.mkv",
            tag: None,
            ..plain
        },
        Case {
            source: "720/deep/er/film.mkv",
            clip: all(
                &format!(
                    "{} {SINE} -f lavfi -i sine=frequency=880:duration=1 -i {srt} -i {chapters} -map 0 -map 1 -map 2 -map 3 -map_metadata 4 -map_chapters 4 {H264} -c:a aac -c:s srt -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:s:0 language=fra",
                    picture(5, 320, 240)
                ),
                "mkv",
            ),
            output: "720/deep/er/film.mkv",
            others: &[("aac", "eng"), ("aac", "deu"), ("subrip", "fra")],
            tag: None,
            chapters: 2,
            title: Some("A film"),
            ..plain
        },
        Case {
            source: "720/told.mp4",
            clip: all(
                &format!(
                    "{} {SINE} -i {srt} -i {chapters} -map 0 -map 1 -map 2 -map_metadata 3 -map_chapters 3 {H264} -c:a aac -c:s mov_text -metadata:s:a:0 language=jpn -metadata:s:s:0 language=eng",
                    picture(6, 320, 240)
                ),
                "mp4",
            ),
            output: "720/told.mp4",
            others: &[("aac", "jpn"), ("mov_text", "eng")],
            chapters: 2,
            title: Some("A film"),
            ..plain
        },
        Case {
            source: "480/styled.mkv",
            clip: all(
                &format!("{} -i {ass} -map 0 -map 1 {H264} -c:s ass", picture(7, 320, 240)),
                "mkv",
            ),
            output: "480/styled.mkv",
            others: &[("ass", "und")],
            tag: None,
            ..plain
        },
        Case {
            source: "2160/big.avi",
            clip: all(
                &format!("{} {SINE} -c:v mpeg4 -q:v 2 -c:a mp3", picture(8, 320, 240)),
                "avi",
            ),
            output: "2160/big.mkv",
            // The profile of this folder says so.
            others: &[("mp3", "und")],
            tag: None,
            ..plain
        },
    ]
}

fn language(stream: &Value) -> &str {
    stream["tags"]["language"].as_str().unwrap_or("und")
}

/// `moov` before `mdat`: a player can start before the whole file is there.
fn is_fast_start(file: &Path) -> bool {
    let bytes = fs::read(file).unwrap();
    let at = |name: &[u8]| bytes.windows(4).position(|window| window == name).unwrap();
    at(b"moov") < at(b"mdat")
}

fn check_output(root: &Root, case: &Case) {
    let name = case.source;
    let output = root.output(case.output);
    let found = probe(&output);
    let streams = found["streams"].as_array().unwrap();
    let (videos, others): (Vec<&Value>, Vec<&Value>) =
        streams.iter().partition(|stream| stream["codec_type"] == "video");
    assert_eq!(videos.len(), 1, "{name}");
    assert_eq!(videos[0]["codec_name"], "hevc", "{name}");
    assert_eq!(
        (
            videos[0]["width"].as_i64().unwrap(),
            videos[0]["height"].as_i64().unwrap()
        ),
        case.size,
        "{name}"
    );
    let others: Vec<(&str, &str)> = others
        .iter()
        // ffprobe lists an MP4's chapter track as data.
        .filter(|stream| stream["codec_type"] != "data")
        .map(|stream| (stream["codec_name"].as_str().unwrap(), language(stream)))
        .collect();
    assert_eq!(others, case.others, "{name}");
    assert_eq!(
        found["chapters"].as_array().unwrap().len(),
        case.chapters,
        "{name}"
    );
    let tags = &found["format"]["tags"];
    let title = tags.get("title").or_else(|| tags.get("TITLE"));
    assert_eq!(title.and_then(Value::as_str), case.title, "{name}");
    if let Some(tag) = case.tag {
        assert_eq!(videos[0]["codec_tag_string"], tag, "{name}");
        assert!(is_fast_start(&output), "{name}");
    }
    let source = root.input(case.source).metadata().unwrap();
    let result = output.metadata().unwrap();
    assert_eq!(
        (source.mtime(), source.mtime_nsec()),
        (result.mtime(), result.mtime_nsec()),
        "{name}: the time of the source is carried over"
    );
    assert_eq!(
        fs::read(root.input(case.source)).unwrap(),
        fs::read(&case.clip).unwrap(),
        "{name}"
    );
}

fn check_row(root: &Root, case: &Case) {
    let row = root.task(case.source).unwrap();
    let name = case.source;
    let id = row["id"].as_str().unwrap();
    let resolution = name.split('/').next().unwrap();
    for (key, expected) in [
        ("resolution", json!(resolution)),
        ("status", json!("processed")),
        ("priority", json!(0)),
        ("output", json!(case.output)),
        ("attempts", json!(1)),
        (
            "file_size_before",
            json!(root.input(name).metadata().unwrap().len()),
        ),
        (
            "file_size_after",
            json!(root.output(case.output).metadata().unwrap().len()),
        ),
    ] {
        assert_eq!(row[key], expected, "{name}: {key}");
    }
    assert_eq!(row["hash"].as_str().unwrap().len(), 32, "{name}");
    for key in ["added_time", "start_time", "end_time"] {
        let time = row[key].as_str().unwrap();
        assert!(
            time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(),
            "{name}: {time}"
        );
    }
    assert!(row["time_taken_seconds"].as_f64().unwrap() > 0.0, "{name}");
    assert!(row["summary"].as_str().unwrap().contains(" → "), "{name}");
    assert!(
        row.get("error").is_none() && row.get("waiting_for").is_none(),
        "{name}"
    );

    let receipt = fs::read(root.path(format!("conf/receipts/{id}.json"))).unwrap();
    let receipt: Value = serde_json::from_slice(&receipt).unwrap();
    assert_eq!(receipt["version"], 1, "{name}");
    assert_eq!(receipt["task"]["path"], name);
    assert_eq!(receipt["task"]["output"], case.output);
    assert_eq!(
        receipt["encoder"]["profile"],
        if resolution == "2160" { "keepsake" } else { "quick" },
        "{name}"
    );
    assert!(
        receipt["encoder"]["command"]
            .as_str()
            .unwrap()
            .contains("libx265"),
        "{name}"
    );
}

#[test]
fn once_compresses_every_kind_of_file_and_leaves_the_sources_alone() {
    let root = Root::new(&[]);
    root.configure(
        &[],
        "[profiles.keepsake]\nbased_on = \"quick\"\ncrf = 30\naudio = \"copy\"\n[resolution.2160]\nprofile = \"keepsake\"\n",
    );
    let cases = cases();
    for case in &cases {
        let dropped = root.put(&case.clip, case.source);
        let times = fs::FileTimes::new()
            .set_modified(SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789));
        fs::File::options()
            .append(true)
            .open(dropped)
            .unwrap()
            .set_times(times)
            .unwrap();
    }
    let finished = root.run(&["once"]);
    assert_eq!(finished.code, 0, "{finished:?}");
    assert!(finished.stdout.contains("8 compressed"), "{finished:?}");

    let mut expected: Vec<&str> = cases.iter().map(|case| case.output).collect();
    expected.sort_unstable();
    assert_eq!(root.outputs(), expected);
    for case in &cases {
        check_output(&root, case);
        check_row(&root, case);
    }
    assert_eq!(root.tasks().len(), cases.len());

    // Nothing is left to do, and nothing is done.
    let again = root.ok(&["once"]);
    assert!(again.stdout.contains("0 compressed"), "{again:?}");
    assert_eq!(root.tasks().len(), cases.len());
}

#[test]
fn run_compresses_what_is_dropped_and_tells_the_phone() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[
        ("ntfy_base_url", &format!("{:?}", ntfy.url)),
        ("ntfy_topic", "\"films\""),
    ]);
    root.start();
    root.put(&small(1), "720/a.mp4");
    root.until_status("720/a.mp4", "processed");
    assert_eq!(root.outputs(), ["720/a.mp4"]);
    for told in ["Started", "Done", "All done"] {
        root.until(&format!("the phone hears {told}"), || {
            (ntfy.count(told) > 0).then_some(())
        });
    }
    assert!(
        ntfy.alerts().iter().any(|alert| alert.contains("a.mp4")),
        "{:?}",
        ntfy.alerts()
    );
    assert_eq!(root.stop(), 0);
    assert!(!root.path("conf/live.json").exists());
    let log = fs::read_to_string(
        root.path("logs")
            .join(files_below(&root.path("logs")).pop().unwrap()),
    )
    .unwrap();
    assert!(log.contains("720/a.mp4: done"), "{log}");
}

#[test]
fn the_phone_hears_how_far_long_encodes_are_and_what_is_ahead() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[]);
    let gated = root.gated_ffmpeg();
    root.configure(
        &[
            ("ffmpeg_path", &gated),
            ("max_jobs", "1"),
            ("ntfy_base_url", &format!("{:?}", ntfy.url)),
            ("ntfy_topic", "\"films\""),
            ("ntfy_progress_seconds", "1"),
        ],
        "",
    );
    root.put(&small(1), "720/a.mp4");
    root.put(&small(2), "720/b.mp4");
    root.start();
    let told = root.until("the phone hears it twice", || {
        ntfy.alerts()
            .into_iter()
            .filter(|alert| alert.contains("Compressing 1 video"))
            .nth(1)
    });
    assert!(
        told.contains(".mp4: starting") && told.contains("Queue: ") && told.contains(" to go"),
        "{told}"
    );
    root.open_gate();
    root.until_status("720/a.mp4", "processed");
    root.until_status("720/b.mp4", "processed");
}

#[test]
fn explain_shows_the_plan_and_a_command_that_works() {
    let root = Root::new(&[]);
    let source = root.put(&small(2), "480/it's here.mp4");
    let plain = root.ok(&["explain", "480/it's here.mp4"]).stdout;
    for part in ["folder 480", "profile quick", "h264 -> hevc", "libx265"] {
        assert!(plain.contains(part), "{part}: {plain}");
    }
    let json = root.ok(&["explain", "--json", source.to_str().unwrap()]).json();
    assert_eq!(json["resolution"], "480");
    assert_eq!(json["output"], root.output("480/it's here.mp4").to_str().unwrap());
    assert_eq!(json["streams"].as_array().unwrap().len(), 2);
    let command = json["command"].as_str().unwrap();
    assert!(plain.contains(command));
    assert!(
        root.outputs().is_empty() && root.tasks().is_empty(),
        "explain does nothing"
    );

    fs::create_dir_all(root.output("480")).unwrap();
    let ran = finish(
        std::process::Command::new("sh")
            .arg("-c")
            .arg(command)
            .stdin(std::process::Stdio::null()),
    );
    assert_eq!(ran.code, 0, "{command}\n{ran:?}");
    assert_eq!(
        probe(&root.output("480/it's here.mp4"))["streams"][0]["codec_name"],
        "hevc"
    );

    let forced = root
        .ok(&[
            "explain",
            "480/it's here.mp4",
            "--resolution",
            "1080",
            "--profile",
            "slow",
            "--json",
        ])
        .json();
    assert_eq!(
        (&forced["resolution"], &forced["profile"]),
        (&json!("1080"), &json!("slow"))
    );
    fs::write(root.input("480/no.mp4"), "just text").unwrap();
    let refused = root.ok(&["explain", "480/no.mp4", "--json"]).json();
    assert!(
        refused["refused"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty()),
        "{refused}"
    );
    assert_eq!(root.run(&["explain", "480/gone.mp4"]).code, 2);
}

/// A film takes as long as it lasts: ffmpeg reads at the speed of a player.
fn in_real_time(root: &Root) -> String {
    root.script("case \"$*\" in *-progress*) exec ffmpeg -re \"$@\";; esac\nexec ffmpeg \"$@\"\n")
}

fn five_seconds() -> PathBuf {
    clip(
        &format!("-f lavfi -i testsrc2=size=192x144:rate=30:duration=5 {H264}"),
        "mp4",
    )
}

#[test]
fn progress_is_a_line_every_ten_per_cent_and_a_number_in_status() {
    let root = Root::new(&[]);
    let slow = in_real_time(&root);
    root.configure(&[("ffmpeg_path", &slow)], "");
    root.start();
    root.put(&five_seconds(), "720/slow.mp4");
    let status = root.until("status tells a percentage", || {
        let status = root.ok(&["status", "--json"]).json();
        status["live"]["encodes"][0]["percent"]
            .as_f64()
            .is_some_and(|percent| percent > 0.0)
            .then_some(status)
    });
    assert_eq!(status["running"], true);
    assert_eq!(status["live"]["encodes"][0]["path"], "720/slow.mp4");
    assert_eq!(status["counts"]["processing"], 1);
    assert!(root.ok(&["status"]).stdout.contains("encoding 720/slow.mp4"));
    root.until_status("720/slow.mp4", "processed");
    let log = root.log();
    let lines = log
        .lines()
        .filter(|line| line.contains("720/slow.mp4: ") && line.contains(" % ") && !line.contains("->"))
        .count();
    assert!((3..=9).contains(&lines), "{log}");
}

#[test]
fn progress_is_a_bar_on_a_terminal() {
    if !has_tool("script") {
        return skip("progress_is_a_bar_on_a_terminal", "script");
    }
    let root = Root::new(&[]);
    let slow = in_real_time(&root);
    root.configure(&[("ffmpeg_path", &slow)], "");
    root.put(&five_seconds(), "720/slow.mp4");
    let line = format!(
        "{} --root {} once",
        env!("CARGO_BIN_EXE_video-compressor"),
        root.path("").display()
    );
    let mut command = std::process::Command::new("script");
    root.with_environment(&mut command);
    command.env("TERM", "xterm").args(["-qec", &line, "/dev/null"]);
    let shown = finish(&mut command);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown.stdout.contains('█') || shown.stdout.contains('░'),
        "a bar: {shown:?}"
    );
    assert!(shown.stdout.contains("1 compressed"), "{shown:?}");
    let lines = shown
        .stdout
        .lines()
        .filter(|line| line.contains("INFO") && line.contains(" % ") && !line.contains("->"));
    assert_eq!(lines.count(), 0, "no lines beside the bar: {shown:?}");
}

#[test]
fn two_sources_of_one_stem_keep_their_extensions() {
    let root = Root::new(&[]);
    root.put(&small(3), "720/a.mp4");
    root.put(
        &clip(&format!("{} {H264}", picture(4, 192, 144)), "mov"),
        "720/a.mov",
    );
    root.put(&small(5), "480/a.mp4");
    root.ok(&["once"]);
    assert_eq!(root.outputs(), ["480/a.mp4", "720/a.mov.mp4", "720/a.mp4.mp4"]);
    // A namesake that comes later takes nothing away.
    root.put(&small(6), "480/a.m4v");
    root.ok(&["once"]);
    assert_eq!(root.task("480/a.m4v").unwrap()["output"], "480/a.m4v.mp4");
    assert_eq!(
        root.outputs(),
        ["480/a.m4v.mp4", "480/a.mp4", "720/a.mov.mp4", "720/a.mp4.mp4"]
    );
}

#[test]
fn only_our_own_unchanged_output_is_ever_replaced() {
    let root = Root::new(&[]);
    // Somebody else's file has the name.
    fs::create_dir_all(root.output("720")).unwrap();
    fs::write(root.output("720/a.mp4"), "not ours").unwrap();
    root.put(&small(7), "720/a.mp4");
    root.put(&small(8), "720/b.mp4");
    root.ok(&["once"]);
    assert_eq!(root.outputs(), ["720/a (2).mp4", "720/a.mp4", "720/b.mp4"]);
    assert_eq!(fs::read(root.output("720/a.mp4")).unwrap(), b"not ours");

    // `retry`: a newer result takes the place of the older one, which was open in a player.
    let first = fs::File::open(root.output("720/b.mp4")).unwrap();
    let inode = first.metadata().unwrap().ino();
    root.ok(&["retry", "720/b.mp4"]);
    root.ok(&["once"]);
    assert_eq!(root.outputs(), ["720/a (2).mp4", "720/a.mp4", "720/b.mp4"]);
    assert_ne!(root.output("720/b.mp4").metadata().unwrap().ino(), inode);

    // A newer version of the source, too.
    let inode = root.output("720/b.mp4").metadata().unwrap().ino();
    root.put(&small(9), "720/b.mp4");
    root.ok(&["once"]);
    assert_eq!(root.outputs(), ["720/a (2).mp4", "720/a.mp4", "720/b.mp4"]);
    assert_ne!(root.output("720/b.mp4").metadata().unwrap().ino(), inode);

    // But a result that somebody has worked on since is theirs.
    fs::write(root.output("720/b.mp4"), "edited").unwrap();
    root.ok(&["retry", "720/b.mp4"]);
    root.ok(&["once"]);
    assert_eq!(
        root.outputs(),
        ["720/a (2).mp4", "720/a.mp4", "720/b (2).mp4", "720/b.mp4"]
    );
    assert_eq!(fs::read(root.output("720/b.mp4")).unwrap(), b"edited");
}

/// Whether the queue or an archive holds a task of this path and status.
fn is_listed(root: &Root, path: &str, status: &str) -> Option<()> {
    let tasks = root.ok(&["list", "--all", "--json"]).json();
    let mut tasks = tasks.as_array().unwrap().iter();
    tasks
        .any(|task| task["path"] == path && task["status"] == status)
        .then_some(())
}

fn count(root: &Root, status: &str) -> usize {
    root.tasks()
        .iter()
        .filter(|task| task["status"] == status)
        .count()
}

#[test]
fn a_duplicate_is_told_and_not_encoded_also_after_rotation() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[]);
    let gated = root.gated_ffmpeg();
    let url = format!("{:?}", ntfy.url);
    let mut settings = vec![
        ("ntfy_base_url", url.as_str()),
        ("ntfy_topic", "\"films\""),
        ("ffmpeg_path", &gated),
    ];
    root.configure(&settings, "");
    root.start();
    // The twin comes while the first is being encoded: it waits, and is then skipped.
    root.put(&small(10), "720/first.mp4");
    let first = root.until_status("720/first.mp4", "processing");
    root.put(&small(10), "720/twin.mp4");
    root.put(&small(10), "480/other-resolution.mp4");
    let waiting = root.until_status("720/twin.mp4", "queued");
    assert_eq!(
        waiting["waiting_for"],
        format!("task {}", first["id"].as_str().unwrap())
    );
    root.open_gate();
    let twin = root.until_status("720/twin.mp4", "skipped");
    assert!(
        twin["reason"].as_str().unwrap().contains("output/720/first.mp4"),
        "{twin}"
    );
    root.until_status("480/other-resolution.mp4", "processed");
    root.until("the phone hears of it", || {
        (ntfy.count("Skipped: twin") > 0).then_some(())
    });
    assert_eq!(
        ntfy.alerts()
            .iter()
            .filter(|alert| alert.starts_with("Skipped"))
            .count(),
        1,
        "{:?}",
        ntfy.alerts()
    );

    // Rotated away, and still known.
    settings.extend([("rotation_threshold", "1"), ("rotation_idle_scans", "2")]);
    root.configure(&settings, "");
    root.until("the queue is rotated", || root.tasks().is_empty().then_some(()));
    root.put(&small(10), "720/third.mp4");
    root.until_logged("720/third.mp4: skipped");
    assert_eq!(root.outputs(), ["480/other-resolution.mp4", "720/first.mp4"]);

    // On purpose, it is encoded.
    root.until("it is archived", || is_listed(&root, "720/third.mp4", "skipped"));
    root.ok(&["retry", "720/third.mp4"]);
    root.until_logged("720/third.mp4: done");
    assert_eq!(
        root.outputs(),
        ["480/other-resolution.mp4", "720/first.mp4", "720/third.mp4"]
    );

    // An archive is never written over.
    root.until("there is another archive", || {
        let names = files_below(&root.path("conf"));
        let archives = names.iter().filter(|name| name.starts_with("tasks.json."));
        (archives.count() >= 2).then_some(())
    });
}

#[test]
fn what_only_looks_like_a_duplicate_is_encoded() {
    let root = Root::new(&[]);
    // Two films that are equal in their first and last 64 KiB and in length.
    let film = fs::read(clip(
        &format!("-f lavfi -i testsrc2=size=640x480:rate=10:duration=2,noise=alls=60:allf=t {H264} -qp 8"),
        "mkv",
    ))
    .unwrap();
    assert!(film.len() > 400_000, "{}", film.len());
    let mut twin = film.clone();
    let middle = film.len() / 2;
    for byte in &mut twin[middle..middle + 16] {
        *byte ^= 0x55;
    }
    fs::write(root.input("720/film.mkv"), &film).unwrap();
    root.configure(&[("damaged", "\"salvage\"")], "");
    root.ok(&["once"]);
    fs::write(root.input("720/twin.mkv"), &twin).unwrap();
    root.run(&["once"]);
    let (first, second) = (
        root.task("720/film.mkv").unwrap(),
        root.task("720/twin.mkv").unwrap(),
    );
    assert_eq!(
        first["hash"], second["hash"],
        "the prefilter cannot tell them apart"
    );
    assert_ne!(second["status"], "skipped", "{second}");

    // The output of the first is gone: its twin is needed.
    fs::write(root.input("720/copy.mkv"), &film).unwrap();
    fs::remove_file(root.output("720/film.mkv")).unwrap();
    root.run(&["once"]);
    assert_eq!(root.status("720/copy.mkv"), "processed");
    assert!(root.output("720/copy.mkv").exists());
    // And now there is an output again.
    fs::write(root.input("720/again.mkv"), &film).unwrap();
    root.run(&["once"]);
    assert_eq!(root.status("720/again.mkv"), "skipped");
    assert_eq!(count(&root, "skipped"), 1);
}

#[test]
fn a_source_is_kept_archived_or_deleted_and_its_sidecars_go_along() {
    let elsewhere = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let across = format!("{:?}", elsewhere.path().to_str().unwrap());
    // What is then in input/, and what in the archive.
    for (name, settings, left, archived) in [
        (
            "keep",
            vec![],
            &["720/x/a.mp4", "720/x/a.srt", "720/x/b.srt"][..],
            &[][..],
        ),
        (
            "archive, sidecars copied",
            vec![("after_success", "\"archive\"")],
            &[".done/720/x/a.mp4", "720/x/a.srt", "720/x/b.srt"],
            &[],
        ),
        (
            "archive on another disk, sidecars follow",
            vec![
                ("after_success", "\"archive\""),
                ("archive_dir", across.as_str()),
                ("sidecars", "\"follow\""),
            ],
            &["720/x/b.srt"],
            &["720/x/a.mp4", "720/x/a.srt"],
        ),
        (
            "delete, verified in full",
            vec![
                ("after_success", "\"delete\""),
                ("verify", "\"full\""),
                ("sidecars", "\"follow\""),
            ],
            &["720/x/b.srt"],
            &[],
        ),
    ] {
        let root = Root::new(&settings);
        let clip = small(11);
        root.put(&clip, "720/x/a.mp4");
        fs::write(root.input("720/x/a.srt"), SRT).unwrap();
        fs::write(root.input("720/x/b.srt"), SRT).unwrap();
        root.ok(&["once"]);
        assert_eq!(root.status("720/x/a.mp4"), "processed", "{name}");
        assert_eq!(root.outputs(), ["720/x/a.mp4", "720/x/a.srt"], "{name}");
        assert_eq!(files_below(&root.path("input")), left, "{name}");
        assert_eq!(files_below(elsewhere.path()), archived, "{name}");
        for (folder, files) in [
            (root.path("input"), left),
            (elsewhere.path().to_owned(), archived),
        ] {
            for file in files.iter().filter(|file| file.ends_with(".mp4")) {
                assert_eq!(
                    fs::read(folder.join(file)).unwrap(),
                    fs::read(&clip).unwrap(),
                    "{name}"
                );
            }
        }
        for file in archived {
            fs::remove_file(elsewhere.path().join(file)).unwrap();
        }
        // What lies in the archive is not taken for a new file.
        let again = root.ok(&["once"]);
        assert_eq!(root.tasks().len(), 1, "{name}: {again:?}");
    }
}

#[test]
fn a_source_that_changes_or_goes_during_its_encode_is_not_published() {
    let root = Root::new(&[("after_success", "\"delete\"")]);
    let gated = root.gated_ffmpeg();
    let settings = [
        ("ffmpeg_path", gated.as_str()),
        ("after_success", "\"delete\""),
        ("max_jobs", "1"),
    ];
    root.configure(&settings, "");
    root.start();
    root.put(&small(12), "720/a.mp4");
    root.until_status("720/a.mp4", "processing");
    // Other content under the same name while ffmpeg is at it.
    let newer = clip(&format!("{} {H264}", picture(13, 320, 240)), "mp4");
    root.put(&newer, "720/a.mp4");
    root.open_gate();
    root.until_logged("changed while it was encoded");
    let done = root.until_status("720/a.mp4", "processed");
    assert_eq!(done["file_size_before"], newer.metadata().unwrap().len());
    assert_eq!(
        probe(&root.output("720/a.mp4"))["streams"][0]["width"],
        320,
        "the newer content won"
    );
    root.until("the source is deleted", || {
        (!root.input("720/a.mp4").exists()).then_some(())
    });
    assert_eq!(root.outputs(), ["720/a.mp4"]);
    assert_eq!(root.tasks().len(), 1);

    // Gone before its turn, and gone during its encode.
    root.close_gate();
    root.put(&small(14), "720/b.mp4");
    root.until_status("720/b.mp4", "processing");
    root.put(&small(15), "720/c.mp4");
    root.until_status("720/c.mp4", "queued");
    fs::remove_file(root.input("720/b.mp4")).unwrap();
    fs::remove_file(root.input("720/c.mp4")).unwrap();
    root.open_gate();
    for path in ["720/b.mp4", "720/c.mp4"] {
        let row = root.until_status(path, "error_missing_input");
        assert!(row["error"].as_str().unwrap().contains("gone"), "{row}");
    }
    assert_eq!(root.outputs(), ["720/a.mp4"]);

    // There again, it is taken again.
    root.put(&small(14), "720/b.mp4");
    root.until_status("720/b.mp4", "processed");
}

#[test]
fn a_task_without_room_waits_while_smaller_ones_go_on_and_starts_by_itself() {
    let ntfy = Ntfy::start();
    let root = Root::new(&[]);
    let url = format!("{:?}", ntfy.url);
    let with = |min_free: String| {
        let settings = [
            ("ntfy_base_url", url.as_str()),
            ("ntfy_topic", "\"films\""),
            ("min_free_bytes", &min_free),
        ];
        root.configure(&settings, "");
    };
    // Free space on the disk of the test moves: the sizes are far apart.
    let free = fs2::available_space(root.path("")).unwrap();
    let margin = (8 << 30).min(free / 4);
    with((free - margin).to_string());
    // Its length takes no room: the end is a hole.
    let huge = root.input("720/huge.mp4");
    fs::copy(small(16), &huge).unwrap();
    fs::File::options()
        .append(true)
        .open(&huge)
        .unwrap()
        .set_len(2 * margin)
        .unwrap();
    root.put(&small(17), "720/small.mp4");
    root.start();
    let waiting = root.until("the huge one waits", || {
        root.task("720/huge.mp4")
            .filter(|task| task["waiting_for"] == "space")
    });
    assert_eq!(waiting["status"], "queued");
    root.until_status("720/small.mp4", "processed");
    assert!(root.ok(&["status"]).stdout.contains("waits for space"));
    root.until("the phone hears of it", || {
        let told = ntfy.alerts();
        told.iter()
            .any(|alert| alert.to_lowercase().contains("disk"))
            .then_some(())
    });
    root.after_two_sweeps();
    let told = ntfy.alerts();
    assert_eq!(
        told.iter()
            .filter(|alert| alert.to_lowercase().contains("disk"))
            .count(),
        1,
        "{told:?}"
    );
    assert_eq!(root.status("720/huge.mp4"), "queued");

    with("1".into());
    root.until("the huge one was begun", || {
        root.log().contains("720/huge.mp4: started").then_some(())
    });
    root.until("its end", || {
        (!matches!(root.status("720/huge.mp4").as_str(), "queued" | "processing")).then_some(())
    });
}

#[test]
fn with_one_job_a_folder_of_mixed_sources_is_done_in_order_of_priority() {
    let root = Root::new(&[]);
    let gated = root.gated_ffmpeg();
    root.configure(&[("ffmpeg_path", &gated), ("max_jobs", "1")], "");
    root.start();
    root.put(&small(18), "720/1.mp4");
    root.until_status("720/1.mp4", "processing");
    for (seed, path) in [(19, "720/2.mp4"), (20, "480/3.mp4")] {
        root.put(&small(seed), path);
        root.until_status(path, "queued");
    }
    root.ok(&["set", "480/3.mp4", "--priority", "5"]);
    root.until("the service has taken it", || {
        root.log().contains("480/3.mp4: priority 5").then_some(())
    });
    root.open_gate();
    root.until_logged("all done");
    let mut rows = root.tasks();
    rows.sort_by_key(|row| row["start_time"].as_str().unwrap().to_owned());
    let order: Vec<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(order, ["720/1.mp4", "480/3.mp4", "720/2.mp4"]);
    for pair in rows.windows(2) {
        assert!(
            pair[0]["end_time"].as_str() <= pair[1]["start_time"].as_str(),
            "{rows:?}"
        );
    }
}

#[test]
fn what_was_deleted_is_recognised_when_it_comes_again_and_an_archived_source_is_not_written_over() {
    let root = Root::new(&[("after_success", "\"delete\"")]);
    root.put(&small(22), "720/a.mp4");
    root.ok(&["once"]);
    assert!(!root.input("720/a.mp4").exists());
    let inode = root.output("720/a.mp4").metadata().unwrap().ino();
    // The same content again, under the same name and another: the output stands for it, and nothing is deleted.
    root.put(&small(22), "720/a.mp4");
    root.put(&small(22), "720/b.mp4");
    root.ok(&["once"]);
    for path in ["720/a.mp4", "720/b.mp4"] {
        assert_eq!(root.status(path), "skipped", "{path}");
        assert!(root.input(path).exists(), "{path}");
    }
    // Also when that is all that is known of it, whichever of two was looked at first.
    fs::remove_file(root.input("720/a.mp4")).unwrap();
    root.put(&small(22), "720/c.mp4");
    root.ok(&["once"]);
    assert_eq!(root.status("720/c.mp4"), "skipped");
    assert_eq!(root.outputs(), ["720/a.mp4"]);
    assert_eq!(root.output("720/a.mp4").metadata().unwrap().ino(), inode);

    // Two versions of one name in the archive.
    let root = Root::new(&[("after_success", "\"archive\"")]);
    for seed in [23, 24] {
        root.put(&small(seed), "720/c.mp4");
        root.ok(&["once"]);
    }
    let mut archived: Vec<Vec<u8>> = files_below(&root.input(".done"))
        .iter()
        .map(|name| fs::read(root.input(".done").join(name)).unwrap())
        .collect();
    let mut dropped: Vec<Vec<u8>> = [23, 24].map(|seed| fs::read(small(seed)).unwrap()).into();
    archived.sort();
    dropped.sort();
    assert!(
        archived == dropped,
        "both are there: {:?}",
        files_below(&root.input(".done"))
    );
    assert_eq!(
        root.outputs(),
        ["720/c.mp4"],
        "the newer result took the place of ours"
    );
}

#[test]
fn an_encoder_that_hangs_is_ended_and_the_next_file_is_done() {
    let root = Root::new(&[]);
    // The first encode never gets on; it does not even end when it is asked to.
    let hanging = root.script(&format!(
        "case \"$*\" in *-progress*720/hangs*) trap '' TERM; touch '{}'; while :; do sleep 0.1; done;; esac\nexec ffmpeg \"$@\"\n",
        root.path("hung").display()
    ));
    root.configure(&[("ffmpeg_path", &hanging), ("stall_seconds", "1")], "");
    root.start();
    root.put(&small(25), "720/hangs.mp4");
    root.until("it hangs", || root.path("hung").exists().then_some(()));
    root.put(&small(26), "720/b.mp4");
    root.until_status("720/b.mp4", "processed");
    root.until_logged("made no progress");
    assert_ne!(root.status("720/hangs.mp4"), "processed");
    assert_eq!(root.outputs(), ["720/b.mp4"]);
}
