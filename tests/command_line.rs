//! The command line and the settings, with the real binary.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, path::Path};

use common::{
    clips::small,
    root::{Finished, Root, files_below, finish},
};

fn with_environment(root: &Root, variables: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let mut command = root.command(arguments);
    command.envs(variables.iter().copied());
    finish(&mut command)
}

#[test]
fn reading_commands_make_nothing_and_their_json_parses() {
    const READING: &[&[&str]] = &[
        &["status", "--json"],
        &["list", "--json"],
        &["list", "--all", "--json"],
        &["config", "show", "--json"],
        &["config", "check", "--json"],
        &["report", "--json"],
        &["verify", "--json"],
        &["doctor", "--json"],
    ];
    let empty = tempfile::tempdir().unwrap();
    let root = Root::new(&[]);
    for arguments in READING {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_video-compressor"));
        root.with_environment(&mut command);
        command.arg("--root").arg(empty.path()).args(*arguments);
        let finished = finish(&mut command);
        finished.json();
        assert!(
            finished.code == 0 || arguments[0] == "doctor",
            "{arguments:?}: {finished:?}"
        );
        assert!(
            finished.stderr.contains(empty.path().to_str().unwrap()),
            "{arguments:?} says which root it read: {finished:?}"
        );
        assert_eq!(
            fs::read_dir(empty.path()).unwrap().count(),
            0,
            "{arguments:?} made something"
        );
    }

    // The same with something to tell, and what needs a task.
    root.put(&small(1), "720/a.mp4");
    fs::write(root.input("720/b.mp4"), "text").unwrap();
    assert_eq!(root.run(&["once"]).code, 1);
    let before = files_below(&root.path(""));
    for arguments in READING.iter().chain(&[
        &["show", "720/a.mp4", "--json"][..],
        &["explain", "720/a.mp4", "--json"],
        &["list", "--failed", "--json"],
        &["list", "--status", "processed", "--json"],
        &["verify", "--decode", "--json"],
    ]) {
        let finished = root.run(arguments);
        finished.json();
        assert_eq!(finished.code, 0, "{arguments:?}: {finished:?}");
        // And the same for people.
        let plain: Vec<&str> = arguments
            .iter()
            .copied()
            .filter(|argument| *argument != "--json")
            .collect();
        let finished = root.ok(&plain);
        assert!(!finished.stdout.trim().is_empty(), "{plain:?}");
    }
    assert_eq!(files_below(&root.path("")), before);
    assert_eq!(
        root.ok(&["show", "720/a.mp4", "--json"]).json()["receipt"]["version"],
        1
    );
    assert!(root.ok(&["report", "--csv"]).stdout.contains(','));
}

#[test]
fn verify_finds_an_output_that_is_gone_or_changed() {
    let root = Root::new(&[]);
    root.put(&small(2), "720/a.mp4");
    root.put(&small(3), "720/b.mp4");
    root.ok(&["once"]);
    root.ok(&["verify"]);
    fs::write(root.output("720/a.mp4"), "other").unwrap();
    fs::remove_file(root.output("720/b.mp4")).unwrap();
    let finished = root.run(&["verify"]);
    assert_eq!(finished.code, 1, "{finished:?}");
    assert!(
        finished.stdout.contains("720/a.mp4") && finished.stdout.contains("720/b.mp4"),
        "{finished:?}"
    );
}

#[test]
fn exit_codes_tell_usage_settings_and_environment_apart() {
    let root = Root::new(&[]);
    let file = root.path("conf/video-compressor.toml");
    for (name, settings, arguments, code, said) in [
        ("help", "", &["--help"][..], 0, &["Exit codes", "once"][..]),
        ("no such command", "", &["frobnicate"], 2, &["frobnicate"]),
        ("no such task", "", &["show", "x"], 2, &["x: no such task"]),
        (
            "no such status",
            "",
            &["list", "--status", "x"],
            2,
            &["queued", "processed"],
        ),
        ("nothing to set", "", &["set", "x"], 2, &["--priority"]),
        ("not KEY=VALUE", "", &["--set", "x", "status"], 2, &["KEY=VALUE"]),
        (
            "a flag with a bad value",
            "",
            &["--set", "verify=maybe", "once"],
            2,
            &["verify", "maybe", "fast"],
        ),
        (
            "bad values name file, key, value and what is allowed",
            "sweep_seconds = -1\nafter_success = \"burn\"\nsweeps = 3\n",
            &["once"],
            2,
            &[
                "video-compressor.toml",
                "sweep_seconds",
                "-1",
                "0.1",
                "after_success",
                "burn",
                "archive",
                "sweeps",
            ],
        ),
        (
            "not TOML",
            "sweep_seconds = = 3\n",
            &["config", "check"],
            2,
            &["video-compressor.toml", "1"],
        ),
        (
            "ffmpeg missing",
            "ffmpeg_path = \"/nowhere/ffmpeg\"\n",
            &["once"],
            3,
            &["/nowhere/ffmpeg"],
        ),
        (
            "ffmpeg without libx265",
            "ffmpeg_path = \"/bin/false\"\n",
            &["once"],
            3,
            &["libx265"],
        ),
        (
            "a folder that cannot be",
            "output = \"/dev/null/out\"\n",
            &["once"],
            3,
            &["/dev/null"],
        ),
    ] {
        root.write_settings(settings);
        let finished = root.run(arguments);
        assert_eq!(finished.code, code, "{name}: {finished:?}");
        for words in said {
            assert!(
                finished.text().contains(words),
                "{name}: {words:?} in {finished:?}"
            );
        }
    }
    assert!(file.exists() && root.outputs().is_empty());
}

#[test]
fn settings_come_from_file_environment_older_names_and_flags_in_this_order() {
    let root = Root::new(&[]);
    root.write_settings("sweep_seconds = 11\nprofile = \"slow\"\n");
    let shown = |variables: &[(&str, &str)], arguments: &[&str]| {
        let all = [arguments, &["config", "show"]].concat();
        let finished = with_environment(&root, variables, &all);
        assert_eq!(finished.code, 0, "{finished:?}");
        finished.stdout
    };
    let line = |text: &str, key: &str| {
        let line = text
            .lines()
            .find(|line| line.split_whitespace().next() == Some(key));
        line.unwrap_or_else(|| panic!("{key} in {text}")).to_owned()
    };
    let text = shown(&[], &[]);
    assert!(line(&text, "sweep_seconds").contains("= 11"), "{text}");
    assert!(line(&text, "settle_seconds").contains("= 3"), "{text}");
    for (variables, arguments, key, value) in [
        (
            &[("VIDEO_COMPRESSOR_SWEEP_SECONDS", "12")][..],
            &[][..],
            "sweep_seconds",
            "12",
        ),
        (
            &[("VIDEO_COMPRESSOR_SWEEP_SECONDS", "12")],
            &["--set", "sweep_seconds=13"],
            "sweep_seconds",
            "13",
        ),
        (&[("PROFILE", "fast")], &[], "profile", "fast"),
        (
            &[("PROFILE", "fast"), ("VIDEO_COMPRESSOR_PROFILE", "medium")],
            &[],
            "profile",
            "medium",
        ),
        (&[("CHECK_INTERVAL", "9")], &[], "check_interval_seconds", "9"),
        (&[("VIDEO_EXT", ".mkv, MP4")], &[], "extensions", "mkv"),
        // A topic is as good as a password: only where it comes from is shown.
        (&[("NTFY_TOPIC", "films")], &[], "ntfy_topic", "$NTFY_TOPIC"),
        (
            &[("NTFY_BASE_URL", "http://127.0.0.1:9")],
            &[],
            "ntfy_base_url",
            "127.0.0.1:9",
        ),
    ] {
        let text = shown(variables, arguments);
        assert!(
            line(&text, key).contains(value),
            "{variables:?} {arguments:?}: {text}"
        );
    }
    let bad = with_environment(&root, &[("PROFILE", "sloow")], &["status"]);
    assert_eq!(bad.code, 2, "{bad:?}");
    for words in ["PROFILE", "sloow", "slow"] {
        assert!(bad.stderr.contains(words), "{words}: {bad:?}");
    }

    // They are not only shown: VIDEO_EXT decides what is taken.
    root.configure(&[], "");
    root.put(&small(4), "720/a.mp4");
    root.put(&small(5), "720/b.mkv");
    let finished = with_environment(&root, &[("VIDEO_EXT", "mp4")], &["once"]);
    assert_eq!(finished.code, 0, "{finished:?}");
    assert_eq!(root.outputs(), ["720/a.mp4"]);
}

#[test]
fn settings_are_read_again_while_the_service_runs_and_a_mistake_changes_nothing() {
    let root = Root::new(&[("extensions", "[\"mp4\"]")]);
    root.start();
    root.put(&small(6), "720/a.mkv");
    root.put(&small(7), "720/b.mp4");
    root.until_status("720/b.mp4", "processed");
    assert_eq!(root.status("720/a.mkv"), "none");
    root.configure(&[("extensions", "[\"mp4\", \"mkv\"]")], "");
    root.until_logged("settings read again");
    root.until_status("720/a.mkv", "processed");

    root.configure(&[("extensions", "[\"avi\"]"), ("after_success", "\"burn\"")], "");
    root.until_logged("the old settings stay in force");
    let log = root.log();
    for words in ["after_success", "burn", "archive"] {
        assert!(log.contains(words), "{words}: {log}");
    }
    root.put(&small(8), "720/c.mp4");
    root.until_status("720/c.mp4", "processed");
    assert!(root.input("720/c.mp4").exists());
    assert_eq!(
        log.matches("the old settings stay in force").count(),
        1,
        "said once"
    );

    // A new folder with a profile of its own.
    root.configure(&[], "[resolution.1440]\nprofile = \"fast\"\n");
    root.until("the new settings are read", || {
        (root.log().matches("settings read again").count() == 2).then_some(())
    });
    root.put(&small(9), "1440/d.mp4");
    let row = root.until_status("1440/d.mp4", "processed");
    let receipt =
        fs::read_to_string(root.path(format!("conf/receipts/{}.json", row["id"].as_str().unwrap())));
    assert!(receipt.unwrap().contains("\"profile\": \"fast\""));
}

#[test]
fn doctor_says_what_is_wrong_and_how_to_mend_it() {
    let root = Root::new(&[]);
    let good = root.ok(&["doctor"]);
    for words in ["ffmpeg", "libx265", "watching", "space", "clock", "lock", "ntfy"] {
        assert!(good.stdout.contains(words), "{words}: {good:?}");
    }
    // Fewer frames to look ahead than this many B-frames need.
    root.write_settings("[profiles.odd]\nbased_on = \"medium\"\npreset = \"ultrafast\"\n");
    let odd = root.run(&["doctor"]);
    assert_eq!(odd.code, 1, "{odd:?}");
    let reason =
        "profile odd: x265 [error]: Lookahead depth must be greater than the max consecutive bframe count";
    assert!(odd.stdout.contains(reason), "{odd:?}");
    let check = root.run(&["config", "check"]);
    assert_eq!(check.code, 1, "{check:?}");
    assert!(check.text().contains(reason), "{check:?}");
    root.write_settings("ffmpeg_path = \"/nowhere/ffmpeg\"\n");
    let bad = root.run(&["doctor"]);
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(bad.stdout.contains("/nowhere/ffmpeg"), "{bad:?}");
}

#[test]
fn once_leaves_a_file_that_is_still_being_copied_when_its_time_is_over() {
    let root = Root::new(&[("settle_seconds", "60"), ("settle_seconds_without_lease", "60")]);
    root.put(&small(10), "720/a.mp4");
    let finished = root.run(&["once", "--timeout", "1"]);
    assert!(finished.stdout.contains("1 left"), "{finished:?}");
    assert!(root.outputs().is_empty() && Path::new(&root.input("720/a.mp4")).exists());
}

#[test]
fn json_log_lines_are_json() {
    let root = Root::new(&[]);
    root.put(&small(11), "720/a.mp4");
    let finished = root.ok(&["--log-format", "json", "once"]);
    let lines: Vec<serde_json::Value> = finished
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.len() >= 3, "{lines:?}");
}

#[test]
fn manual_and_completions_are_printed() {
    let root = Root::new(&[]);
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            root.ok(&["completions", shell])
                .stdout
                .contains("video-compressor"),
            "{shell}"
        );
    }
    assert!(root.ok(&["man"]).stdout.starts_with(".ie") || root.ok(&["man"]).stdout.contains(".TH"));
    let template = root.ok(&["config", "template"]).stdout;
    assert_eq!(
        template,
        include_str!("../conf/video-compressor.toml"),
        "the shipped file is the template"
    );
}
