//! The real binary with files that do not get smaller: nothing bigger is published, the source's bytes take its place.
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
    root::Root,
};
use serde_json::Value;

/// A profile whose results are always bigger than the sources of these tests.
const HUGE: &str = "\n[profiles.huge]\nbased_on = \"quick\"\ncrf = 4\n";
const MIN_SAVING: (&str, &str) = ("min_saving", "5");
const HUGE_PROFILE: (&str, &str) = ("profile", "\"huge\"");

fn root(settings: &[(&str, &str)]) -> Root {
    let root = Root::new(&[]);
    let all: Vec<(&str, &str)> = [MIN_SAVING, HUGE_PROFILE]
        .iter()
        .chain(settings)
        .copied()
        .collect();
    root.configure(&all, HUGE);
    root
}

/// A second in few bytes.
fn lean(seed: u32, extension: &str) -> PathBuf {
    let codec = match extension {
        "avi" => "-c:v mpeg4 -q:v 20",
        _ => "-c:v libx264 -preset slow -crf 40",
    };
    clip(&format!("{} {codec}", picture(seed, 192, 144)), extension)
}

/// So many seconds of a moving picture in few bytes.
fn lean_film(seconds: u32) -> PathBuf {
    clip(
        &format!(
            "-f lavfi -i testsrc2=size=192x144:rate=10:duration={seconds} -c:v libx264 -preset medium -crf 40"
        ),
        "mp4",
    )
}

fn set_time(file: &Path) {
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    let times = fs::FileTimes::new().set_modified(time);
    fs::File::options()
        .append(true)
        .open(file)
        .unwrap()
        .set_times(times)
        .unwrap();
}

fn same_bytes(one: &Path, other: &Path) -> bool {
    fs::read(one).unwrap() == fs::read(other).unwrap()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

#[test]
fn a_result_that_is_not_smaller_is_replaced_by_the_sources_own_bytes() {
    let ntfy = Ntfy::start();
    let url = format!("{:?}", ntfy.url);
    let root = root(&[("ntfy_base_url", &url), ("ntfy_topic", "\"films\"")]);
    let clip = lean(1, "mov");
    set_time(&root.put(&clip, "720/show/Lean.MOV"));
    fs::write(root.input("720/show/Lean.srt"), "1\n").unwrap();
    let once = root.ok(&["once"]);
    assert!(once.stdout.contains("1 skipped"), "{once:?}");

    assert_eq!(root.outputs(), ["720/show/Lean.MOV", "720/show/Lean.srt"]);
    let (source, output) = (root.input("720/show/Lean.MOV"), root.output("720/show/Lean.MOV"));
    assert!(same_bytes(&source, &clip) && same_bytes(&output, &clip));
    let (found, copied) = (source.metadata().unwrap(), output.metadata().unwrap());
    assert_eq!(
        (found.mtime(), found.mtime_nsec()),
        (copied.mtime(), copied.mtime_nsec())
    );
    assert_ne!(found.ino(), copied.ino(), "a file of its own");

    let row = root.task("720/show/Lean.MOV").unwrap();
    assert_eq!(text(&row, "status"), "skipped");
    assert_eq!(text(&row, "output"), "720/show/Lean.MOV");
    assert_eq!(row["file_size_after"], copied.len());
    let reason = text(&row, "reason");
    let figures = format!(" of {} bytes", copied.len());
    for part in [
        "did not get smaller",
        &figures,
        "min_saving = 5",
        "a copy of the source",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    assert!(
        row.get("summary").is_none() && row.get("error").is_none(),
        "{row}"
    );
    assert!(root.ok(&["list"]).stdout.contains(reason));
    let show = root.ok(&["show", "Lean.MOV", "--json"]).json();
    assert_eq!(show["receipt"]["outcome"], "not_smaller");
    assert_eq!(show["receipt"]["not_smaller"]["output_holds"], "copy");
    assert!(show["receipt"]["not_smaller"]["result_bytes"].as_u64() > Some(copied.len()));
    assert!(
        root.ok(&["verify"])
            .stdout
            .contains("1 output checked, 0 problems")
    );
    assert_eq!(ntfy.count("did not get smaller"), 1, "{:?}", ntfy.alerts());

    // Nothing is done again, and a retry comes to the same end under the same name.
    root.ok(&["once"]);
    assert_eq!(root.tasks().len(), 1);
    root.ok(&["retry", "Lean.MOV"]);
    root.ok(&["once"]);
    assert_eq!(root.status("720/show/Lean.MOV"), "skipped");
    assert_eq!(root.outputs(), ["720/show/Lean.MOV", "720/show/Lean.srt"]);
}

#[test]
fn a_hopeless_encode_is_stopped_early() {
    let root = root(&[]);
    // 100 seconds of film in ten.
    let paced = root
        .script("case \"$*\" in *-progress*) exec ffmpeg -readrate 10 \"$@\";; esac\nexec ffmpeg \"$@\"\n");
    root.configure(&[MIN_SAVING, HUGE_PROFILE, ("ffmpeg_path", &paced)], HUGE);
    root.put(&lean_film(100), "720/film.mp4");
    root.ok(&["once"]);
    let row = root.task("720/film.mp4").unwrap();
    assert_eq!(text(&row, "status"), "skipped");
    let reason = text(&row, "reason");
    assert!(reason.starts_with("would not get smaller: "), "{reason}");
    let (before, _) = reason.split_once(" % of the film").unwrap();
    let percent: f64 = before.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((5.0..50.0).contains(&percent), "{reason}");
    assert!(same_bytes(
        &root.output("720/film.mp4"),
        &root.input("720/film.mp4")
    ));
    assert_eq!(root.outputs(), ["720/film.mp4"]);
}

#[test]
fn a_source_goes_only_when_its_bytes_are_a_file_of_their_own() {
    for (when, after_success, source_stays, outputs) in [
        ("copy", "delete", false, &["720/a.mp4"][..]),
        ("copy", "archive", false, &["720/a.mp4"]),
        ("copy", "keep", true, &["720/a.mp4"]),
        ("link", "delete", true, &["720/a.mp4"]),
        ("link", "archive", true, &["720/a.mp4"]),
        ("none", "delete", true, &[]),
    ] {
        let name = format!("{when}, {after_success}");
        let root = root(&[
            ("when_not_smaller", &format!("{when:?}")),
            ("after_success", &format!("{after_success:?}")),
            ("output_mode", "\"0640\""),
        ]);
        let clip = lean(2, "mp4");
        let source = root.put(&clip, "720/a.mp4");
        let mode = source.metadata().unwrap().mode();
        root.ok(&["once"]);
        assert_eq!(root.status("720/a.mp4"), "skipped", "{name}");
        assert_eq!(root.outputs(), outputs, "{name}");
        assert_eq!(source.exists(), source_stays, "{name}");
        assert_eq!(
            root.input(".done/720/a.mp4").exists(),
            after_success == "archive" && !source_stays,
            "{name}"
        );
        let row = root.task("720/a.mp4").unwrap();
        assert!(row.get("disposal").is_none(), "{name}: {row}");
        if source_stays {
            assert!(same_bytes(&source, &clip), "{name}");
            assert_eq!(
                source.metadata().unwrap().mode(),
                mode,
                "{name}: the source is not touched"
            );
        }
        let said = match when {
            "link" => "a hard link to the source, which therefore stays",
            "none" => "nothing was put into output/",
            _ => "a copy of the source",
        };
        assert!(text(&row, "reason").contains(said), "{name}: {row}");
        if let [output] = outputs {
            let output = root.output(output);
            assert!(same_bytes(&output, &clip), "{name}");
            let is_same_file =
                source_stays && output.metadata().unwrap().ino() == source.metadata().unwrap().ino();
            assert_eq!(is_same_file, when == "link", "{name}");
            if when != "link" {
                assert_eq!(output.metadata().unwrap().mode() & 0o777, 0o640, "{name}");
            }
        }
        // A later start does nothing about it.
        root.ok(&["once"]);
        assert_eq!(root.outputs(), outputs, "{name}");
        assert_eq!(root.tasks().len(), 1, "{name}");
        assert_eq!(source.exists(), source_stays, "{name}");
    }
}

#[test]
fn retry_force_takes_the_bigger_result_and_it_takes_the_place_of_the_copy() {
    for when in ["copy", "link"] {
        let root = root(&[("when_not_smaller", &format!("{when:?}"))]);
        root.put(&lean(3, "avi"), "720/old.avi");
        root.put(&lean(4, "mp4"), "720/new.mp4");
        root.ok(&["once"]);
        assert_eq!(root.outputs(), ["720/new.mp4", "720/old.avi"], "{when}");
        // While no service runs: the order is in the file, and survives a stop before its turn.
        root.ok(&["pause"]);
        root.ok(&["retry", "--force", "old.avi", "new.mp4"]);
        root.start();
        assert_eq!(root.stop(), 0);
        assert_eq!(root.task("720/old.avi").unwrap()["forced"], true, "{when}");
        root.ok(&["resume"]);
        root.ok(&["once"]);
        for (source, output) in [("720/old.avi", "720/old.mkv"), ("720/new.mp4", "720/new.mp4")] {
            let row = root.task(source).unwrap();
            assert_eq!(text(&row, "status"), "processed", "{when}: {row}");
            assert_eq!(text(&row, "output"), output, "{when}");
            let size = root.output(output).metadata().unwrap().len();
            assert!(
                size > root.input(source).metadata().unwrap().len(),
                "{when}: bigger, as asked for"
            );
            assert_eq!(
                probe(&root.output(output))["streams"][0]["codec_name"],
                "hevc",
                "{when}"
            );
        }
        assert_eq!(
            root.outputs(),
            ["720/new.mp4", "720/old.mkv"],
            "{when}: no copy is left"
        );
        // A plain retry is not forced any more.
        root.ok(&["retry", "old.avi"]);
        root.ok(&["once"]);
        assert_eq!(root.status("720/old.avi"), "skipped", "{when}");
        assert_eq!(root.outputs(), ["720/new.mp4", "720/old.avi"], "{when}");
    }
}

#[test]
fn a_running_service_and_an_archived_task_can_be_forced_too() {
    let root = root(&[("rotation_threshold", "1"), ("rotation_idle_scans", "1")]);
    root.start();
    root.put(&lean(5, "avi"), "720/a.avi");
    root.until("it is archived", || {
        root.ok(&["list", "--all"])
            .stdout
            .contains("skipped")
            .then_some(())?;
        root.tasks().is_empty().then_some(())
    });
    root.ok(&["retry", "--force", "720/a.avi"]);
    root.until("the result has taken the place of the copy", || {
        (root.outputs() == ["720/a.mkv"]).then_some(())
    });
    assert_eq!(root.stop(), 0);
    let verify = root.ok(&["verify"]);
    assert!(
        verify.stdout.contains("1 output checked, 0 problems"),
        "{verify:?}"
    );
}

#[test]
fn a_copy_counts_as_an_output_for_duplicates_and_for_a_lost_queue() {
    let root = root(&[]);
    root.put(&lean(6, "mp4"), "720/first.mp4");
    root.ok(&["once"]);
    root.put(&lean(6, "mp4"), "720/second.mp4");
    root.ok(&["once"]);
    let row = root.task("720/second.mp4").unwrap();
    assert!(text(&row, "reason").starts_with("duplicate"), "{row}");
    assert_eq!(root.outputs(), ["720/first.mp4"]);

    fs::remove_file(root.path("conf/tasks.json")).unwrap();
    root.ok(&["once"]);
    assert_eq!(root.status("720/first.mp4"), "skipped");
    assert_eq!(root.outputs(), ["720/first.mp4"], "it is not made again");

    // When the copy is gone, an equal file is looked at again.
    fs::remove_file(root.output("720/first.mp4")).unwrap();
    root.put(&lean(6, "mp4"), "720/third.mp4");
    root.ok(&["once"]);
    assert_eq!(root.outputs(), ["720/third.mp4"]);
}

#[test]
fn a_copy_never_takes_the_place_of_a_file_that_is_not_ours() {
    let root = root(&[]);
    fs::create_dir_all(root.output("720")).unwrap();
    fs::write(root.output("720/a.mp4"), "somebody else's").unwrap();
    let clip = lean(7, "mp4");
    root.put(&clip, "720/a.mp4");
    root.ok(&["once"]);
    assert_eq!(root.outputs(), ["720/a (2).mp4", "720/a.mp4"]);
    assert_eq!(fs::read(root.output("720/a.mp4")).unwrap(), b"somebody else's");
    assert!(same_bytes(&root.output("720/a (2).mp4"), &clip));
}

#[test]
fn a_new_version_takes_the_place_of_the_old_copy_and_the_other_way_round() {
    let root = root(&[]);
    root.put(&lean(8, "mp4"), "720/a.mp4");
    root.ok(&["once"]);
    assert_eq!(root.status("720/a.mp4"), "skipped");
    // With the ordinary profile this one shrinks.
    root.configure(&[MIN_SAVING], HUGE);
    root.put(&small(8), "720/a.mp4");
    root.ok(&["once"]);
    assert_eq!(root.status("720/a.mp4"), "processed");
    assert_eq!(root.outputs(), ["720/a.mp4"]);
    assert_eq!(
        probe(&root.output("720/a.mp4"))["streams"][0]["codec_name"],
        "hevc"
    );
    root.configure(&[MIN_SAVING, HUGE_PROFILE], HUGE);
    root.put(&lean(9, "mp4"), "720/a.mp4");
    root.ok(&["once"]);
    assert_eq!(root.status("720/a.mp4"), "skipped");
    assert_eq!(root.outputs(), ["720/a.mp4"]);
    assert!(same_bytes(&root.output("720/a.mp4"), &root.input("720/a.mp4")));
}

#[test]
fn streams_that_are_only_copied_and_too_big_need_no_encode() {
    let root = root(&[]);
    let never =
        root.script("case \"$*\" in *-progress*) echo encoded >> \"$0.log\";; esac\nexec ffmpeg \"$@\"\n");
    root.configure(
        &[MIN_SAVING, ("profile", "\"keep\""), ("ffmpeg_path", &never)],
        "\n[profiles.keep]\nbased_on = \"quick\"\naudio = \"copy\"\n",
    );
    let clip = clip(
        &format!(
            "{} -f lavfi -i sine=frequency=440:duration=1:sample_rate=48000 -c:v libx264 -crf 45 -c:a pcm_s16le",
            picture(10, 64, 64)
        ),
        "mkv",
    );
    root.put(&clip, "720/loud.mkv");
    root.ok(&["once"]);
    let row = root.task("720/loud.mkv").unwrap();
    assert!(
        text(&row, "reason").contains("streams that are only copied"),
        "{row}"
    );
    assert!(same_bytes(&root.output("720/loud.mkv"), &clip));
    assert!(!root.path("ffmpeg-stand-in.log").exists(), "nothing was encoded");
}

/// A video that is not encoded at all and takes a while to copy.
fn heavy() -> PathBuf {
    clip(
        &format!(
            "{} -f lavfi -i anoisesrc=duration=1000:sample_rate=96000:amplitude=0.1 -ac 2 -c:v libx264 -crf 45 -c:a pcm_s32le -t 300",
            picture(11, 64, 64)
        ),
        "mkv",
    )
}

#[test]
fn a_kill_while_the_copy_is_made_leaves_neither_half_a_copy_nor_two() {
    let settings = [
        MIN_SAVING,
        ("profile", "\"keep\""),
        ("after_success", "\"delete\""),
    ];
    let keep = "\n[profiles.keep]\nbased_on = \"quick\"\naudio = \"copy\"\n";
    let clip = heavy();
    let mut hit = 0;
    for round in 0..4_u64 {
        let root = Root::new(&[]);
        root.configure(&settings, keep);
        let source = root.put(&clip, "720/heavy.mkv");
        root.start();
        let part = root.until("the copy is begun", || {
            let found = root.outputs().into_iter().next()?;
            let size = root.output(&found).metadata().ok()?.len();
            (size > 0).then_some(found)
        });
        std::thread::sleep(Duration::from_millis(round * 40));
        root.kill();
        let left = root.outputs();
        hit += usize::from(left.iter().any(|name| name.contains(".part")));
        if source.exists() {
            assert!(same_bytes(&source, &clip), "{part}");
        }
        if let Some(named) = left.iter().find(|name| !name.contains(".vc-")) {
            assert!(same_bytes(&root.output(named), &clip), "{named} is whole");
        }
        root.ok(&["once"]);
        assert_eq!(root.status("720/heavy.mkv"), "skipped");
        assert_eq!(root.outputs(), ["720/heavy.mkv"]);
        assert!(same_bytes(&root.output("720/heavy.mkv"), &clip));
        assert!(!source.exists(), "deleted once its copy is durable");
        assert_eq!(root.tasks().len(), 1);
    }
    assert!(hit > 0, "no kill came while there was a part");
}
