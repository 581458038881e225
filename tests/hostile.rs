//! What a decoder that a film has taken over can do: nothing but what it is there for.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods)]

mod common;

use std::{fs, path::Path, sync::atomic::Ordering};

use common::{clips::small, listener::listener, root::Root, skip};
use video_compressor::{
    confine::{self, Confinement, Files},
    process::{Cancel, CommandLine, Limits, Output, Priority, run},
};

const SECRET: &str = "the-secret-6f1d";

/// Whether this kernel confines as far as these tests look. Says so when not.
fn is_confined(test: &str) -> bool {
    let rules = confine::rules(Path::new("sh"), &Files::default()).unwrap();
    let is_whole = rules.is_some() && confine::version() >= confine::HOLDS_SIGNALS;
    if !is_whole {
        skip(test, "landlock");
    }
    is_whole
}

fn shell(command: CommandLine, script: &str) -> Output {
    let command = command.arguments(["-c", script]);
    run(&command, Limits::default(), &Cancel::new(), 100_000).unwrap()
}

fn bash() -> CommandLine {
    CommandLine::new(Path::new("bash"), Priority::default()).confined(Confinement::Auto)
}

#[test]
fn a_confined_child_reaches_the_files_it_was_given_and_nothing_else() {
    if !is_confined("a_confined_child_reaches_the_files_it_was_given_and_nothing_else") {
        return;
    }
    let (port, connections) = listener();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["given", "own", "other", "secret"] {
        fs::write(at(name), SECRET).unwrap();
    }
    let script = format!(
        "cd {}\n\
         cat given >/dev/null && echo given-read\n\
         echo new >own && echo own-written\n\
         cat secret && echo secret-read\n\
         echo new >other && echo other-written\n\
         echo new >given && echo given-written\n\
         echo new >made && echo made\n\
         rm own && echo own-removed\n\
         ln own linked && echo linked\n\
         ls . && echo listed\n\
         cat /proc/$PPID/environ && echo spied\n\
         (exec 3<>/dev/tcp/127.0.0.1/{port}) && echo connected\n\
         true",
        folder.path().display()
    );
    let free = || CommandLine::new(Path::new("bash"), Priority::default());
    let confined = bash().reads(&at("given")).writes(&at("own"));
    let output = shell(confined, &script);
    assert!(output.finished.succeeded(), "{}", output.finished);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "given-read\nown-written\n"
    );
    assert_eq!(fs::read_to_string(at("own")).unwrap(), "new\n");
    for name in ["given", "other", "secret"] {
        assert_eq!(fs::read_to_string(at(name)).unwrap(), SECRET);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    // The same script without the rules does all of it, so it is they that forbid it.
    let output = shell(free(), &script);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for done in [
        "secret-read",
        "other-written",
        "made",
        "own-removed",
        "listed",
        "connected",
    ] {
        assert!(text.contains(done), "{done}: {text}");
    }
}

#[test]
fn a_child_cannot_take_more_memory_than_it_was_given() {
    let hungry = "head -c 300000000 /dev/zero | tail -n 1 | wc -c; exit ${PIPESTATUS[1]}";
    let fed = bash().with_memory(Some(1 << 30));
    assert!(shell(fed, hungry).finished.succeeded());
    let starved = bash().with_memory(Some(64 << 20));
    assert!(!shell(starved, hungry).finished.succeeded());
}

#[test]
fn an_ffmpeg_that_a_film_has_taken_over_steals_nothing_and_spoils_nothing() {
    let test = "an_ffmpeg_that_a_film_has_taken_over_steals_nothing_and_spoils_nothing";
    if !is_confined(test) {
        return;
    }
    let root = Root::new(&[]);
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, SECRET).unwrap();
    root.put(&small(1), "720/a.mp4");
    let taken_over = root.script(&format!(
        "cat {secret} >&2; cat {conf} >&2; echo spoilt >{input}; echo stolen >{root}/stolen; exec ffmpeg \"$@\"\n",
        secret = secret.display(),
        conf = root.path("conf/video-compressor.toml").display(),
        input = root.input("720/a.mp4").display(),
        root = root.path("").display(),
    ));
    root.configure(&[("ffmpeg_path", &taken_over), ("confine", "\"auto\"")], "");
    let before = fs::read(root.input("720/a.mp4")).unwrap();
    root.start();
    root.until_status("720/a.mp4", "processed");
    assert_eq!(root.stop(), 0);
    assert_eq!(fs::read(root.input("720/a.mp4")).unwrap(), before);
    assert!(!root.path("stolen").exists());
    assert_eq!(root.outputs(), ["720/a.mp4"]);
    for file in common::root::files_below(&root.path("")) {
        let bytes = fs::read(root.path(&file)).unwrap();
        let found = bytes
            .windows(SECRET.len())
            .any(|window| window == SECRET.as_bytes());
        assert!(!found, "{file} holds the secret");
    }
}

#[test]
fn doctor_says_whether_ffmpeg_is_confined() {
    let root = Root::new(&[]);
    let says = |root: &Root| root.run(&["doctor"]).text();
    if is_confined("doctor_says_whether_ffmpeg_is_confined") {
        assert!(
            says(&root).contains("ok    confinement: ffmpeg reaches only"),
            "{}",
            says(&root)
        );
    }
    root.configure(&[("confine", "\"off\"")], "");
    assert!(says(&root).contains("note  confinement: off"), "{}", says(&root));
}
